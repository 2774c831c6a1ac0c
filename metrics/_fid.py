"""Distances between the frames of two sets by Inception, whichever way the frames are resized."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, Direction, SetScore
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary
from avbench.weights import backend

from ._backbones.inception import InceptionFrames
from ._distances import kernel_of_subsets
from ._sets import FEATURES, Sides, columns, counts, distance, distance_statistic, gather, refused, sides

FEW = 2048  # below it the covariance of as many numbers has no full rank; pytorch-fid asks for as many pictures
SUBSETS, SIZE = 100, 1000


def fid_columns(suffix: str, library: str) -> tuple[Column, ...]:
    """Those of a metric whose frames are resized as a library does it."""
    source = f"Heusel et al. 2017, as {library}; Inception of TensorFlow 2015; weights Apache-2.0"
    what = f"Inception's last pooling of a frame a second, resized as {library},"
    return (
        *columns(f"fid{suffix}", what, 2048, source, FEW),
        Column(
            f"kid{suffix}",
            "1",
            Direction.DOWN,
            -math.inf,
            math.inf,
            f"unbiased kernel distance of the same features, mean of {SUBSETS} random subsets of at most {SIZE}; may "
            "be below 0; fair at any number of frames from 2 on",
            f"Bińkowski et al. 2018, as torch-fidelity; {source}",
            decimals=4,
        ),
    )


class InceptionDistance(SetMetric):
    least: ClassVar[str] = "1 frame"
    suffix: ClassVar[str]
    frames: ClassVar[InceptionFrames]
    backend: ClassVar[str] = backend("inception_fid")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        return {FEATURES: features[self.frames]}

    def summarise(self, reference: Materials) -> Summary:
        return gather(reference).summary(rows=True)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        both = sides(materials, reference)
        name = f"kid{self.suffix}"
        return {**distance(f"fid{self.suffix}", self.backend, both, FEW), name: _kid(name, self.backend, both)}

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return {f"fid{self.suffix}": distance_statistic(materials, reference)}


def _kid(name: str, backend: str, both: Sides) -> SetScore:
    made, truth = both.made, both.truth
    try:
        mean, deviation = kernel_of_subsets(made.rows, truth.rows, SUBSETS, SIZE)
    except ValueError as error:
        return refused(name, backend, f"too_few: {error}")
    size = min(len(made.rows), len(truth.rows), SIZE)
    return SetScore(
        name, backend, mean, n=made.clips, reason=f"{counts(both)}; {SUBSETS} subsets of {size}, sd {deviation:.2g}"
    )
