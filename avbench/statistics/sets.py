"""Numbers of whole sets (FD, KID, corpus error rates) of two runs on the same prompts: the per-prompt swap permutation.

A bootstrap of FD doubles it and gives intervals that are far too wide (docs/statistics.md); swapping keeps the
sets' sizes, so that the bias of FD is the same on both sides and cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.intervals import LEVEL, Interval
from avbench.statistics.paired import Effect, mde

Statistic = Callable[[NDArray[np.int64]], float]
METHOD = "per-prompt swap"


@dataclass(frozen=True, slots=True)
class Swap:
    """The number of the first and of the second set, and the effect: second less first, over `effect.n` prompts."""

    first: float
    second: float
    effect: Effect


def swap_permutation(
    statistic: Statistic,
    prompt: NDArray[np.int64],
    *,
    resamples: int = 1000,
    level: float = LEVEL,
    seed: int = 0,
) -> Swap:
    """Exchange all clips of a prompt between the two sets with probability one half, and compare the two numbers.

    p = (1 + #{exchanged >= observed}) / (B + 1). The interval is the observed difference give or take that quantile of
    the exchanged ones, which is symmetric: the shifts that the test does not refuse. Exchanging mixes a real difference
    into both sets, so that interval and least detectable effect are, if anything, too wide.

    Args:
        statistic: places (n,) of clips to the number of the set that they make up. Pair i of clips has the places `i`
            (first set) and `n + i` (second).
        prompt: the number of each pair's prompt (n,).

    Raises ValueError for no pair.
    """
    if not len(prompt):
        raise ValueError("no clip is in both sets")
    _, group = np.unique(prompt, return_inverse=True)
    prompts, ours = int(group.max()) + 1, np.arange(len(prompt))
    theirs = ours + len(prompt)
    first, second = statistic(ours), statistic(theirs)
    observed, exchanged = second - first, np.empty(resamples)
    rng = np.random.default_rng(seed)
    for i in range(resamples):
        swapped = (rng.random(prompts) < 0.5)[group]
        exchanged[i] = statistic(np.where(swapped, ours, theirs)) - statistic(np.where(swapped, theirs, ours))
    slack = 1e-9 * (abs(first) + abs(second))  # equal sets in other places may differ in their last bits
    exchanged[np.abs(exchanged) <= slack] = 0.0
    observed = 0.0 if abs(observed) <= slack else observed

    def p(extreme: NDArray[np.bool_]) -> float:
        return float(1 + extreme.sum()) / (resamples + 1)

    half = float(np.quantile(np.abs(exchanged), level)) if prompts > 1 else math.inf
    sd = math.sqrt(float(np.mean(exchanged**2)) * prompts) if prompts > 1 else math.nan
    effect = Effect(
        mean=observed,
        interval=Interval(observed - half, observed + half),
        sd=sd,
        n=prompts,
        p=p(np.abs(exchanged) >= abs(observed) - slack),
        p_greater=p(exchanged >= observed - slack),
        p_less=p(exchanged <= observed + slack),
        mde=mde(sd, prompts),
        method=METHOD,
    )
    return Swap(first, second, effect)
