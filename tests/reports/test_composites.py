"""Composites: the benchmarks' own arithmetic, by hand, and none where a column is missing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avbench.composites import (
    COMPOSITES,
    VBENCH,
    composite_notes,
    totals,
    vbench_i2v_quality,
    vbench_quality,
    verse_overall,
)
from avbench.leaderboard import Cell, Leaderboard, Measure, Row, build
from avbench.ledger import Ledger
from avbench.materials import Left, pack
from avbench.metric_sets import load_set, view
from avbench.metrics._classes import kl_softmax
from avbench.records import Clip, Column, Direction, Prompt, Suite
from avbench.reports.table import Table
from avbench.results import Results, Run, measure_of
from avbench.statistics.intervals import mean
from avbench.store import COLUMNS, SET_COLUMNS

BEST = {bound.column: bound.best for bound in VBENCH}
VERSE = {"as_verse": 0.5, "id_dinov3_versebench": 0.9, "clap_pair_distance": 1.5, "kl_passt": 1.0, "clap_score": 0.25}
VERSE |= {"audiobox_ce": 5.5, "audiobox_cu": 5.5, "audiobox_pc": 5.5, "audiobox_pq": 5.5}
VERSE |= {"wer": 0.2, "lse_c": 6.0, "desync_verse": 0.25}


def test_vbench_quality() -> None:
    assert vbench_quality(BEST) == pytest.approx(1)
    assert vbench_quality(BEST | {"dynamic_degree": 0.0}) == pytest.approx(6 / 6.5)  # its weight is a half
    assert vbench_quality(BEST | {"motion_smoothness": 0.5}) < 1 - 1 / 6.5  # below the least: not clamped


def test_verse_overall_by_hand() -> None:
    audio = (0.5 + 0.75 + 0.25 + 0.5 + 0.5 + 0.5 + 0.5) / 7
    joint = 2 * 0.25 * 0.75 / (0.25 + 0.75)
    assert verse_overall(VERSE) == pytest.approx(0.5 * joint + 0.2 * 0.7 + 0.2 * audio + 0.1 * (0.8 + 0.6) / 2)
    assert verse_overall(VERSE | {"wer": 7.0}) == pytest.approx(verse_overall(VERSE | {"wer": 1.0}))  # clamped
    assert verse_overall(VERSE | {"clap_score": 0.0, "desync_verse": 1.0}) < verse_overall(VERSE)


NAMES = {
    "subject consistency": "subject_consistency",
    "background consistency": "background_consistency",
    "temporal flickering": "temporal_flickering",
    "motion smoothness": "motion_smoothness",
    "dynamic degree": "dynamic_degree",
    "aesthetic quality": "aesthetic_laion",
    "imaging quality": "imaging_spaq",
}
VERSE_NAMES = {"AS": "as_verse", "ID": "id_dinov3_versebench", "FD": "clap_pair_distance", "KL": "kl_passt"}
VERSE_NAMES |= {"CS": "clap_score", "WER": "wer", "LSE-C": "lse_c", "AV-A": "desync_verse"}
VERSE_NAMES |= {axis: f"audiobox_{axis.lower()}" for axis in ("CE", "CU", "PC", "PQ")}


def test_totals_are_the_references(shared: Path) -> None:
    folder = Path(os.environ.get("AVBENCH_GOLDEN", shared / "golden"))
    path = folder / "video" / f"{os.environ.get('AVBENCH_GOLDEN_SET', 'open')}_aggregate.npz"
    golden = json.loads(str(np.load(path)["meta"]))
    for case in golden["total"]:
        means = {ours: case["raw"][theirs] for theirs, ours in NAMES.items()}
        assert vbench_quality(means) == pytest.approx(case["quality"], abs=1e-7)
    for case in golden["i2v"]:
        means = {ours: case["raw"][theirs.title()] for theirs, ours in NAMES.items() if theirs.title() in case["raw"]}
        assert vbench_i2v_quality(means) == pytest.approx(case["quality"], abs=1e-7)
    for case in golden["verse"]:
        means = {ours: case["raw"][theirs] for theirs, ours in VERSE_NAMES.items()}
        assert verse_overall(means) == pytest.approx(case["scores"]["Overall Score"], abs=1e-7)


def test_the_normalised_set_has_the_bounds_of_the_total() -> None:
    columns = {column.metric: column for column in load_set("vbench_normalised").columns}
    for bound in VBENCH:
        column = columns[bound.column]
        assert (0.9 - column.origin) * column.scale == pytest.approx(bound.scaled({bound.column: 0.9}))
    means = {"motion_smoothness": 0.9975, "temporal_style": 0.182}
    shown = Table().render(view(board(means), load_set("vbench_normalised")))
    assert "1.0000" in shown and "0.5000" in shown


def board(means: dict[str, float]) -> Leaderboard:
    measures = tuple(Measure(Column(name, "", Direction.UP, 0, 1, "", ""), "x") for name in means)
    return Leaderboard(measures, (), (Row("m", "s", "", tuple(Cell(mean, scored=1) for mean in means.values()), ()),))


def results(table: Mapping[str, Sequence[float]], backend: str = "x", seeds: int = 1) -> Results:
    """Scores of one model; a column's values are of p0, p1, … with that many seeds each."""
    rows = [
        ("m", "s", "", f"p{i // seeds}", i % seeds, name, backend, value, "ok", "")
        for name, values in table.items()
        for i, value in enumerate(values)
    ]
    measures = tuple(Measure(Column(name, "", Direction.UP, 0, 1, "", ""), backend) for name in table)
    return Results(pd.DataFrame(rows, columns=list(COLUMNS)), pd.DataFrame(columns=list(SET_COLUMNS)), measures)


