"""Composites: the benchmarks' own arithmetic, by hand, and none where a column is missing."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avbench.composites import (
    COMPOSITES,
    VBENCH,
    composite_notes,
    vbench_i2v_quality,
    vbench_quality,
    verse_overall,
)
from avbench.leaderboard import Cell, Leaderboard, Measure, Row
from avbench.metric_sets import load_set, view
from avbench.records import Column, Direction
from avbench.reports.table import Table

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


def test_a_composite_needs_all_its_columns_of_one_backend() -> None:
    assert composite_notes(board(BEST)) == (
        "m · s: VBench quality score 1.0000, of 7 columns, without interval",
        "m · s: VBench-I2V quality score 1.0000, of 6 columns, without interval",
    )
    assert len(composite_notes(board(BEST | VERSE))) == len(COMPOSITES) == 3
    assert composite_notes(board(dict(list(BEST.items())[1:]))) == ()
    one = board(BEST)
    twice = replace(one, measures=(*one.measures, replace(one.measures[0], backend="y")))
    rows = (replace(one.rows[0], cells=(*one.rows[0].cells, Cell(0.5, scored=1))),)
    assert composite_notes(replace(twice, rows=rows)) == ()
