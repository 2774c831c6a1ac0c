"""All scores of the runs by clip, in the words of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import pandas as pd

from avbench.leaderboard import Measure, number
from avbench.records import Direction, Status

Key = tuple[str, str, str, int]  # model, suite, prompt id, seed
WORDS = {Status.NOT_APPLICABLE: "not applicable", Status.UNSCORED: "unscored", Status.FAILED: "failed"}
ARROWS = {Direction.UP: "↑", Direction.DOWN: "↓", Direction.ZERO: "→0", Direction.NONE: ""}
LETTERS = {Status.NOT_APPLICABLE: "n", Status.UNSCORED: "u", Status.FAILED: "f"}
NOT_FINITE = "not a finite number"


@dataclass(frozen=True, slots=True)
class Value:
    """One score: a finite number, or the word and the reason why there is none. `letter` is for the index's table."""

    number: float | None
    word: str = ""
    reason: str = ""
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """How a measure is named on a page."""

    name: str
    unit: str
    arrow: str
    backend: str
    version: str
    summary: str
    source: str
    better: str
    decimals: int
    guard: bool

    @classmethod
    def of(cls, measure: Measure) -> Label:
        column = measure.column
        return cls(
            name=column.name,
            unit="" if column.unit in ("", "1") else column.unit,
            arrow=ARROWS[column.direction],
            backend=measure.backend,
            version=measure.version,
            summary=column.summary,
            source=column.source,
            better=BETTER[column.direction],
            decimals=column.decimals,
            guard=column.guard,
        )

    def shown(self, value: float) -> str:
        """The number as the leaderboard prints it."""
        return number(value, self.decimals)


BETTER = {
    Direction.UP: "higher is better",
    Direction.DOWN: "lower is better",
    Direction.ZERO: "nearer to zero is better",
    Direction.NONE: "neither way is better",
}


class Scores:
    """Look-up by clip and measure."""

    def __init__(self, table: pd.DataFrame, measures: Sequence[Measure]) -> None:
        self._places = {(m.column.name, m.backend): i for i, m in enumerate(measures)}
        self._rows: dict[Key, dict[int, Value]] = {}
        columns = ["model", "suite", "prompt_id", "seed", "metric", "backend", "value", "status", "reason"]
        names = (table[name].tolist() for name in columns)
        for model, suite, prompt, seed, metric, backend, value, status, reason in zip(*names, strict=True):
            place = self._places.get((metric, backend))
            if place is not None:
                found = _value(value, status, reason)
                self._rows.setdefault((model, suite, prompt, int(seed)), {})[place] = found

    def of(self, key: Key) -> Mapping[int, Value]:
        """Place of the measure to value; a clip may have none."""
        return self._rows.get(key, {})


def badness(value: float, direction: Direction) -> float | None:
    """The lower the better; None where neither way is."""
    return {Direction.UP: -value, Direction.DOWN: value, Direction.ZERO: abs(value), Direction.NONE: None}[direction]


def _value(value: float, status: str, reason: str) -> Value:
    if status != Status.OK:
        return Value(None, WORDS[Status(status)], str(reason), LETTERS[Status(status)])
    if value is None or not isfinite(value):
        return Value(None, NOT_FINITE, str(reason), "f")
    return Value(float(value))
