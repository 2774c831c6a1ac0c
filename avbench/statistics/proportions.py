"""Shares of flags: Wilson's interval, McNemar's exact test of pairs, and Newcombe's interval of their difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

from avbench.statistics.intervals import LEVEL, Interval


@dataclass(frozen=True, slots=True)
class Flags:
    """How often a flag is set in pairs: in `both`, only in the `first`, only in the `second`, in `neither`."""

    both: int
    first: int
    second: int
    neither: int

    @property
    def n(self) -> int:
        return self.both + self.first + self.second + self.neither


def wilson(count: float, n: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval of a share of `count` in `n`; 0 to 1 for n = 0.

    Where prompts have several clips, `n` is the number of prompts and `count` the share times n: if anything, too wide.
    """
    if n == 0:
        return Interval(0.0, 1.0)
    from scipy.special import ndtri

    share, square = count / n, float(ndtri((1 + level) / 2)) ** 2
    center = (share + square / (2 * n)) / (1 + square / n)
    half = math.sqrt(square) / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return Interval(max(center - half, 0.0), min(center + half, 1.0))


def mcnemar(flags: Flags, alternative: str = "two-sided") -> float:
    """Exact McNemar p-value: are the pairs that differ as often set in the second as in the first?

    `alternative` is `two-sided`, or `greater`: the second is set more often. 1 where no pair differs.
    """
    if flags.first + flags.second == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(flags.second, flags.first + flags.second, alternative=alternative).pvalue)


def difference(flags: Flags, level: float = LEVEL) -> Interval:
    """Interval of share(second) - share(first) in pairs: Newcombe's method 10 (1998), from the two Wilson intervals."""
    n = flags.n
    if n == 0:
        return Interval(-1.0, 1.0)
    second, first = (flags.both + flags.second) / n, (flags.both + flags.first) / n
    theirs, ours = (wilson(flags.both + only, n, level) for only in (flags.second, flags.first))
    a, b, c, d = flags.both, flags.first, flags.second, flags.neither
    margins = math.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    cross = float(a * d - b * c)
    if cross > 0:
        cross = max(cross - n / 2, 0.0)  # continuity, as Newcombe has it
    phi = cross / margins if margins else 0.0
    up2, down1 = theirs.high - second, first - ours.low
    down2, up1 = second - theirs.low, ours.high - first
    gap = second - first
    return Interval(
        gap - math.sqrt(max(down2**2 - 2 * phi * down2 * up1 + up1**2, 0.0)),
        gap + math.sqrt(max(up2**2 - 2 * phi * up2 * down1 + down1**2, 0.0)),
    )
