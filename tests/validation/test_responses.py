"""Planted metrics against what they promise: the honest keep their word, liars are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from avbench.answers import Answers, Fault
from avbench.records import Column, Direction
from avbench.validation.ladder import AGAIN, Level, levels_of
from avbench.validation.responses import Declared, Response, Verdict, broken, validate

LEVELS = levels_of([Fault.NOISE, Fault.SHIFT_AUDIO])
CLIPS = 14


def planted(value: Callable[[float, Level], float | None], answers: Answers, better: Direction) -> dict[str, Response]:
    """Responses of a column that gives clip i (worth i / 10) at a level `value(i / 10, level)`."""
    rows = [
        ("world", level.name, f"c{i:02d}", 0, "m", "signal", value(i / 10, level), "", "")
        for level in LEVELS
        for i in range(CLIPS)
    ]
    names = ("model", "suite", "prompt_id", "seed", "metric", "backend", "value", "status", "reason")
    scores = pd.DataFrame(rows, columns=list(names))
    scores["status"] = np.where(scores["value"].isna(), "unscored", "ok")
    column = Column("m", "1", better, 0.0, 1.0, "planted", "here")
    (found,) = validate(scores, [Declared(column, "planted", "signal", answers)], LEVELS)
    assert broken([found]) == [] or any(r.verdict is Verdict.BROKEN for r in found.responses)
    return {response.fault: response for response in found.responses}


def falling(worth: float, level: Level) -> float:
    return worth - 0.5 * level.strength * (level.kind == Fault.NOISE)


def test_an_honest_metric_keeps_its_word() -> None:
    promise = Answers(worse=(Fault.NOISE,), ignores=(Fault.SHIFT_AUDIO,))
    found = planted(falling, promise, Direction.UP)
    noise, shift = found[Fault.NOISE], found[Fault.SHIFT_AUDIO]
    assert noise.verdict is shift.verdict is Verdict.KEPT
    assert noise.rho.value == pytest.approx(1.0) and shift.rho.value == 0.0
    assert noise.by_ranking == 30, "told from the mildest strength on"
    assert noise.by_auc == 20, "clips of another worth hide the mildest one"
    assert noise.points[0].change.value == pytest.approx(-0.5)
    assert {point.ranking.value for point in shift.points} == {0.5}


@pytest.mark.parametrize(
    ("promise", "better", "fault"),
    [
        (Answers(worse=(Fault.SHIFT_AUDIO,)), Direction.UP, Fault.SHIFT_AUDIO),
        (Answers(worse=(Fault.NOISE,)), Direction.DOWN, Fault.NOISE),
        (Answers(rises=(Fault.NOISE,)), Direction.NONE, Fault.NOISE),
        (Answers(refuses=(Fault.NOISE,)), Direction.UP, Fault.NOISE),
        (Answers(ignores=(Fault.NOISE,)), Direction.UP, Fault.NOISE),
    ],
    ids=["no answer", "the wrong way", "not rising", "not refusing", "not ignoring"],
)
def test_a_liar_is_found(promise: Answers, better: Direction, fault: Fault) -> None:
    assert planted(falling, promise, better)[fault].verdict is Verdict.BROKEN


def test_a_refusal_is_an_answer() -> None:
    def refusing(worth: float, level: Level) -> float | None:
        return None if level.kind == Fault.NOISE else worth

    for promise in (Answers(refuses=(Fault.NOISE,)), Answers(worse=(Fault.NOISE,))):
        noise = planted(refusing, promise, Direction.UP)[Fault.NOISE]
        assert noise.verdict is Verdict.KEPT
        assert {(point.asked, point.scored) for point in noise.points} == {(CLIPS, 0)}
    noise = planted(refusing, Answers(ignores=(Fault.NOISE,)), Direction.UP)[Fault.NOISE]
    assert noise.verdict is Verdict.BROKEN


def test_a_clip_without_a_clean_value_is_not_asked() -> None:
    def few(worth: float, level: Level) -> float | None:
        return falling(worth, level) if worth < 0.25 else None

    noise = planted(few, Answers(worse=(Fault.NOISE,)), Direction.UP)[Fault.NOISE]
    assert noise.points[0].asked == 3 and noise.verdict is Verdict.UNTESTED


def test_offsets_count_by_their_size() -> None:
    def offset(worth: float, level: Level) -> float:
        return 0.01 * worth + (level.value if level.kind == Fault.SHIFT_AUDIO else 0.0)

    shift = planted(offset, Answers(worse=(Fault.SHIFT_AUDIO,)), Direction.ZERO)[Fault.SHIFT_AUDIO]
    assert shift.verdict is Verdict.KEPT and shift.by_ranking == 0.04


def test_scatter_of_repeats_hides_smaller_changes() -> None:
    def shaky(worth: float, level: Level) -> float:
        again = {1.0: -2.0, 2.0: 2.0}[level.value] if level.kind == AGAIN else 0.0
        return falling(worth, level) + again

    assert planted(shaky, Answers(worse=(Fault.NOISE,)), Direction.UP)[Fault.NOISE].by_ranking is None
    assert planted(falling, Answers(worse=(Fault.NOISE,)), Direction.UP)[Fault.NOISE].by_ranking == 30
