"""Places in a table: which models are told apart, and so which places each may take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.multiplicity import holm

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Places:
    """The best and the worst place that a model may take, 1 the first."""

    best: int
    worst: int


def places(badness: NDArray[np.float64], alpha: float = ALPHA) -> list[Places | None]:
    """The places of models whose values on the same prompts are `badness` (prompts, models), lower is better.

    NaN is a prompt that a model has no value for; a model without any has no place. Every two models are compared by
    a paired t test on the prompts that both have, and the p-values are adjusted by Holm. A model's best place is 1 +
    the number of models that are better than it, its worst the number of models less those it is better than.
    """
    ranked = np.flatnonzero(np.isfinite(badness).any(axis=0))
    first, second = np.triu_indices(len(ranked), 1)
    values = badness[:, ranked]
    mean, p = _paired_t(values, first, second)
    told = holm(p) < alpha
    better, worse = np.zeros(len(ranked), int), np.zeros(len(ranked), int)
    for winner, loser, won in ((first, second, told & (mean < 0)), (second, first, told & (mean > 0))):
        np.add.at(better, winner[won], 1)
        np.add.at(worse, loser[won], 1)
    found: list[Places | None] = [None] * badness.shape[1]
    for i, wins, losses in zip(ranked, better, worse, strict=True):
        found[i] = Places(1 + int(losses), len(ranked) - int(wins))
    return found


def _paired_t(
    values: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean difference first - second and its two-sided p-value, a pair of columns each."""
    from scipy.special import stdtr

    mean, p = np.zeros(len(first)), np.ones(len(first))
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        gap = values[:, a] - values[:, b]
        gap = gap[np.isfinite(gap)]
        n = len(gap)
        if n < 2:
            continue
        mean[i] = gap.mean()
        error = gap.std(ddof=1) / np.sqrt(n)
        if error > 1e-12 * abs(mean[i]):
            p[i] = 2 * stdtr(n - 1, -abs(mean[i]) / error)
        elif mean[i] != 0:  # the same difference on every prompt: what their signs alone can say
            p[i] = 2.0 ** (1 - n)
    return mean, p
