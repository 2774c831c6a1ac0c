"""What metrics of sets share: features of clips and of the reference, compared without holding them all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.parts import Material, Materials, Picked, SetStatistic
from avbench.records import Column, Direction, SetScore, Status

from ._distances import FEW, Moments, frechet, frechet_to

FEATURES = "features"  # the array that a clip leaves: (d,), or (r, d) where each of its parts is a sample
_ROWS = 512


@dataclass(frozen=True, slots=True)
class Gathered:
    """The moments of every other clip, whose halves tell the noise floor, and of all; `clips` left something."""

    clips: int
    even: Moments
    odd: Moments | None

    @property
    def whole(self) -> Moments:
        return self.even if self.odd is None else self.even + self.odd


def gather(materials: Materials) -> Gathered:
    """The moments of a set, in memory that does not grow with it."""
    halves = [_moments(materials, start) for start in (0, 1)]
    even, odd = halves
    if even is None:
        raise Unscored("no clip left features")
    return Gathered(len(materials), even, odd)


def distance(name: str, backend: str, materials: Materials, reference: Materials | None) -> dict[str, SetScore]:
    """The Frechet distance to the reference and `NAME_floor`, that of the reference's own halves."""
    truth = gather(needed(reference))
    made = gather(materials)
    samples = made.whole.n
    few = f"{samples} samples of {len(made.whole.mean)} numbers: mostly bias under {FEW}" if samples < FEW else ""
    try:
        value = frechet(made.whole, truth.whole)
    except ValueError as error:
        raise Unscored(f"too_few: {error}") from error
    return {
        name: SetScore(name, backend, value, n=made.clips, reason=few),
        f"{name}_floor": _floor(f"{name}_floor", backend, truth),
    }


def distance_statistic(materials: Sequence[Material], reference: Materials | None) -> SetStatistic:
    """The Frechet distance of any of the clips, doubted where a set has fewer than two samples a number."""
    truth = gather(needed(reference)).whole
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


def columns(name: str, what: str, size: int, source: str) -> tuple[Column, Column]:
    """The two columns of `distance`."""
    summary = f"Fréchet distance of {what} ({size} numbers) to the reference's; needs --reference and 2 clips, reads "
    return (
        Column(name, "1", Direction.DOWN, 0.0, math.inf, f"{summary}as mostly bias under {FEW}", source, decimals=2),
        Column(
            f"{name}_floor",
            "1",
            Direction.NONE,
            0.0,
            math.inf,
            f"the same between the reference's own halves: what {name} is where there is no difference",
            source,
            decimals=2,
        ),
    )


def needed(reference: Materials | None) -> Materials:
    """The reference's materials. Raises Unscored without any."""
    if reference is None:
        raise Unscored("needs reference clips; give --reference")
    if not len(reference):
        raise Unscored("the reference clips left nothing to compare with")
    return reference


def rows(materials: Materials, name: str = FEATURES) -> NDArray[np.float32]:
    """All rows (n, d) of a set, where a statistic needs them together."""
    return np.concatenate([np.atleast_2d(material.arrays[name]) for material in materials])


def refused(column: str, backend: str, reason: str) -> SetScore:
    return SetScore(column, backend, None, status=Status.UNSCORED, reason=reason)


def _floor(name: str, backend: str, truth: Gathered) -> SetScore:
    try:
        if truth.odd is None:
            raise ValueError("1 reference clip has no halves")
        return SetScore(name, backend, frechet(truth.even, truth.odd), n=truth.clips)
    except ValueError as error:
        return refused(name, backend, f"too_few: {error}")


def _moments(materials: Materials, start: int) -> Moments | None:
    """Of every other clip from `start` on."""
    found: Moments | None = None
    for block in _blocks(materials, start):
        some = Moments.of(block)
        found = some if found is None else found + some
    return found


def _blocks(materials: Materials, start: int) -> Iterator[NDArray[np.float32]]:
    held: list[NDArray[np.float32]] = []
    for i, material in enumerate(materials):
        if i % 2 != start:
            continue
        held.append(np.atleast_2d(material.arrays[FEATURES]))
        if sum(map(len, held)) >= _ROWS:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)
