"""An interval of a number made of many means: what it becomes without each prompt (Quenouille, Tukey; Efron 1982)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.intervals import LEVEL, Interval, quantile


def jackknife(value: float, without: NDArray[np.float64], level: float = LEVEL) -> Interval:
    """The interval of `value`, which is `without[c]` when prompt c is left out (C,).

    SE = sqrt((C - 1) / C * sum_c (without_c - mean of them)^2) with t(C - 1): of a mean of one clip a prompt that is
    s / sqrt(n). A single prompt has an interval without ends.
    """
    count = len(without)
    if count < 2:
        return Interval(-math.inf, math.inf)
    error = math.sqrt((count - 1) / count * float(np.square(without - without.mean()).sum()))
    half = float(quantile(count - 1, level)) * error
    return Interval(value - half, value + half)
