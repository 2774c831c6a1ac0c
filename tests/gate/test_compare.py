"""`avbench compare`: the largest differences first, with the clips that show them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from avbench.cli import app
from avbench.differences import differences
from avbench.errors import IncompleteError, UsageError
from avbench.weights import find

MakeRun = Callable[..., Path]
BASE = np.random.default_rng(0).normal(0.5, 0.1, 30)
FAR = BASE + np.where(np.arange(30) == 7, -0.9, 0.01)


def test_the_clip_that_differs_most_comes_first(make_run: MakeRun) -> None:
    found = differences(make_run("a", {"sharp": BASE, "wer": BASE}), make_run("b", {"sharp": FAR, "wer": BASE}))
    assert found.clips[0].prompt == "p007" and len(found.clips) == 30
    sizes = [abs(clip.changes[0].size) for clip in found.clips]
    assert sizes == sorted(sizes, reverse=True)
    assert [change.measure.column.name for change in found.clips[0].changes] == ["sharp"]  # wer has not changed


@pytest.mark.parametrize(
    ("metric", "change", "better"),
    [("sharp", 0.2, "B"), ("sharp", -0.2, "A"), ("wer", 0.2, "A"), ("loud", 0.2, ""), ("sharp", 0, "")],
)
def test_better_is_what_the_direction_says_and_the_prompts_tell(
    metric: str, change: float, better: str, make_run: MakeRun
) -> None:
    (row,) = differences(make_run("a", {metric: BASE}), make_run("b", {metric: BASE + change})).overall
    assert row.better == better and row.effect.mean == pytest.approx(change)


def test_one_metric_alone_and_what_is_refused(make_run: MakeRun) -> None:
    runs = make_run("a", {"sharp": BASE, "wer": BASE}), make_run("b", {"sharp": FAR, "wer": BASE})
    assert [row.measure.column.name for row in differences(*runs, "wer").overall] == ["wer"]
    with pytest.raises(UsageError, match="no metric 'were' in these runs; they have sharp, wer"):
        differences(*runs, "were")
    with pytest.raises(UsageError, match="different prompts"):
        differences(runs[0], make_run("c", {"sharp": BASE}, digest="e" * 64))
    with pytest.raises(IncompleteError, match="no clip has a number in both"):
        differences(runs[0], make_run("d", {"sharp": ["unscored"] * 30}))


def test_the_command_prints_rows_and_clips(make_run: MakeRun) -> None:
    runs = make_run("a", {"sharp": BASE}), make_run("b", {"sharp": FAR})
    text = CliRunner().invoke(app, ["compare", *map(str, runs), "--top", "1"]).stdout
    assert "m · s · p007 (seed 0)" in text and "p008" not in text and "sd)" in text
    assert "m · s · sharp [signal]" in text
    found = json.loads(CliRunner().invoke(app, ["compare", *map(str, runs), "--json"]).stdout)
    assert found["clips"][0]["prompt"] == "p007" and len(found["clips"]) == 10


@pytest.mark.slow
def test_runs_that_other_weights_have_scored_are_not_mixed(avbench: Any, tmp_path: Path) -> None:
    """From the files of weights on: side by side, in a report, and without the ledger."""
    suite = avbench.suite({"seconds": 0.5})
    file = avbench.home / "weights" / find("s3fd").file
    file.parent.mkdir(parents=True)
    for number, out in (("2", "a"), ("3", "b")):
        file.write_text(number)
        how = ("--metrics", "toy_weighed", "--allow-unverified", "--workers", "0", "--out", out)
        avbench("run", "-m", "toy", "-s", suite, *how)
    words = "scored toy_weighed (signal) with other weights (digests "
    assert words in avbench("compare", "a", "b", code=2).stderr
    (tmp_path / "b" / "scores.sqlite").unlink()
    assert words in avbench("compare", "a", "b", code=2).stderr
    assert words in avbench("report", "a", "b", code=2).stderr
    avbench("compare", "a", "a")


@pytest.mark.slow
def test_paths_are_those_of_the_clips(avbench: Any, tmp_path: Path) -> None:
    suite = avbench.suite({"seconds": 0.5}, {"seconds": 0.5})
    for model, out in (("toy", "a"), ("toy", "b"), ("world", "w")):
        avbench("run", "-m", model, "-s", suite, "--metrics", "toy_level", "--out", out, "--workers", "0")
    found = json.loads(avbench("compare", "a", "w", "--json").stdout)
    first = found["clips"][0]
    assert Path(first["a"]).is_file() and Path(first["b"]).is_file()
    assert "toy" in first["a"] and "world" in first["b"]
    assert json.loads(avbench("compare", "a", "b", "--json").stdout)["clips"] == []
