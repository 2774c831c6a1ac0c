"""Metric sets: a paper's table as columns of ours, in its order, under its titles, on its scale.

A set is one file, `metrics/NAME.toml`: `summary`, and a `[[columns]]` entry for each column of the paper.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from avbench.errors import UsageError

if TYPE_CHECKING:
    from avbench.leaderboard import Leaderboard


@dataclass(frozen=True, slots=True)
class SetColumn:
    """One column of a paper: its title and our metric's column.

    Values of ours, less `origin`, times `scale` are on the paper's scale. `decimals` are those that the paper
    prints, `protocol` is what ours computes, `deviation` what is known to differ.
    """

    title: str
    metric: str
    protocol: str
    deviation: str = ""
    scale: float = 1.0
    origin: float = 0.0
    decimals: int = 2


@dataclass(frozen=True, slots=True)
class MetricSet:
    """The columns of a paper, in its order."""

    name: str
    summary: str
    columns: tuple[SetColumn, ...]


@cache
def set_names() -> tuple[str, ...]:
    """The sets there are, sorted; reads none of them."""
    found = (file.name for file in files("avbench.metrics").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def load_set(name: str) -> MetricSet:
    """The set of that name. Raises UsageError for an unknown one."""
    if name not in set_names():
        near = get_close_matches(name, set_names()) or set_names()
        raise UsageError(f"unknown metric set {name!r}; known: {', '.join(near)} (see avbench list sets)")
    facts = tomllib.loads(files("avbench.metrics").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    return MetricSet(name, facts["summary"], tuple(SetColumn(**column) for column in facts["columns"]))


def common_set(words: Sequence[str]) -> MetricSet | None:
    """The set that all these `--metrics` options ask for, and nothing else; None where they do not."""
    (word,) = set(words) if len(set(words)) == 1 else ("",)
    return load_set(word) if word in set_names() else None


def view(board: Leaderboard, chosen: MetricSet) -> Leaderboard:
    """The board as the paper prints it: its columns alone, with its titles, order and scale; guards stay beside."""
    places = [
        (
            place,
            replace(measure, title=column.title, scale=column.scale, origin=column.origin, decimals=column.decimals),
        )
        for column in chosen.columns
        for place, measure in enumerate(board.measures)
        if measure.column.name == column.metric
    ]
    here = {measure.column.name for measure in board.measures}
    absent = [f"{c.title} ({c.metric})" for c in chosen.columns if c.metric not in here]
    notes = [f"Columns of the set {chosen.name}: {chosen.summary}. What differs: docs/metric_sets.md."]
    notes += [f"Columns of it that these runs do not have: {', '.join(absent)}."] if absent else []
    return replace(
        board,
        measures=tuple(measure for _, measure in places),
        rows=tuple(replace(row, cells=tuple(row.cells[place] for place, _ in places)) for row in board.rows),
        notes=(*board.notes, *notes),
    )
