"""The arithmetic of validation: how well numbers tell a fault, and how sure one is. `badness` grows with the fault.

A value that was refused counts as infinitely bad: a metric that gives no number has noticed something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from avbench.statistics import intervals
from avbench.statistics.intervals import LEVEL

RESAMPLES = 2000
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


NOTHING = Estimate(np.nan, np.nan, np.nan)


def ranking(clean: Values, spoilt: Values, tolerance: float) -> Estimate:
    """Share of clips (N,) whose spoilt version is worse than the clean one by more than `tolerance`, ties as half.

    The interval is Clopper and Pearson's.
    """
    if not len(clean):
        return NOTHING
    wins = float(_wins(spoilt, clean, tolerance).sum())
    return Estimate(wins / len(clean), *clopper_pearson(wins, len(clean)))


def auc(clean: Values, spoilt: Values, tolerance: float) -> Estimate:
    """Probability that a spoilt clip (of N) is worse than a clean one (of the same N), ties as half.

    The interval is the percentile bootstrap's over clips, a clip and its spoilt version drawn together.
    """
    count = len(clean)
    if not count:
        return NOTHING
    wins = _wins(spoilt[:, None], clean[None, :], tolerance)
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    means = ((drawn @ wins) * drawn).sum(axis=1) / count**2
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(wins.mean()), float(low), float(high))


def cliffs_delta(probability: float) -> float:
    """An AUC as an effect between -1 and 1; below 1/3 in size it is a small one (Romano et al. 2006)."""
    return 2 * probability - 1


def clopper_pearson(wins: float, count: int) -> tuple[float, float]:
    """Exact 95 % interval of a share; `wins` may hold halves."""
    tail = (1 - LEVEL) / 2
    low = stats.beta.ppf(tail, wins, count - wins + 1) if wins > 0 else 0.0
    high = stats.beta.ppf(1 - tail, wins + 1, count - wins) if wins < count else 1.0
    return float(low), float(high)


def mean(values: Values) -> Estimate:
    """Mean and Student's 95 % interval of the finite ones."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return NOTHING
    found = intervals.mean(finite)
    return Estimate(found.value, found.interval.low, found.interval.high)


def rho(strengths: Values, badness: Values) -> Estimate:
    """Mean over clips of Spearman's rank correlation of strengths (L,) and badness (L, N), refused values left out.

    A clip whose values never change does not answer: 0. One with fewer than two finite values says nothing.
    """
    found = []
    for column in badness.T:
        kept = np.isfinite(column)
        if kept.sum() < 2 or np.ptp(strengths[kept]) == 0:
            continue
        constant = np.ptp(column[kept]) == 0
        found.append(0.0 if constant else float(stats.spearmanr(strengths[kept], column[kept]).statistic))
    return mean(np.asarray(found))


def smallest(strengths: Sequence[int], shares: Sequence[float], level: float = LEVEL) -> int | None:
    """The least strength from which on every share reaches `level`; None where the strongest does not."""
    told = None
    for strength in sorted(set(strengths), reverse=True):
        if not all(share >= level for at, share in zip(strengths, shares, strict=True) if at == strength):
            break
        told = strength
    return told


def repeatability(repeats: Values) -> float:
    """Standard deviation within clips of (N, R) values of the same N clips, R at least 2; NaN for no clip."""
    rows = repeats[np.isfinite(repeats).all(axis=1)]
    return float(np.sqrt(rows.var(axis=1, ddof=1).mean())) if len(rows) else np.nan


def detectable(repeatability: float) -> float:
    """The smallest change of one clip's value that is more than the scatter of repeats (95 %)."""
    return float(stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(2) * repeatability)


def _wins(worse: Values, better: Values, tolerance: float) -> Values:
    """1 where `worse` exceeds `better` by more than the tolerance, 0.5 where they are closer, 0 else."""
    gap = worse - better
    return np.where(gap > tolerance, 1.0, np.where(gap < -tolerance, 0.0, 0.5))
