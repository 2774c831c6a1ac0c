"""A leaderboard as flat rows, the form that csv and json share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from avbench.leaderboard import Leaderboard
from avbench.published import meaning

WHOSE = ("model", "suite", "group", "metric", "backend", "version", "unit", "direction", "guard")
WHAT = ("mean", "ci_low", "ci_high", "scored", "asked", "not_applicable", "unscored", "failed", "not_finite")
FIELDS = (*WHOSE, *WHAT, "reason", "mark", "source", "table", "benchmark", "subset", "note")
Flat = dict[str, str | float | None]


def tidy(board: Leaderboard) -> Iterator[Flat]:
    """One row a (model, suite, group, measure) that was asked, guards last."""
    for row in board.rows:
        for measure, cell in zip((*board.measures, *board.guards), (*row.cells, *row.guards), strict=True):
            if cell.asked:
                yield _flat(
                    **asdict(cell),
                    model=row.model,
                    suite=row.suite,
                    group=row.group,
                    metric=measure.column.name,
                    backend=measure.backend,
                    version=measure.version,
                    unit=measure.column.unit,
                    direction=measure.column.direction.value,
                    guard=int(measure.column.guard),
                    ci_low=cell.low,
                    ci_high=cell.high,
                    asked=cell.asked,
                )


def tidy_published(board: Leaderboard) -> Iterator[Flat]:
    """One row a published number; its backend is `published`, so that it never falls into a column of ours."""
    for table in board.published:
        for value in table.values:
            stands = meaning(value.source, value.metric)
            note = "; ".join(filter(None, (value.note, stands.difference)))
            given = asdict(value) | {"note": note, "direction": value.direction.value}
            yield _flat(**given, model=value.method, backend="published", unit=stands.unit, mean=value.value)


def _flat(**given: str | float | None) -> Flat:
    return {field: given.get(field) for field in FIELDS}
