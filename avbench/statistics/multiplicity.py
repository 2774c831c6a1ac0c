"""Many questions at once: Holm where any wrong answer is one too many, Benjamini-Hochberg where a share is fine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p-values, in the order given: below alpha with at most alpha chance of any false one."""
    given = np.asarray(p, np.float64)
    order = np.argsort(given, kind="stable")
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)), 1.0)
    return adjusted


def benjamini_hochberg(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini-Hochberg's q-values, in the order given: of those below q a share q may be false."""
    given = np.asarray(p, np.float64)
    if not len(given):
        return given
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(given), np.float64)
