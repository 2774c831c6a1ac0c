"""Bootstrap intervals of a mean: BCa, and studentised for few or skewed values (Efron & Tibshirani 1993)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.intervals import LEVEL, Interval, mean

FLAT = 0.05  # more resamples than these without spread: the values are nearly all equal, and scale is not to be had


def bca(values: NDArray[np.float64], *, level: float = LEVEL, resamples: int = 10_000, seed: int = 0) -> Interval:
    """Bias-corrected and accelerated interval of the mean of `values` (n,), n at least 2."""
    if np.ptp(values) == 0:
        return Interval(float(values[0]), float(values[0]))
    from scipy.stats import bootstrap

    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=1000,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def studentised(
    values: NDArray[np.float64], *, level: float = LEVEL, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Studentised interval of the mean of `values` (n,), n at least 2: resamples t* = (m* - m) / (s* / sqrt(n)).

    Resamples without spread have no scale and are left out; where more than 5 % have none, so that nearly all values
    are equal, the Student t interval is given.
    """
    n, center, error = len(values), float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    if error == 0:
        return Interval(center, center)
    rng = np.random.default_rng(seed)
    pivots = []
    for start in range(0, resamples, 1000):
        drawn = values[rng.integers(0, n, (min(1000, resamples - start), n))]
        spread = drawn.std(axis=1, ddof=1)
        scaled = spread > 1e-12 * (abs(center) + error)
        pivots.append((drawn.mean(axis=1)[scaled] - center) / spread[scaled] * math.sqrt(n))
    pivot = np.concatenate(pivots)
    if len(pivot) < (1 - FLAT) * resamples:
        return mean(values, level=level).interval
    low, high = np.quantile(pivot, [(1 - level) / 2, (1 + level) / 2])
    return Interval(center - float(high) * error, center - float(low) * error)
