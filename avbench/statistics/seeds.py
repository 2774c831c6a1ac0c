"""How much of a metric's spread is the sampling seed's and how much the prompts'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Components:
    """Variance of a metric within a prompt (over its seeds) and between prompts, of `prompts` prompts of `seeds` seeds.

    `variance_of_mean` is (between + within / K) / n: more seeds lower the second term only.
    """

    within: float
    between: float
    prompts: int
    seeds: float

    @property
    def variance_of_mean(self) -> float:
        return (self.between + self.within / self.seeds) / self.prompts


def components(values: NDArray[np.float64], prompts: NDArray[np.int64]) -> Components:
    """One-way random-effects components of `values` (n,) with the prompt's number of each (Searle 1971, ANOVA).

    Prompts may have different numbers of seeds. `between` is cut at zero. Raises ValueError unless there are at least
    two prompts and a prompt with two seeds.
    """
    names, inverse, counts = np.unique(prompts, return_inverse=True, return_counts=True)
    n, groups = len(values), len(names)
    if groups < 2 or n == groups:
        raise ValueError(f"at least 2 prompts and a prompt of 2 seeds needed, got {groups} prompts of {n} clips")
    means = np.bincount(inverse, values) / counts
    within = float(((values - means[inverse]) ** 2).sum() / (n - groups))
    among = float((counts * (means - values.mean()) ** 2).sum() / (groups - 1))
    size = float(n - (counts**2).sum() / n) / (groups - 1)  # seeds a prompt, where these differ their effective number
    return Components(within, max((among - within) / size, 0.0), groups, size)
