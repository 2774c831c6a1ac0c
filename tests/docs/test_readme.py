"""README shows things that work: its links, its folders, its commands and its example metric."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_tree_is_the_tree() -> None:
    tree = README.split("## The house")[1].split("\n\n")[1]
    folders = re.findall(r"^    (\w+)/", tree, re.MULTILINE)
    assert folders == [f for f in folders if (ROOT / f).is_dir()]
    assert [f"avbench/{f}" for f in re.findall(r"^      (\w+)/", tree, re.MULTILINE)] == [
        "avbench/media",
        "avbench/world",
        "avbench/statistics",
        "avbench/gate",
        "avbench/cli",
    ]


def test_named_commands_and_options_exist() -> None:
    help_page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    avbench (\w+)([^#\n]*)", README, re.MULTILINE)
    assert len(lines) >= 8
    for command, rest in lines:
        section = help_page.split(f"## avbench {command}\n")[1].split("\n## ")[0]
        for option in re.findall(r"--[\w-]+", rest):
            assert option in section, f"avbench {command} {option}"


@pytest.mark.slow
def test_the_example_metric_runs(tmp_path: Path) -> None:
    code = README.split("```python\n")[1].split("```")[0]
    (tmp_path / "brightness_plugin.py").write_text(code, encoding="utf-8")
    info = tmp_path / "brightness_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brightness-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[avbench.metrics]\nbrightness = brightness_plugin:Brightness\n")
    command = [sys.executable, "-m", "avbench", "run", "--model", "world", "--suite", "ambient", "--limit", "1"]
    done = subprocess.run(
        [*command, "--metrics", "brightness", "--out", str(tmp_path / "run")],
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    import pandas as pd

    scores = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    assert scores["metric"].tolist() == ["brightness"]
    assert 0 < scores["value"].item() < 255
