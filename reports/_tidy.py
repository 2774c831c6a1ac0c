"""A leaderboard as flat rows, the form that csv and json share."""

from __future__ import annotations

from collections.abc import Iterator

from avbench.leaderboard import Leaderboard
from avbench.published import meaning

Flat = dict[str, str | float | None]


def tidy(board: Leaderboard) -> Iterator[Flat]:
    """One row a (model, suite, group, measure) that was asked, guards last."""
    for row in board.rows:
        for measure, cell in zip((*board.measures, *board.guards), (*row.cells, *row.guards), strict=True):
            if cell.asked:
                yield {
                    "model": row.model,
                    "suite": row.suite,
                    "group": row.group,
                    "metric": measure.column.name,
                    "backend": measure.backend,
                    "version": measure.version,
                    "unit": measure.column.unit,
                    "direction": measure.column.direction.value,
                    "guard": measure.column.guard,
                    "of_set": measure.of_set,
                    "mean": cell.mean,
                    "ci_low": cell.low,
                    "ci_high": cell.high,
                    "scored": cell.scored,
                    "asked": cell.asked,
                    "not_applicable": cell.not_applicable,
                    "unscored": cell.unscored,
                    "failed": cell.failed,
                    "not_finite": cell.not_finite,
                    "reason": cell.reason,
                    "mark": cell.mark.value,
                    "rank_best": cell.place.best if cell.place else None,
                    "rank_worst": cell.place.worst if cell.place else None,
                }


def tidy_published(board: Leaderboard) -> Iterator[Flat]:
    """One row a published number; its backend is `published`, so that it never falls into a column of ours."""
    for table in board.published:
        for value in table.values:
            stands = meaning(value.source, value.metric)
            yield {
                "model": value.method,
                "metric": value.metric,
                "backend": "published",
                "unit": stands.unit,
                "direction": value.direction.value,
                "mean": value.value,
                "source": value.source,
                "table": value.table,
                "benchmark": value.benchmark,
                "subset": value.subset,
                "note": "; ".join(filter(None, (value.note, stands.difference))),
            }
