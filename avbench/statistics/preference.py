"""What pairwise votes say of models: Bradley-Terry ratings on the Elo scale, their intervals, and shares of wins.

Where a model never wins, or never loses, against the others, no finite rating exists: that is said, where
optimisers stop somewhere and print it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.intervals import LEVEL, Interval
from avbench.statistics.proportions import wilson

ELO, MIDDLE = 400 / math.log(10), 1000.0  # a difference of one nat, and the mean of all models
_RIDGE = 1e-5  # a vote: what arena-rank 0.1.1 adds to the curvature
_STEP, _ROUNDS, _CLOSE = 2.0, 100, 1e-12  # nats that a step of Newton may take, steps, and when it has arrived


class Unidentified(ValueError):
    """The votes allow no finite ratings."""


@dataclass(frozen=True, slots=True)
class Votes:
    """`count` votes alike on a pair: `outcome` is 1 where `first` was preferred, 0 where `second`, 0.5 for a tie."""

    first: str
    second: str
    outcome: float
    count: float


@dataclass(frozen=True, slots=True)
class Rating:
    """A model's Elo and its interval."""

    elo: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class WinRate:
    """A model's votes; `share` counts half of its ties."""

    wins: int
    ties: int
    losses: int

    @property
    def n(self) -> int:
        return self.wins + self.ties + self.losses

    @property
    def share(self) -> float:
        return (self.wins + self.ties / 2) / self.n

    def interval(self, level: float = LEVEL) -> Interval:
        """Wilson's; 0 to 1 without votes."""
        return wilson(self.wins + self.ties / 2, self.n, level)


def ratings(votes: Sequence[Votes], level: float = LEVEL) -> Mapping[str, Rating]:
    """Maximum-likelihood ratings with mean 1000, and arena-rank's sandwich intervals.

    Raises Unidentified, with the models' names, where some models never win against, or never lose to, the rest.
    Source: lmarena/arena-rank 0.1.1; the point estimate is also lm-sys/FastChat's.
    """
    from scipy.special import expit, ndtri

    table = _Table.of(votes)
    nats = table.fit(table.counts)
    chance = expit(nats[table.first] - nats[table.second])
    bread = np.linalg.inv(table.pairs(table.counts * chance * (1 - chance)) + _RIDGE * table.counts.sum() * table.eye)
    spread = bread @ table.pairs(table.counts * (table.outcomes - chance) ** 2) @ bread
    half = float(ndtri((1 + level) / 2)) * ELO * np.sqrt(np.diag(spread))
    found = zip(table.names, MIDDLE + ELO * nats, half, strict=True)
    return {name: Rating(float(elo), Interval(float(elo - h), float(elo + h))) for name, elo, h in found}


def bootstrap(votes: Sequence[Votes], rounds: int = 100, seed: int = 0, level: float = LEVEL) -> Mapping[str, Interval]:
    """Percentile intervals over votes drawn anew, as FastChat draws them: the order of `votes` matters to the draw.

    Raises Unidentified if a draw allows no finite ratings. Votes of one person count as independent.
    """
    table = _Table.of(votes)
    total = int(table.counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, table.counts / table.counts.sum(), size=rounds)
    elos = MIDDLE + ELO * np.stack([table.fit(counts.astype(float)) for counts in drawn])
    low, high = np.quantile(elos, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {name: Interval(float(a), float(b)) for name, a, b in zip(table.names, low, high, strict=True)}


def ranks(intervals: Mapping[str, Interval]) -> Mapping[str, int]:
    """One more than the number of models whose whole interval lies above a model's."""
    return {name: 1 + sum(other.low > own.high for other in intervals.values()) for name, own in intervals.items()}


def win_rates(votes: Sequence[Votes]) -> Mapping[str, WinRate]:
    """Wins, ties and losses of each model, over all opponents."""
    found = {}
    for name in _Table.of(votes).names:
        sides = [
            (row.outcome if row.first == name else 1 - row.outcome, row.count) for row in votes if name in _both(row)
        ]
        wins, ties, losses = (int(sum(n for outcome, n in sides if outcome == side)) for side in (1.0, 0.5, 0.0))
        found[name] = WinRate(wins, ties, losses)
    return found


def _both(row: Votes) -> tuple[str, str]:
    return row.first, row.second


@dataclass(frozen=True, slots=True)
class _Table:
    """Votes as arrays: places of names (R,), outcomes (R,) and counts (R,)."""

    names: list[str]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    outcomes: NDArray[np.float64]
    counts: NDArray[np.float64]

    @classmethod
    def of(cls, votes: Sequence[Votes]) -> _Table:
        names = sorted({name for row in votes for name in _both(row)})
        places = np.array([[names.index(name) for name in _both(row)] for row in votes], np.intp).reshape(-1, 2)
        outcomes, counts = (np.array([getattr(row, key) for row in votes], float) for key in ("outcome", "count"))
        return cls(names, places[:, 0], places[:, 1], outcomes, counts)

    @property
    def eye(self) -> NDArray[np.float64]:
        return np.eye(len(self.names))

    def pairs(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(M, M): the weighted sum of each row's (e_first - e_second) times itself."""
        design = self.eye[self.first] - self.eye[self.second]
        return np.asarray((design * weights[:, None]).T @ design)

    def fit(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(M,) nats with mean 0, by Newton's method in float64."""
        from scipy.special import expit

        self._check(counts)
        design, nats = self.eye[self.first] - self.eye[self.second], np.zeros(len(self.names))
        for _ in range(_ROUNDS):
            chance = expit(design @ nats)
            slope = design.T @ (counts * (self.outcomes - chance))
            step = np.linalg.solve(
                self.pairs(counts * chance * (1 - chance)) + 1, slope
            )  # + 1: the mean stays where it is
            nats = nats + step * min(1.0, _STEP / max(float(np.abs(step).max()), _CLOSE))
            if np.abs(step).max() < _CLOSE:
                break
        return np.asarray(nats - nats.mean())

    def _check(self, counts: NDArray[np.float64]) -> None:
        """Finite ratings need a way of wins from every model to every other (Zermelo 1929, Ford 1957)."""
        from scipy.sparse.csgraph import connected_components

        beats = np.zeros((len(self.names),) * 2)
        np.add.at(beats, (self.first, self.second), counts * self.outcomes)
        np.add.at(beats, (self.second, self.first), counts * (1 - self.outcomes))
        number, groups = connected_components(beats, directed=True, connection="strong")
        if number > 1:
            apart = [", ".join(n for n, g in zip(self.names, groups, strict=True) if g == k) for k in range(number)]
            raise Unidentified(
                f"no finite ratings: between {' | '.join(apart)} all votes go one way, or there are none"
            )
