"""Distances of sets as JavisBench takes them: of the first clips of both sides, as many as the smaller one has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.records import Column, Direction, SetScore
from avbench.set_metric import Materials, Summary

from ._distances import FEW, Moments, frechet, noise_floor
from ._sets import KEPT, needed, refused, rows

Rows = NDArray[np.float32]


def javis_column(name: str, summary: str, source: str, signed: bool = False) -> Column:
    low = -math.inf if signed else 0.0
    return Column(name, "1", Direction.DOWN, low, math.inf, summary, source, decimals=2)


def javis_summary(reference: Materials, *names: str) -> Summary:
    """The rows of every array that clips left."""
    found = {name: _all(reference, name) for name in names}
    return Summary(dict(found), len(reference), next(iter(found.values())).shape[1])


def javis_scores(
    backend: str,
    materials: Materials,
    reference: Summary | None,
    columns: Mapping[str, tuple[str, Callable[[Rows, Rows], float]]],
) -> dict[str, SetScore]:
    """Column name to (the array that it is of, the distance of made and real rows). Raises Unscored."""
    truth = needed(reference).arrays
    scores = {}
    for column, (name, distance) in columns.items():
        made, real = _all(materials, name), truth[name]
        n = min(len(made), len(real))
        said = f"the first n {n} of {len(made)} and of {len(real)}, d {made.shape[1]}"
        said += f", floor {_floor(real[:n])}" + (f"; mostly bias under {FEW} clips" if n < FEW else "")
        try:
            scores[column] = SetScore(column, backend, distance(made[:n], real[:n]), n=n, reason=said)
        except ValueError as error:
            scores[column] = refused(column, backend, f"too_few: {error}")
    return scores


def frechet_of(made: Rows, real: Rows) -> float:
    return frechet(Moments.of(real), Moments.of(made))


def _all(materials: Materials, name: str) -> Rows:
    if len(materials) > KEPT:
        raise Unscored(f"too_many: {len(materials)} clips; JavisBench's statistics are of at most {KEPT} here")
    return rows(materials, name)


def _floor(real: Rows) -> str:
    return f"{noise_floor(real):.4g}" if len(real) > 3 else "none"
