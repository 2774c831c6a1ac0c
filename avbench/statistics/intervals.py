"""Means with intervals: Student t, and clustered where several clips share a prompt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval; an end that the data do not tell is infinite."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of `n` values in `clusters` groups, its standard error and its interval."""

    value: float
    error: float
    interval: Interval
    n: int
    clusters: int


def mean(values: NDArray[np.float64], clusters: NDArray[np.int64] | None = None, level: float = LEVEL) -> Mean:
    """The mean of `values` (n,) with its interval; `clusters` (n,) numbers the prompt of each value.

    SE = s / sqrt(n) with t(n - 1); clustered, SE = sqrt(C / (C - 1) * sum_c (sum_{i in c} (x_i - m))^2) / n with
    t(C - 1) (Miller 2024, arXiv 2411.00640). The two agree where every cluster has one value. A single cluster has
    an interval without ends. Raises ValueError for no value.
    """
    if not len(values):
        raise ValueError("no values")
    names = np.arange(len(values)) if clusters is None else clusters
    value, half = means(values, np.zeros(len(values), np.int64), names, 1, level)
    count = len(np.unique(names))
    width = float(half[0]) if count > 1 else math.inf
    error = width / float(quantile(count - 1, level)) if count > 1 else math.inf
    return Mean(float(value[0]), error, Interval(float(value[0]) - width, float(value[0]) + width), len(values), count)


def means(
    value: NDArray[np.float64],
    cell: NDArray[np.int64],
    cluster: NDArray[np.int64],
    cells: int,
    level: float = LEVEL,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (cells,) and half width (cells,) of its interval, of many groups at once; NaN where values are too few.

    `cell` and `cluster` number the group and the prompt of each value; a cluster lies within one cell.
    """
    n = np.bincount(cell, minlength=cells)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        center = np.bincount(cell, value, minlength=cells) / n
        names, first, inverse = np.unique(cluster, return_index=True, return_inverse=True)
        drift = np.bincount(inverse, value - center[cell], minlength=len(names)) ** 2
        clusters = np.bincount(cell[first], minlength=cells)
        error = np.sqrt(clusters / (clusters - 1) * np.bincount(cell[first], drift, minlength=cells)) / n
        return center, np.where(clusters > 1, quantile(np.maximum(clusters - 1, 1), level) * error, np.nan)


def quantile(freedom: int | NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """How many standard errors the interval reaches to each side: the quantile of Student's t."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return np.asarray(stdtrit(freedom, (1 + level) / 2), np.float64)
