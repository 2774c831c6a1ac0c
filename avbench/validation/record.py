"""validate.json: everything that was found, for programs and for the report. docs/validation.md describes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avbench import __version__
from avbench.validation.bases import Source
from avbench.validation.figures import Estimate
from avbench.validation.ladder import LADDERS
from avbench.validation.responses import Point, Response, Validated, broken

NAME = "validate.json"
SCHEMA = 1


def as_json(found: Sequence[Validated], source: Source, out: Path, quick: bool) -> dict[str, Any]:
    """The record. Numbers that are not finite are null."""
    return {
        "schema": SCHEMA,
        "avbench": __version__,
        "run": str(out),
        "source": source.name,
        "quick": quick,
        "clips": [{"id": base.id, "subset": base.prompt.tag("subset") or ""} for base in source.bases],
        "faults": {fault.value: {"unit": ladder.unit, "values": ladder.values} for fault, ladder in LADDERS.items()},
        "columns": [_column(one) for one in found],
        "broken": broken(found),
    }


def _column(one: Validated) -> dict[str, Any]:
    column = one.declared.column
    return {
        "name": column.name,
        "metric": one.declared.metric,
        "backend": one.declared.backend,
        "unit": column.unit,
        "better": column.direction.value,
        "decimals": column.decimals,
        "guard": column.guard,
        "asked": one.asked,
        "clips": one.clips,
        "clean": _estimate(one.clean),
        "spread": _number(one.spread),
        "retest": _number(one.retest),
        "responses": [_response(response) for response in one.responses],
    }


def _response(response: Response) -> dict[str, Any]:
    return {
        "fault": response.fault.value,
        "promise": response.promise.value,
        "verdict": response.verdict.value,
        "finding": response.finding,
        "rho": _estimate(response.rho),
        "told_by_ranking": response.by_ranking,
        "told_by_auc": response.by_auc,
        "points": [_point(point) for point in response.points],
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "value": point.level.value,
        "strength": point.level.strength,
        "asked": point.asked,
        "scored": point.scored,
        "mean": _estimate(point.mean),
        "change": _estimate(point.change),
        "ranking": _estimate(point.ranking),
        "auc": _estimate(point.auc),
    }


def _estimate(estimate: Estimate) -> list[float | None]:
    """[value, low, high]"""
    return [_number(number) for number in (estimate.value, estimate.low, estimate.high)]


def _number(number: float) -> float | None:
    return float(f"{number:.6g}") if math.isfinite(number) else None
