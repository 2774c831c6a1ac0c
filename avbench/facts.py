"""What there is to know of a metric before it is run: columns, protocol, checkpoints, licence, shortest clip, cost."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from avbench.plan import MetricFacts
from avbench.records import Column
from avbench.weights import Weights, table

COSTS = "costs.csv"  # written by tests/perf/costs.py


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds for a second of clip, as measured; None where they were not, and `how` says why, else on what."""

    seconds: float | None
    how: str


@cache
def costs() -> dict[str, Cost]:
    """What was measured, by metric."""
    text = files("avbench.metrics").joinpath(COSTS).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["metric"]: Cost(float(row["seconds"]) if row["seconds"] else None, row["how"]) for row in rows}


def cost(metric: str) -> Cost:
    """What a metric costs; of one that came from elsewhere nothing is known."""
    return costs().get(metric, Cost(None, "not measured: it is no metric of this package"))


def licence(found: MetricFacts) -> str:
    """What the licences of a metric's checkpoints say, or why there is none to ask for."""
    parts = [f"{weights.id}: {weights.licence}" for weights in checkpoints(found)]
    return "; ".join(parts) or found.terms or "none needed: no checkpoint"


def checkpoints(found: MetricFacts) -> list[Weights]:
    """The checkpoints that a metric may need."""
    return [table()[id] for id in found.weights if id in table()]


def rows(metrics: Iterable[MetricFacts]) -> list[dict[str, Any]]:
    """All of it as JSON has it: an object a metric, with its columns; bounds that are not finite are null."""
    return [_row(found) for found in metrics if not found.broken]


def _row(found: MetricFacts) -> dict[str, Any]:
    spent = cost(found.name)
    return {
        "name": found.name,
        "backend": found.backend,
        "version": found.version,
        "core": found.core,
        "shortest_clip": found.least,
        "checkpoints": [
            {"id": weights.id, "licence": weights.licence, "commercial": weights.commercial}
            for weights in checkpoints(found)
        ],
        "licence": licence(found),
        "cpu_seconds_per_second": spent.seconds,
        "cost_measured": spent.how,
        "columns": [
            *(_column(column, of_set=False) for column in found.columns),
            *(_column(column, of_set=True) for column in found.set_columns),
        ],
    }


def _column(column: Column, of_set: bool) -> dict[str, object]:
    low, high = (bound if math.isfinite(bound) else None for bound in (column.low, column.high))
    return {
        "name": column.name,
        "of_set": of_set,
        "unit": column.unit,
        "better": column.direction.value,
        "low": low,
        "high": high,
        "protocol": column.summary,
        "source": column.source,
    }
