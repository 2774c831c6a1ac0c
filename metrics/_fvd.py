"""Distances between the films of two sets by I3D, however the films are shown to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, Direction, SetScore
from avbench.set_metric import Material, Materials, Picked, SetMetric, SetStatistic, Summary
from avbench.weights import backend

from ._backbones.i3d import I3dLogits
from ._distances import frechet, kernel, kernel_to
from ._sets import (
    FEATURES,
    by_clip,
    columns,
    counts,
    distance,
    distance_statistic,
    estimate,
    gather,
    rows,
    sides,
    truth_of,
)

SOURCE = "I3D as converted for VideoGPT (i3d_pretrained_400); licence of the weights not stated"


def fvd_columns(names: tuple[str, str], what: str, library: str) -> tuple[Column, ...]:
    """A Fréchet and a kernel distance of these names, as a library has them."""
    fvd, kvd = names
    source = f"Unterthiner et al. 2019, as {library}; {SOURCE}"
    return (
        *columns(fvd, what, 400, source),
        Column(
            f"{fvd}_ddof0",
            "1",
            Direction.DOWN,
            0.0,
            math.inf,
            f"{fvd} with covariances divided by n, not n - 1: StyleGAN-V's and cd-fvd's",
            source,
            decimals=2,
        ),
        kernel_column(kvd, f"MM-Diffusion, JavisBench (there of features that lost their means); {SOURCE}"),
    )


def kernel_column(name: str, source: str) -> Column:
    return Column(
        name,
        "1",
        Direction.DOWN,
        -math.inf,
        math.inf,
        "unbiased kernel distance of the same logits, all clips at once; may be below 0; fair at any number of "
        "clips from 2 on",
        source,
    )


class Fvd(SetMetric):
    names: ClassVar[tuple[str, str]]
    logits: ClassVar[I3dLogits]
    backend: ClassVar[str] = backend("i3d_400")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        return {FEATURES: features[self.logits]}

    def summarise(self, reference: Materials) -> Summary:
        return gather(reference).summary(rows=True)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        both, (fvd, kvd) = sides(materials, reference), self.names
        found = distance(fvd, self.backend, both)
        ours, theirs = both.made.whole, both.truth.whole
        other = SetScore(
            f"{fvd}_ddof0", self.backend, frechet(theirs, ours, ddof=0), n=both.made.clips, reason=found[fvd].reason
        )
        score = estimate(kvd, self.backend, both, lambda: kernel(both.made.rows, both.truth.rows), counts(both))
        return {**found, other.metric: other, kvd: score}

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        fvd, kvd = self.names
        kernels = kernel_to(truth_of(reference).rows, rows(Picked(materials)))
        return {
            fvd: distance_statistic(materials, reference),
            kvd: SetStatistic(by_clip(kernels, materials)),
        }
