"""What every test may rely on."""

from __future__ import annotations

import os
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
