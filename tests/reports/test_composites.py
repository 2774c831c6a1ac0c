"""Composites: the benchmarks' own arithmetic, by hand, and none where a column is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avbench.composites import COMPOSITES, VBENCH, composite_notes, vbench_quality, verse_overall
from avbench.leaderboard import Cell, Leaderboard, Measure, Row
from avbench.records import Column, Direction

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


def board(means: dict[str, float]) -> Leaderboard:
    measures = tuple(Measure(Column(name, "", Direction.UP, 0, 1, "", ""), "x") for name in means)
    return Leaderboard(measures, (), (Row("m", "s", "", tuple(Cell(mean, scored=1) for mean in means.values()), ()),))


def test_a_composite_needs_all_its_columns_of_one_backend() -> None:
    assert composite_notes(board(BEST)) == ("m · s: VBench quality score 1.0000, of 7 columns, without interval",)
    assert len(composite_notes(board(BEST | VERSE))) == len(COMPOSITES) == 2
    assert composite_notes(board(dict(list(BEST.items())[1:]))) == ()
    one = board(BEST)
    twice = replace(one, measures=(*one.measures, replace(one.measures[0], backend="y")))
    rows = (replace(one.rows[0], cells=(*one.rows[0].cells, Cell(0.5, scored=1))),)
    assert composite_notes(replace(twice, rows=rows)) == ()
