"""run.json: what was asked and in force, on what machine, with which versions; and no secret in it."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from avbench import __version__
from avbench.devices import cores, gpus
from avbench.files import write_atomically
from avbench.redact import clean

RECORD = "run.json"
PACKAGES: tuple[str, ...] = (
    "torch",
    "torchaudio",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "av",
    "opencv-python-headless",
)
PACKAGES += ("soxr", "pyloudnorm", "silero-vad", "safetensors", "typer", "tqdm", "espeakng-loader", "ray")


def now() -> str:
    """The present time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def environment() -> dict[str, object]:
    """Everything about the machine and the software that may move a number."""
    return {
        "avbench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "git": git_state(Path.cwd()),
        "hardware": {"cpu": cpu(), "cores": cores(), "memory_gb": memory_gb(), "gpus": list(gpus())},
    }


def command() -> list[str]:
    """The command line that is running."""
    return [Path(sys.argv[0]).name, *map(clean, sys.argv[1:])]


def write_record(run_dir: Path, record: Mapping[str, object]) -> None:
    """Write run.json in one step. Raises UsageError when the folder cannot be written."""
    text = json.dumps(_strict(record), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(run_dir / RECORD, lambda path: path.write_text(clean(text) + "\n", encoding="utf-8"))


def read_record(run_dir: Path) -> dict[str, object]:
    """The run.json of a run directory; empty when there is none that can be read."""
    try:
        record = json.loads((run_dir / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def git_state(folder: Path) -> dict[str, object] | None:
    """Commit, branch and whether there are changes, when `folder` is a checkout of avbench; else None."""

    def git(*words: str) -> str | None:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else None

    try:
        top = git("rev-parse", "--show-toplevel")
    except OSError:  # no git on this machine
        return None
    if top is None or not Path(top, "avbench", "provenance.py").is_file():
        return None
    dirty = git("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": git("rev-parse", "HEAD"),
        "branch": git("rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": bool(dirty),
    }


def cpu() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def memory_gb() -> float:
    """Physical memory in GB (1e9 bytes)."""
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)


def _strict(value: object) -> object:
    """Strict JSON knows no infinity: the open end of a column's range is null."""
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
