"""Numbers from weights that nobody verified never share a column with official ones."""

from __future__ import annotations

import os
import subprocess
import sys

LIST = """
from avbench.parts import Metric
from avbench.registry import load, names
for name in names(Metric):
    print(name, load(Metric, name).backend)
"""


def _backends(**environment: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "AVBENCH_ALLOW_UNVERIFIED"}
    run = subprocess.run(
        [sys.executable, "-c", LIST], env={**kept, **environment}, capture_output=True, text=True, check=True
    )
    return dict(line.split() for line in run.stdout.splitlines())


def test_metrics_with_weights_say_so_in_their_backend() -> None:
    official, unverified = _backends(), _backends(AVBENCH_ALLOW_UNVERIFIED="1")
    no_official_weights = {"signal", "speakers.txt", "world-1", "judge"}  # the world's scorers ship in the package
    for name, backend in official.items():
        assert unverified[name] == (backend if backend in no_official_weights else f"{backend}+unverified")
    assert {"lipsync", "desync", "imagebind", "javis_score"} <= official.keys()
