"""What metrics of sets share: features of clips and of the reference, compared without holding them all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.records import Column, Direction, SetScore, Status
from avbench.set_metric import Material, Materials, Picked, SetStatistic, Summary
from avbench.statistics.intervals import mean as mean_of

from ._distances import FEW, Moments, frechet, frechet_infinity, frechet_to

FEATURES = "features"  # the array that a clip leaves: (d,), or (r, d) where each of its parts is a sample
KEPT = 16_384  # samples of a set that are held; distances that need samples together see no more
NO_REFERENCE = "needs reference clips; give --reference"
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a set is to a distance, of a size that does not grow with it.

    `halves` are the moments of two random halves of its `clips`, None for one that is empty. `rows` are its samples in
    order, (k, d), or KEPT of them drawn at random.
    """

    clips: int
    halves: tuple[Moments | None, Moments | None]
    rows: NDArray[np.float32]

    @property
    def whole(self) -> Moments:
        there = [half for half in self.halves if half is not None]
        return there[0] if len(there) == 1 else there[0] + there[1]

    def summary(self, rows: bool = False) -> Summary:
        """As a reference keeps it; with the samples only where a distance needs them."""
        arrays: dict[str, NDArray[Any]] = {"clips": np.array(self.clips)}
        for i, half in enumerate(self.halves):
            if half is not None:
                arrays |= {f"n_{i}": np.array(half.n), f"mean_{i}": half.mean, f"scatter_{i}": half.scatter}
        arrays |= {"rows": self.rows} if rows else {}
        return Summary(arrays, self.whole.n, len(self.whole.mean))


@dataclass(frozen=True, slots=True)
class Sides:
    """A set and what it is compared with."""

    made: Gathered
    truth: Gathered


def gather(materials: Materials, name: str = FEATURES) -> Gathered:
    """A set in one pass over it. Raises Unscored where no clip left features."""
    rng = np.random.default_rng(0)
    half_of = rng.permutation(len(materials)) % 2
    sums, kept = (_Sum(), _Sum()), _Kept(rng)
    for half, material in zip(half_of, materials, strict=True):
        rows = np.atleast_2d(material.arrays[name])
        sums[half].add(rows)
        kept.add(rows)
    halves = (sums[0].close(), sums[1].close())
    if halves == (None, None):
        raise Unscored("no clip left features")
    return Gathered(len(materials), halves, kept.close())


def sides(materials: Materials, reference: Summary | None) -> Sides:
    """A set and its reference. Raises Unscored without either."""
    truth = truth_of(reference)
    return Sides(gather(materials), truth)


def truth_of(reference: Summary | None) -> Gathered:
    """The reference as `Gathered.summary` kept it. Raises Unscored without any."""
    arrays = needed(reference).arrays
    halves = [
        Moments(int(arrays[f"n_{i}"]), arrays[f"mean_{i}"], arrays[f"scatter_{i}"]) if f"n_{i}" in arrays else None
        for i in (0, 1)
    ]
    return Gathered(int(arrays["clips"]), (halves[0], halves[1]), arrays.get("rows", np.zeros((0, 0), np.float32)))


def distance(name: str, backend: str, both: Sides, few: int = FEW) -> dict[str, SetScore]:
    """The Frechet distance to the reference; `NAME_inf`, of infinitely many samples; `NAME_floor`, of the reference's
    own halves. What each rests on stands in its remark. Raises Unscored where a side has less than two samples.
    """
    made, truth = both.made, both.truth
    floor = _floor(f"{name}_floor", backend, truth)
    said = counts(both)
    said += f", floor {floor.value:.4g}" if floor.value is not None else ", no floor"
    if (least := min(made.whole.n, truth.whole.n)) < few:
        said += f"; mostly bias under {few} samples"
    elif least <= len(made.whole.mean):
        said += "; biased: not more samples than numbers"
    try:
        value = frechet(truth.whole, made.whole)
    except ValueError as error:
        raise Unscored(f"too_few: {error}") from error
    return {
        name: SetScore(name, backend, value, n=made.clips, reason=said),
        f"{name}_inf": estimate(
            f"{name}_inf", backend, both, lambda: frechet_infinity(made.rows, truth.whole), counts(both)
        ),
        f"{name}_floor": floor,
    }


def distance_statistic(materials: Sequence[Material], reference: Summary | None) -> SetStatistic:
    """The Frechet distance of any of the clips, doubted where a set has fewer than two samples a number."""
    truth = truth_of(reference).whole
    features = rows(Picked(materials))
    width, samples = features.shape[1], len(features) // 2
    few = f"too_few: {samples} samples of {width} numbers a set, a Fréchet distance needs {2 * width} for a verdict"
    return SetStatistic(by_clip(frechet_to(truth, features), materials), few if samples < 2 * width else "")


