"""Two runs on the same prompts: differences, their sign-flip test, their interval, and what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.bootstrap import bca, studentised
from avbench.statistics.intervals import LEVEL, Interval, mean

EXACT = 12  # up to so many prompts all 2^n sign patterns are looked at
TOO_FEW = 8  # below so many prompts many resamples hardly vary, and a studentised end may be anywhere
FEW, SKEWED = 50, 1.0  # below so many prompts, or above that skewness, BCa covers too little (docs/statistics.md)
POWER = 0.8


@dataclass(frozen=True, slots=True)
class Flips:
    """p-values of the mean of paired differences, (m,) one a column: that it is not zero, above zero, below zero."""

    two_sided: NDArray[np.float64]
    greater: NDArray[np.float64]
    less: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effect:
    """The mean of `n` paired differences with its interval, p-values and least detectable size.

    `mde` is the mean difference that a one-sided 5 % test of `n` such differences finds in 80 of 100 cases. Fewer than
    two differences have an interval without ends and p = 1. `method` names the interval.
    """

    mean: float
    interval: Interval
    sd: float
    n: int
    p: float
    p_greater: float
    p_less: float
    mde: float
    method: str


def effects(
    columns: Sequence[NDArray[np.float64]], *, level: float = LEVEL, resamples: int = 10_000, seed: int = 0
) -> list[Effect]:
    """The effect of each column of differences (n_i,), which are one a prompt, averaged over its seeds."""
    longest = max((len(column) for column in columns), default=0)
    table = np.full((longest, len(columns)), np.nan)
    for i, column in enumerate(columns):
        table[: len(column), i] = column
    flips = sign_flip(table, resamples=resamples, seed=seed)
    found = []
    for i, column in enumerate(columns):
        interval, method = _interval(column, level, resamples, seed)
        n, sd = len(column), float(np.std(column, ddof=1)) if len(column) > 1 else math.nan
        p, greater, less = (float(side[i]) for side in (flips.two_sided, flips.greater, flips.less))
        center = float(np.mean(column)) if n else math.nan
        found.append(Effect(center, interval, sd, n, p, greater, less, mde(sd, n), method))
    return found


def sign_flip(differences: NDArray[np.float64], *, resamples: int = 10_000, seed: int = 0) -> Flips:
    """Sign-flip permutation test of the mean of each column of `differences` (n, m); NaN is a prompt left out.

    Exact over all 2^n patterns where a column has at most 12 prompts. Else p = (1 + #{flipped >= observed}) / (B + 1):
    the observed pattern counts among the drawn ones (Phipson & Smyth 2010). All columns share the drawn signs.
    """
    there = np.isfinite(differences)
    counts = there.sum(axis=0)
    values = np.where(there, differences, 0.0)
    parts = np.empty((3, values.shape[1]))
    few = counts <= EXACT
    for i in np.flatnonzero(few):
        column = differences[there[:, i], i]
        bits = (np.arange(2 ** len(column))[:, None] >> np.arange(len(column))) & 1
        patterns = bits.astype(np.float64) * 2 - 1
        parts[:, i] = _extreme(patterns @ column[:, None], column[:, None])[:, 0] / len(patterns)
    if not few.all():
        rng = np.random.default_rng(seed)
        many, extreme = values[:, ~few], np.zeros((3, int((~few).sum())))
        for start in range(0, resamples, 1000):  # bounded memory
            size = (min(1000, resamples - start), math.ceil(len(many) / 8))
            signs = np.unpackbits(rng.integers(0, 256, size, np.uint8), axis=1)[:, : len(many)]
            extreme += _extreme((signs.astype(np.float64) * 2 - 1) @ many, many)
        parts[:, ~few] = (1 + extreme) / (resamples + 1)
    return Flips(*parts)


def _extreme(flipped: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many flipped sums (b, m) are at least as far as the observed ones: either way, up, down; (3, m)."""
    observed = values.sum(axis=0)
    slack = 1e-12 * np.abs(values).sum(axis=0)  # equal sums may differ in their last bit
    either = np.abs(flipped) >= np.abs(observed) - slack
    return np.stack([x.sum(axis=0) for x in (either, flipped >= observed - slack, flipped <= observed + slack)]).astype(
        np.float64
    )


def mde(sd: float, n: int, *, alpha: float = 0.05, power: float = POWER, sides: int = 1) -> float:
    """The least mean difference that a test of `n` differences finds with that power.

    (z_{1 - alpha / sides} + z_power) sd / sqrt(n): 2.49 sd / sqrt(n) one-sided, 2.80 two-sided; NaN for n < 2.
    """
    from scipy.special import ndtri

    if n < 2:
        return math.nan
    return float(ndtri(1 - alpha / sides) + ndtri(power)) * sd / math.sqrt(n)


def skewness(values: NDArray[np.float64]) -> float:
    """Fisher's skewness; zero where the values do not vary."""
    centered = values - values.mean()
    spread = float(np.mean(centered**2))
    return float(np.mean(centered**3)) / spread**1.5 if spread > 0 else 0.0


def _interval(column: NDArray[np.float64], level: float, resamples: int, seed: int) -> tuple[Interval, str]:
    if len(column) < 2:
        return Interval(-math.inf, math.inf), "none"
    if len(column) < TOO_FEW:
        return mean(column, level=level).interval, "Student t"
    if len(column) < FEW or abs(skewness(column)) > SKEWED:
        return studentised(column, level=level, resamples=resamples, seed=seed), "studentised bootstrap"
    return bca(column, level=level, resamples=resamples, seed=seed), "BCa bootstrap"
