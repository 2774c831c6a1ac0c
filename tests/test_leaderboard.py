"""Aggregation: closed forms, clustering, marks, counts."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.errors import IncompleteError, UsageError
from avbench.leaderboard import Cell, Leaderboard, Mark, Measure, build
from avbench.records import Column, Direction, Prompt, SpeechLine
from avbench.seeds import seed_notes
from avbench.statistics.ranks import Places

NAMES = ["model", "suite", "subset", "prompt_id", "seed", "metric", "backend", "value", "status", "reason"]


def measure(
    name: str = "m", direction: Direction = Direction.UP, *, backend: str = "signal", guard: bool = False
) -> Measure:
    return Measure(Column(name, "", direction, -10, 10, "summary", "source", guard), backend)


def scores(values: Iterable[float | None], model: str = "a", **fixed: object) -> pd.DataFrame:
    """One prompt a value; None is an unscored clip."""
    rows = [
        {
            "model": model,
            "suite": "speech",
            "subset": "",
            "prompt_id": f"p{i}",
            "seed": 0,
            "metric": "m",
            "backend": "signal",
            "value": math.nan if value is None else value,
            "status": "unscored" if value is None else "ok",
            "reason": "no face" if value is None else "",
        }
        | fixed
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=NAMES)


def cell(board: Leaderboard, model: str = "a") -> Cell:
    return next(row.cells[0] for row in board.rows if row.model == model)


def test_mean_and_interval_of_one_clip_a_prompt_are_the_textbook_t_interval() -> None:
    got = cell(build(scores([1, 2, 3, 4]), [measure()]))
    half = 3.182446305284263 * math.sqrt(5 / 3) / 2  # t(0.975, 3), s^2 = 5/3, n = 4
    assert (got.mean, got.scored, got.asked) == (2.5, 4, 4)
    assert (got.low, got.high) == pytest.approx((2.5 - half, 2.5 + half), rel=1e-12)


def test_seeds_of_a_prompt_are_one_cluster() -> None:
    frame = scores([0, 0, 4, 4])
    frame["prompt_id"] = ["p", "p", "q", "q"]
    frame["seed"] = [0, 1, 0, 1]
    got = cell(build(frame, [measure()]))
    # m = 2; cluster sums of residuals -4 and 4; SE = sqrt(2/1 * 32) / 4 = 2; t(0.975, 1) = 12.7062
    assert got.mean == 2 and got.scored == 4
    assert got.high == pytest.approx(2 + 2 * 12.706204736174707, rel=1e-9)


def test_the_same_prompt_id_in_two_suites_is_two_cells() -> None:
    board = build(pd.concat([scores([1, 2]), scores([5, 7], suite="ambient")]), [measure()])
    assert [(row.suite, row.cells[0].mean) for row in board.rows] == [("ambient", 6), ("speech", 1.5)]


def test_one_clip_has_no_interval_and_equal_clips_an_empty_one() -> None:
    one = cell(build(scores([3.5]), [measure()]))
    assert (one.mean, one.low, one.high, one.scored) == (3.5, None, None, 1)
    same = cell(build(scores([3.5] * 5), [measure()]))
    assert (same.low, same.high) == (3.5, 3.5)


def test_two_seeds_of_a_single_prompt_have_no_interval() -> None:
    frame = scores([1, 2], prompt_id="p")
    frame["seed"] = [0, 1]
    got = cell(build(frame, [measure()]))
    assert (got.mean, got.low) == (1.5, None)


def test_what_is_not_scored_is_counted_and_never_averaged() -> None:
    frame = scores([1.0, 3.0, math.nan, math.inf, 9.0, 9.0, 9.0])
    frame["status"] = ["ok", "ok", "ok", "ok", "failed", "unscored", "not_applicable"]
    frame["reason"] = ["", "", "", "", "decode", "no face", "no face"]
    got = cell(build(frame, [measure()]))
    assert got.mean == 2
    assert (got.scored, got.not_finite, got.failed, got.unscored, got.not_applicable, got.asked) == (2, 2, 1, 1, 1, 7)
    assert got.reason == "no face"


def test_nothing_scored_is_a_cell_without_a_number() -> None:
    got = cell(build(scores([None, None]), [measure()]))
    assert (got.mean, got.low, got.high, got.scored, got.asked) == (None, None, None, 0, 2)


def test_no_rows_is_an_error_with_exit_code_3() -> None:
    with pytest.raises(IncompleteError, match="nothing to report") as caught:
        build(scores([]), [measure()])
    assert caught.value.exit_code == 3


LEVELS = [("a", -2.0), ("b", 1.0), ("c", 3.0)]


@pytest.mark.parametrize(
    ("direction", "marks"),
    [
        (Direction.UP, {"a": "", "b": "second", "c": "best"}),
        (Direction.DOWN, {"a": "best", "b": "second", "c": ""}),
        (Direction.ZERO, {"a": "second", "b": "best", "c": ""}),
        (Direction.NONE, {"a": "", "b": "", "c": ""}),
    ],
)
def test_marks_follow_the_direction(direction: Direction, marks: dict[str, str]) -> None:
    noise = [-0.1, 0.1, 0.0, -0.05, 0.05, 0.02]
    frame = pd.concat([scores([level + x for x in noise[i:] + noise[:i]], m) for i, (m, level) in enumerate(LEVELS)])
    board = build(frame, [measure(direction=direction)])
    assert {row.model: row.cells[0].mark for row in board.rows} == marks


def test_models_that_the_prompts_do_not_tell_apart_share_a_mark() -> None:
    rng = np.random.default_rng(0)
    levels = {"a": 0.0, "b": 0.0, "c": -2.0, "d": -4.0}
    frame = pd.concat([scores(level + rng.normal(size=30), model) for model, level in levels.items()])
    board = build(frame, [measure()])
    assert [row.cells[0].mark for row in board.rows] == [Mark.TIED, Mark.TIED, Mark.NONE, Mark.NONE]
    found = [row.cells[0].place for row in board.rows]
    assert found == [Places(1, 2), Places(1, 2), Places(3, 3), Places(4, 4)]


def test_a_mark_is_earned_on_prompts_in_common_not_by_seeds() -> None:
    frame = pd.concat([scores([1.0, 3.0], "a"), scores([0.0, 2.2], "b")])
    many = pd.concat([frame.assign(seed=seed) for seed in range(50)])
    assert {row.cells[0].mark for row in build(many, [measure()]).rows} == {Mark.TIED}


def test_a_single_model_and_an_unscored_one_get_no_mark() -> None:
    assert cell(build(scores([1.0]), [measure()])).mark is Mark.NONE
    board = build(pd.concat([scores([1.0], "a"), scores([None], "b")]), [measure()])
    assert {row.cells[0].mark for row in board.rows} == {Mark.NONE}


def test_models_of_different_suites_are_not_ranked_against_each_other() -> None:
    board = build(pd.concat([scores([1.0], "a"), scores([2.0], "b", suite="ambient")]), [measure()])
    assert {row.cells[0].mark for row in board.rows} == {Mark.NONE}


def test_backends_never_share_a_column() -> None:
    frame = pd.concat([scores([1.0]), scores([5.0], backend="world")])
    board = build(frame, [measure(), measure(backend="world")])
    assert [m.backend for m in board.measures] == ["signal", "world"]
    assert [c.mean for c in board.rows[0].cells] == [1.0, 5.0]


def test_guards_stand_apart_as_shares_without_marks() -> None:
    frame = pd.concat([scores([1.0, 2.0], m) for m in "ab"] + [scores([1.0, 0.0], m, metric="silent") for m in "ab"])
    board = build(frame, [measure(), measure("silent", Direction.DOWN, guard=True)])
    assert [g.column.name for g in board.guards] == ["silent"]
    assert [row.guards[0].mean for row in board.rows] == [0.5, 0.5]
    assert {row.guards[0].mark for row in board.rows} == {Mark.NONE}


def test_a_guard_that_never_strikes_has_wilsons_interval_over_prompts() -> None:
    calm = scores([0.0] * 20, metric="silent")
    twice = pd.concat([calm, calm.assign(seed=1)])
    for frame in (calm, twice):
        (row,) = build(frame, [measure("silent", Direction.DOWN, guard=True)]).rows
        assert row.guards[0].low == pytest.approx(0, abs=1e-12)
        assert row.guards[0].high == pytest.approx(0.16113, abs=1e-4)  # z^2 / (n + z^2), n = 20


def test_the_spread_of_seeds_and_of_prompts_is_said_where_there_are_seeds() -> None:
    rng = np.random.default_rng(0)
    prompt, noise = rng.normal(0, 2, 400), rng.normal(0, 0.5, (3, 400))
    frame = pd.concat([scores(list(prompt + noise[seed]), seed=seed) for seed in range(3)])
    (note,) = seed_notes(build(frame, [measure()]), frame)
    head, _, numbers = note.rpartition(": m ")
    assert head == "a · speech: spread (sd) of seeds / of prompts, 3 seeds a prompt"
    assert [float(text) for text in numbers.split(" / ")] == pytest.approx([0.5, 2.0], rel=0.1)
    once = scores([1.0, 2.0])
    assert seed_notes(build(once, [measure()]), once) == ()


def test_a_measure_that_a_model_lacks_is_an_empty_cell() -> None:
    board = build(pd.concat([scores([1.0], "a"), scores([2.0], "b", metric="n")]), [measure(), measure("n")])
    assert [c.asked for c in board.rows[0].cells] == [1, 0]


def test_a_metric_without_description_is_refused() -> None:
    with pytest.raises(UsageError, match=r"m \(other\)"):
        build(scores([1.0], backend="other"), [measure()])


PROMPTS = [
    Prompt("p0", "speech", speech=(SpeechLine("hi"),), tags=("difficulty:easy", "event:bell")),
    Prompt("p1", "speech", speech=(SpeechLine("你好", "zh"),), tags=("difficulty:hard", "event:bell", "event:bell")),
    Prompt("p2", "speech", tags=("difficulty:easy",)),
]


def means(by: str) -> dict[str, float | None]:
    return {row.group: row.cells[0].mean for row in build(scores([1, 2, 6]), [measure()], by, PROMPTS).rows}


def test_by_tag_counts_a_clip_in_each_of_its_tags_once() -> None:
    assert means("tag") == {"difficulty:easy": 3.5, "difficulty:hard": 2, "event:bell": 1.5}
    assert means("tag:event") == {"event:bell": 1.5}


def test_by_language_and_by_subset() -> None:
    assert means("language") == {"en": 1, "zh": 2, "no speech": 6}
    frame = scores([1, 2, 6])
    frame["subset"] = ["x", "x", "y"]
    assert {row.group: row.cells[0].mean for row in build(frame, [measure()], "subset").rows} == {"x": 1.5, "y": 6}


@pytest.mark.parametrize("by", ["colour", "tag:", "language:en"])
def test_an_unknown_grouping_is_refused(by: str) -> None:
    with pytest.raises(UsageError, match="known: subset, tag"):
        means(by)


def test_a_tag_that_no_prompt_has_leaves_nothing_to_report() -> None:
    with pytest.raises(IncompleteError, match="tag:nothing"):
        means("tag:nothing")


@settings(deadline=None, max_examples=40)  # the machine may be busy
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_the_order_of_the_rows_does_not_matter_and_numpy_agrees(values: list[float]) -> None:
    frame = scores(values)
    shuffled = frame.sample(frac=1, random_state=len(values))
    got, again = cell(build(frame, [measure()])), cell(build(shuffled, [measure()]))
    assert got.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-6)
    assert again.mean == pytest.approx(got.mean, rel=1e-9, abs=1e-6)
    assert got.mean is not None and got.low is not None and got.high is not None
    assert got.low <= got.mean <= got.high
