"""The house rules: every package ships, no folder leaks to the top level, the core names no part."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmarks", "generators", "metrics", "reports")


def test_every_package_is_listed() -> None:
    """A sub-package forgotten in pyproject imports in a clone and is silently absent from the wheel."""
    found = {".".join(p.parent.relative_to(ROOT).parts) for p in ROOT.glob("avbench/**/__init__.py")}
    for folder in FOLDERS:
        inner = (p.parent.relative_to(ROOT).parts for p in ROOT.glob(f"{folder}/**/__init__.py"))
        found |= {".".join(("avbench", *parts)) for parts in inner}
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert set(tool["packages"]) == found
    parts = {name for name in found if name.split(".")[1:2] and name.split(".")[1] in FOLDERS}
    assert tool["package-dir"] == {name: name.removeprefix("avbench.").replace(".", "/") for name in parts}


def test_every_data_file_ships() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    suffixes = {Path(p).suffix for p in patterns}
    for folder in ("avbench", *FOLDERS):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts:
                assert path.suffix in suffixes or path.name in patterns, f"{path} would be missing from the wheel"


def test_folders_are_no_top_level_packages() -> None:
    code = "import avbench.metrics, sys; print([m for m in ('metrics', 'reports') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=True)
    assert done.stdout.strip() == "[]"


def test_core_names_no_part() -> None:
    pattern = re.compile(rf"^\s*(?:from|import) avbench\.(?:{'|'.join(FOLDERS)})\b", re.MULTILINE)
    for path in (ROOT / "avbench").rglob("*.py"):
        assert not pattern.search(path.read_text()), f"{path} imports a part"


def test_no_committed_file_names_a_registry() -> None:
    names = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT)
    hosts = re.compile("|".join((r"pypi" + r"\.org", "python" + "hosted", r"--index" + "-url")))
    for name in names.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".txt", ".toml", ".md", ".py", ".yml", ".lock"} and path.is_file():
            assert not hosts.search(path.read_text(encoding="utf-8")), f"{name} names a registry"
