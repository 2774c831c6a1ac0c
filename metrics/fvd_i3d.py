"""How far generated video is from real video: Fréchet and kernel video distance of I3D on the first 16 frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features, Material, Materials, Picked, SetMetric, SetStatistic
from avbench.records import Clip, Column, Direction, SetScore
from avbench.weights import backend

from ._backbones.i3d import I3dLogits
from ._distances import kernel, kernel_to
from ._sets import FEATURES, by_clip, columns, distance, distance_statistic, needed, rows

SOURCE = "I3D as converted for VideoGPT (i3d_pretrained_400); licence of the weights not stated"


class FvdI3d(SetMetric):
    least: ClassVar[str] = "16 frames"
    set_columns: ClassVar[tuple[Column, ...]] = (
        *columns(
            "fvd_i3d", "I3D's logits of the first 16 frames", 400, f"Unterthiner et al. 2019, as VideoGPT; {SOURCE}"
        ),
        Column(
            "kvd",
            "1",
            Direction.DOWN,
            -math.inf,
            math.inf,
            "unbiased kernel distance of the same logits, all clips at once; may be below 0; fair at any number of "
            "clips from 2 on",
            f"MM-Diffusion, JavisBench (there of features that lost their means); {SOURCE}",
        ),
    )
    needs = (I3dLogits(),)
    backend: ClassVar[str] = backend("i3d_400")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        return {FEATURES: features[I3dLogits()]}

    def pool(self, materials: Materials, reference: Materials | None) -> Mapping[str, SetScore]:
        found = distance("fvd_i3d", self.backend, materials, reference)
        value = kernel(rows(materials), rows(needed(reference)))
        return {**found, "kvd": SetScore("kvd", self.backend, value, n=len(materials))}

    def statistics(self, materials: Sequence[Material], reference: Materials | None) -> Mapping[str, SetStatistic]:
        kvd = kernel_to(rows(needed(reference)), rows(Picked(materials)))
        return {
            "fvd_i3d": distance_statistic(materials, reference),
            "kvd": SetStatistic(by_clip(kvd, materials)),
        }