def notes(found: Results) -> tuple[str, ...]:
    return composite_notes(build(found.scores, found.measures), found)


def spread(means: Mapping[str, float], n: int = 12) -> dict[str, list[float]]:
    rng = np.random.default_rng(0)
    return {name: list(mean + rng.normal(0, 0.05, n)) for name, mean in means.items()}


def test_a_composite_needs_all_its_columns_of_one_backend() -> None:
    flat = {name: [mean] * 3 for name, mean in BEST.items()}
    assert notes(results(flat)) == (
        "m · s: VBench quality score 1.0000, 95 % interval 1.0000 to 1.0000, of 7 columns",
        "m · s: VBench-I2V quality score 1.0000, 95 % interval 1.0000 to 1.0000, of 6 columns",
    )
    assert len(notes(results(spread(BEST | VERSE)))) == len(COMPOSITES) == 3
    assert notes(results(dict(list(flat.items())[1:]))) == ()
    twice, other = results(flat), results({"dynamic_degree": [0.5] * 3}, "y")
    scores = pd.concat([twice.scores, other.scores])
    assert notes(replace(twice, scores=scores, measures=twice.measures + other.measures)) == ()


def test_the_interval_of_a_linear_total_is_that_of_its_values_a_prompt() -> None:
    table = spread(BEST)
    found = results(table)
    (total, *_) = totals(build(found.scores, found.measures), found)
    each = [vbench_quality({name: values[i] for name, values in table.items()}) for i in range(12)]
    want = mean(np.array(each))
    assert total.interval and total.value == pytest.approx(want.value)
    assert (total.interval.low, total.interval.high) == pytest.approx((want.interval.low, want.interval.high))


def test_seeds_of_a_prompt_leave_together_and_one_prompt_has_no_interval() -> None:
    once = spread(BEST, 6)
    thrice = {name: list(np.repeat(values, 3)) for name, values in once.items()}
    assert notes(results(thrice, seeds=3)) == notes(results(once))
    assert "has clips of a single prompt)" in notes(results(spread(BEST, 1)))[0]


def test_a_total_with_a_number_of_a_set_is_made_anew_without_each_prompt(tmp_path: Path) -> None:
    """Verse-Bench's KL is one number of all clips: what they left tells it for any of them."""
    rng = np.random.default_rng(0)
    sides = {name: rng.normal(size=(12, 5)).astype(np.float32) for name in ("run", "truth")}
    for name, logits in sides.items():
        with Ledger(tmp_path / name) as ledger:
            suite = Suite("s", "1", "d", tuple(Prompt(f"p{i}", "s", "x") for i in range(12)))
            ledger.put_fact("metric", "tags_passt", {"columns": [], "backend": "x"})
            ledger.put_prompts(suite, {prompt.id for prompt in suite.prompts})
            ledger.ask(Clip(tmp_path / f"{prompt.id}.mp4", prompt, "m") for prompt in suite.prompts)
            for entry, row in zip(ledger.entries("m", "s"), logits, strict=True):
                left = Left(pack({"features": row, "logits": row}))
                ledger.put_scores(entry.id, {"tags_passt": ("k", [])}, left={"tags_passt": left})
    kl = kl_softmax(sides["truth"], sides["run"])
    found = results(spread({name: value for name, value in VERSE.items() if name != "kl_passt"}))
    column = {"name": "kl_passt", "unit": "", "direction": "down", "low": 0, "high": 9, "summary": "", "source": ""}
    column |= {"part": "tags_passt", "backend": "x", "version": "1", "of_set": True}
    info = {"columns": [column], "reference": {"run": str(tmp_path / "truth"), "digest": "d"}}
    sets = pd.DataFrame([("m", "s", "", "kl_passt", "x", kl.mean(), np.nan, np.nan, 12, "ok", "")], columns=SET_COLUMNS)
    run = Run(tmp_path / "run", "run", info, {"m": "m"})
    found = replace(found, sets=sets, measures=(*found.measures, measure_of(column)), runs=(run,))
    *_, total = totals(build(found.scores, found.measures, sets=sets), found)
    assert total.interval and total.interval.low < total.value < total.interval.high
    gone = replace(run, info={"columns": [column], "reference": {"run": str(tmp_path / "gone"), "digest": "d"}})
    *_, total = totals(build(found.scores, found.measures, sets=sets), replace(found, runs=(gone,)))
    assert total.interval is None and "score with --reference again" in total.why
