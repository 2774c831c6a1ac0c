"""What happens around a run: files that change under it, and what makes a score stale.

Kills, crashes, hangs, full disks and two runs in one folder are in tests/test_kill.py, tests/test_run.py,
tests/test_store.py and tests/test_executor.py.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from avbench.parts import Metric
from avbench.records import Clip, Prompt
from avbench.registry import load
from avbench.scoring import ToScore, describe, score_clip


@pytest.mark.slow
def test_a_file_that_changes_while_it_is_scored_is_flagged(
    tmp_path: Path, avbench: Any, encode: Any, ramp: Any, tone: Any
) -> None:
    """A clip that is written while it is scored is a failed item `changed: …`; the same command scores it anew."""
    folder = tmp_path / "clips"
    folder.mkdir()
    path = encode(folder / "a.mp4", ramp(5), audio=tone(0.2, 48_000))
    command = ("score", "clips", "--metrics", "toy_level", "--workers", "0", "--out", "run")
    process = avbench.start(*command, TOY_SLEEP="3")
    while process.poll() is None:
        os.utime(path)
        time.sleep(0.05)
    _, err = process.communicate()
    assert process.returncode == 3, err
    table = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    assert set(table.status) == {"failed"} and set(table.reason) == {"changed: the file changed while it was scored"}
    avbench(*command)
    table = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    assert list(table.status) == ["ok", "ok"]


def test_a_file_that_changed_since_the_run_began_is_flagged(tmp_path: Path, encode: Any, ramp: Any) -> None:
    """Scores are of the content that the ledger names: other content is a failed item, never a score."""
    path = encode(tmp_path / "a.mp4", ramp(5))
    item = ToScore(1, Clip(path, Prompt("a"), "m"), expected="0" * 64, metrics=("motion_flow",))
    (score,) = score_clip(item, {"motion_flow": load(Metric, "motion_flow")()}).scores["motion_flow"]
    assert score.status == "failed" and score.reason == "changed: the file changed while the run was going on"
    assert score.value is None


def test_fewer_clips_than_workers(tmp_path: Path, avbench: Any) -> None:
    """One item on four workers is one item."""
    avbench("run", "-m", "toy", "-s", avbench.suite({}), "--metrics", "toy_level", "--workers", "4", "--out", "run")
    table = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    assert list(table.status) == ["ok", "ok"]


def test_every_part_of_a_metrics_identity_makes_its_scores_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version or backend of a metric, another backbone or another version of one: old scores are not reused."""

    metric = load(Metric, "motion_flow")
    other = type(metric.needs[0])
    changes: list[dict[str, object]] = [
        {},
        {"version": "2"},
        {"backend": "network"},
        {"needs": ()},
        {"needs": (type(other.__name__, (other,), {"version": "2"})(),)},
    ]
    keys = []
    for change in [*changes, {}]:
        variant = type("Variant", (metric,), change)
        monkeypatch.setattr("avbench.registry.load", lambda kind, name, variant=variant: variant)
        keys.append(describe("motion_flow").key)
    assert len(set(keys)) == len(changes) and keys[0] == keys[-1]
