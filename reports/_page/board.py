"""The leaderboard as a page shows it: cells, intervals on one axis a metric, profiles and distributions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avbench.leaderboard import Cell, Leaderboard, Measure, Row
from avbench.records import Direction, Status

from .plots import Axis, Interval, Strip, axis, interval, strip
from .scores import Label

Values = dict[tuple[str, str, str, str], NDArray[np.float64]]  # model, suite, metric, backend


@dataclass(frozen=True, slots=True)
class Model:
    """A model's name and its number, which decides its colour and shape everywhere."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class BoardCell:
    """One cell: the mean, half its interval, the clips scored of those asked, and why the others were not."""

    model: Model
    mean: str
    half: str
    count: str
    mark: str
    full: bool
    why: str
    along: Interval | None
    place: str = ""


@dataclass(frozen=True, slots=True)
class BoardRow:
    label: Label
    cells: tuple[BoardCell, ...]


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """Where the models stand on one metric: 0 at the worst twentieth of all clips' scores, 100 at the best."""

    label: Label
    places: tuple[tuple[Model, float], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """What may be compared: the models on one suite, or on one group of it."""

    title: str
    models: tuple[Model, ...]
    rows: tuple[BoardRow, ...]
    guards: tuple[BoardRow, ...]
    flagged: int
    profile: tuple[ProfileRow, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """All clips' scores on one metric, a strip a model and suite."""

    label: Label
    axis: Axis
    strips: tuple[tuple[str, tuple[tuple[Model, Strip], ...]], ...]


def sections(board: Leaderboard, models: dict[str, Model], scores: pd.DataFrame) -> list[Section]:
    """The board's sections; a measure that no model of a section was asked about is left out there."""
    values = values_of(scores)
    return [_section(board, rows, models, values) for rows in board.sections()]


def distributions(board: Leaderboard, models: dict[str, Model], scores: pd.DataFrame) -> list[Distribution]:
    """One a measure of which not all clips have the same value."""
    values = values_of(scores)
    suites = sorted({row.suite for row in board.rows})
    found = []
    for measure in board.measures:
        of = {
            (model, suite): values.get((model, suite, measure.column.name, measure.backend), np.empty(0))
            for suite in suites
            for model in models
        }
        everything = np.concatenate([*of.values(), np.empty(0)])
        if len(set(everything.tolist())) < 2:
            continue
        along = axis(everything.tolist())
        groups = [
            (suite, tuple((models[m], strip(along, of[m, suite])) for m in models if len(of[m, suite])))
            for suite in suites
        ]
        found.append(Distribution(Label.of(measure), along, tuple(group for group in groups if group[1])))
    return found


def values_of(scores: pd.DataFrame) -> Values:
    """The finite scores of each model on each suite and measure."""
    ok = scores[(scores["status"] == Status.OK) & np.isfinite(scores["value"].astype(float))]
    groups = ok.groupby(["model", "suite", "metric", "backend"], observed=True)["value"]
    return {key: group.to_numpy(np.float64) for key, group in groups}  # type: ignore[misc]


def _section(board: Leaderboard, rows: tuple[Row, ...], models: dict[str, Model], values: Values) -> Section:
    guards = [_row(g, [(models[row.model], row.guards[i]) for row in rows]) for i, g in enumerate(board.guards)]
    flagged = sum(round((row.guards[i].mean or 0) * row.guards[i].scored) for row in rows for i in range(len(guards)))
    return Section(
        title=" · ".join(filter(None, (rows[0].suite, rows[0].group))),
        models=tuple(models[row.model] for row in rows),
        rows=tuple(
            _row(measure, [(models[row.model], row.cells[i]) for row in rows])
            for i, measure in enumerate(board.measures)
            if any(row.cells[i].asked for row in rows)
        ),
        guards=tuple(guards),
        flagged=flagged,
        profile=() if rows[0].group or len(rows) < 2 else tuple(_profile(board, rows, models, values)),
    )


def _row(measure: Measure, cells: list[tuple[Model, Cell]]) -> BoardRow:
    label = Label.of(measure)
    ends = [end for _, cell in cells for end in (cell.mean, cell.low, cell.high) if end is not None]
    along = axis(ends, *([0.0] if measure.column.direction is Direction.ZERO else []))
    rivals = sum(cell.place is not None for _, cell in cells)
    return BoardRow(label, tuple(_cell(label, model, cell, along, rivals) for model, cell in cells))


def _cell(label: Label, model: Model, cell: Cell, along: Axis, rivals: int) -> BoardCell:
    half = (cell.high - cell.low) / 2 if cell.low is not None and cell.high is not None else None
    if label.guard:
        mean = f"{100 * cell.mean:.0f} %" if cell.mean is not None else "–"
        half = None
    else:
        mean = label.shown(cell.mean) if cell.mean is not None else "–"
    return BoardCell(
        model=model,
        mean=mean,
        half="" if half is None else f"±{label.shown(half)}",
        count=f"{cell.scored}/{cell.asked}" if cell.asked else "",
        mark=cell.mark.value,
        full=cell.scored == cell.asked,
        why=cell.reason if cell.asked > cell.scored else "",
        along=None if cell.mean is None else interval(along, cell.mean, cell.low, cell.high),
        place=_place(cell, rivals),
    )


def _place(cell: Cell, rivals: int) -> str:
    """The places that are open, where there are more than two models and a mark does not say all."""
    if cell.place is None or rivals < 3:
        return ""
    best, worst = cell.place.best, cell.place.worst
    return f"#{best}" if best == worst else f"#{best}–{worst}"


def _profile(board: Leaderboard, rows: tuple[Row, ...], models: dict[str, Model], values: Values) -> list[ProfileRow]:
    found = []
    for measure in board.measures:
        column = measure.column
        if column.direction is Direction.NONE:
            continue
        of = {
            row.model: _good(
                values.get((row.model, row.suite, column.name, measure.backend), np.empty(0)), column.direction
            )
            for row in rows
        }
        pooled = np.concatenate(list(of.values()))
        if sum(len(own) > 0 for own in of.values()) < 2:
            continue
        low, high = np.quantile(pooled, [0.05, 0.95])
        if high - low <= 0:
            continue
        places = [
            (models[model], float(np.clip(100 * (own.mean() - low) / (high - low), 0, 100)))
            for model, own in of.items()
            if len(own)
        ]
        found.append(ProfileRow(Label.of(measure), tuple((model, round(place, 2)) for model, place in places)))
    return found


def _good(values: NDArray[np.float64], direction: Direction) -> NDArray[np.float64]:
    """The values turned so that more is better."""
    return {Direction.UP: values, Direction.DOWN: -values, Direction.ZERO: -np.abs(values)}[direction]
