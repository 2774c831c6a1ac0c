"""What every test may rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and goldens beside the repository; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("AVBENCH_SHARED", REPOSITORY.parent / "shared")).resolve()
    if not folder.is_dir():
        pytest.skip(f"real clips and goldens are absent: no folder {folder} (set AVBENCH_SHARED)")
    return folder


@dataclass(frozen=True)
class Avbench:
    """The command line with the toy parts of tests/toys installed beside it, run in a folder of its own."""

    folder: Path
    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(REPOSITORY / "tests" / "toys"), os.environ.get("PYTHONPATH")]))
        return {**os.environ, "PYTHONPATH": path, "AVBENCH_HOME": str(self.home), **more}

    def start(self, *words: str | Path, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "avbench", *map(str, words)],
            cwd=self.folder,
            env=self.environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str | Path, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; the exit status must be `code`."""
        process = self.start(*words, **env)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, f"exit {process.returncode}, expected {code}\n{out}\n{err}"
        return subprocess.CompletedProcess(process.args, code, out, err)

    def suite(self, *rows: dict[str, object], name: str = "toys") -> Path:
        """A suite file with these rows; ids are p0, p1, … where none is given."""
        path = self.folder / f"{name}.jsonl"
        lines = [json.dumps({"id": f"p{index}", "video_caption": "noise", **row}) for index, row in enumerate(rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
        return path


@pytest.fixture
def avbench(tmp_path: Path) -> Avbench:
    """Runs `avbench` as a user would."""
    return Avbench(tmp_path, tmp_path / "home")
