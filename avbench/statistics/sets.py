"""Statistics of whole sets (FD, KID, CMMD) of two runs on the same prompts: the per-prompt swap permutation.

A bootstrap of FD doubles it and gives intervals that are far too wide (docs/statistics.md); swapping keeps the
sets' sizes, so that the bias of FD is the same on both sides and cancels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Statistic = Callable[[NDArray[np.float64]], float]


@dataclass(frozen=True, slots=True)
class Swap:
    """statistic(second) - statistic(first), and the p-values that it is not zero and that it is above zero."""

    difference: float
    p: float
    p_greater: float


def swap_permutation(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    statistic: Statistic,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Swap:
    """Exchange `first[i]` and `second[i]` with probability one half and compare `statistic` of the two sets.

    Args:
        first, second: features (n, …), one entry a prompt (all of a prompt's clips in it), row by row the same prompts.
        statistic: a set (n, …) to its number, such as the distance from a fixed reference set.

    Raises ValueError when the two sets are not of the same shape.
    """
    if first.shape != second.shape:
        raise ValueError(f"sets of the same prompts and clips needed, got shapes {first.shape} and {second.shape}")
    observed = statistic(second) - statistic(first)
    slack = 1e-12 * abs(observed)
    rng = np.random.default_rng(seed)
    either = above = 1
    for _ in range(resamples):
        swapped = rng.random(len(first)) < 0.5
        mask = swapped.reshape(-1, *(1,) * (first.ndim - 1))
        drawn = statistic(np.where(mask, first, second)) - statistic(np.where(mask, second, first))
        either += abs(drawn) >= abs(observed) - slack
        above += drawn >= observed - slack
    return Swap(float(observed), either / (resamples + 1), above / (resamples + 1))