def by_clip(
    of_rows: Callable[[NDArray[np.int64]], float], materials: Sequence[Material], name: str = FEATURES
) -> Callable[[NDArray[np.int64]], float]:
    """A function of rows (see `rows`) as one of clips, each of which may have left several."""
    ends = np.cumsum([len(np.atleast_2d(material.arrays[name])) for material in materials])
    spans = [np.arange(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def of(places: NDArray[np.int64]) -> float:
        return of_rows(np.concatenate([spans[i] for i in places]))

    return of


def estimate(name: str, backend: str, both: Sides, take: Callable[[], float], said: str) -> SetScore:
    """A statistic of the samples that are held, with its remark; refused where there are too few of them."""
    try:
        value = take()
    except ValueError as error:
        return refused(name, backend, f"too_few: {error}")
    if (total := max(both.made.whole.n, both.truth.whole.n)) > KEPT:
        said += f"; of {KEPT} of {total} samples"
    return SetScore(name, backend, value, n=both.made.clips, reason=said)


def counts(both: Sides) -> str:
    """How many samples of how many numbers."""
    made, truth = both.made.whole, both.truth.whole
    return f"n {made.n}, reference {truth.n}, d {len(made.mean)}"


def columns(name: str, what: str, size: int, source: str, few: int = FEW) -> tuple[Column, Column, Column]:
    """The columns of `distance`."""
    summary = f"Fréchet distance of {what} ({size} numbers) to the reference's; needs --reference and 2 clips, reads "

    def column(suffix: str, better: Direction, said: str) -> Column:
        low = -math.inf if suffix == "_inf" else 0.0
        return Column(f"{name}{suffix}", "1", better, low, math.inf, said, source, decimals=2)

    return (
        column("", Direction.DOWN, f"{summary}as mostly bias under {few} samples"),
        column(
            "_inf",
            Direction.DOWN,
            "the same extrapolated to infinitely many samples, over 500 of which it needs; may be below 0 by chance",
        ),
        column(
            "_floor",
            Direction.NONE,
            f"the same between random halves of the reference: what {name} is where there is no difference",
        ),
    )


def needed(reference: Summary | None) -> Summary:
    """The reference's summary. Raises Unscored without any."""
    if reference is None:
        raise Unscored(NO_REFERENCE)
    if not reference.arrays:
        raise Unscored("the reference has nothing to compare with: its clips left none of these features")
    return reference


def rows(materials: Iterable[Any], name: str = FEATURES) -> NDArray[np.float32]:
    """All rows (n, d) of a set, where a statistic needs them together."""
    return np.concatenate([np.atleast_2d(material.arrays[name]) for material in materials])


def mean_over(name: str, backend: str, prompts: list[str], values: NDArray[np.float64], clips: int) -> SetScore:
    """The mean of a number a pair with its interval, clustered by prompt; there are so many `clips`, paired or not."""
    _, clusters = np.unique(prompts, return_inverse=True)
    found = mean_of(values, clusters)
    low, high = found.interval.low, found.interval.high
    known = math.isfinite(high)
    alone = clips - len(values)
    said = f"{len(values)} pairs" + (f"; {alone} clips have no reference of their prompt" if alone else "")
    return SetScore(
        name, backend, found.value, low if known else None, high if known else None, n=len(values), reason=said
    )


def refused(column: str, backend: str, reason: str) -> SetScore:
    return SetScore(column, backend, None, status=Status.UNSCORED, reason=reason)


def refused_all(names: Iterable[str], backend: str, take: Callable[[], Mapping[str, SetScore]]) -> dict[str, SetScore]:
    """What `take` gives, or for each of its columns the reason why it gives nothing."""
    try:
        return dict(take())
    except Unscored as error:
        return {name: refused(name, backend, str(error)) for name in names}


class _Sum:
    """Moments of many samples, block by block."""

    def __init__(self) -> None:
        self._total: Moments | None = None
        self._held: list[NDArray[np.float32]] = []
        self._size = 0

    def add(self, rows: NDArray[np.float32]) -> None:
        self._held.append(rows)
        self._size += len(rows)
        if self._size >= _BLOCK:
            self.close()

    def close(self) -> Moments | None:
        if self._held:
            some = Moments.of(np.concatenate(self._held))
            self._total = some if self._total is None else self._total + some
            self._held, self._size = [], 0
        return self._total


class _Kept:
    """Up to KEPT samples, each as likely as any other, in their order."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._rows: list[NDArray[np.float32]] = []
        self._lots: list[NDArray[np.float64]] = []
        self._size = 0

    def add(self, rows: NDArray[np.float32]) -> None:
        self._rows.append(rows)
        self._lots.append(self._rng.random(len(rows)))
        self._size += len(rows)
        if self._size > 2 * KEPT:
            self._thin()

    def close(self) -> NDArray[np.float32]:
        if self._size > KEPT:
            self._thin()
        return np.concatenate(self._rows)

    def _thin(self) -> None:
        rows, lots = np.concatenate(self._rows), np.concatenate(self._lots)
        chosen = np.sort(np.argpartition(lots, KEPT - 1)[:KEPT])
        self._rows, self._lots, self._size = [rows[chosen]], [lots[chosen]], len(chosen)


def _floor(name: str, backend: str, truth: Gathered) -> SetScore:
    one, other = truth.halves
    try:
        if one is None or other is None:
            raise ValueError("1 reference clip has no halves")
        return SetScore(name, backend, frechet(one, other), n=truth.clips, reason=f"n {one.n} and {other.n}")
    except ValueError as error:
        return refused(name, backend, f"too_few: {error}")
