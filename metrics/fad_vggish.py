"""How far generated sound is from real sound: the Fréchet audio distance of VGGish, every 0.96 s a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, SetScore
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary
from avbench.weights import backend

from ._backbones.vggish import VggishPatches
from ._sets import FEATURES, columns, distance, distance_statistic, gather, sides


class FadVggish(SetMetric):
    least: ClassVar[str] = "0.975 s of sound"
    set_columns: ClassVar[tuple[Column, ...]] = columns(
        "fad_vggish",
        "VGGish's embeddings before the last ReLU, without PCA",
        128,
        "Kilgour et al. 2019, as gudgud96/frechet-audio-distance; VGGish (torchvggish); weights Apache-2.0",
    )
    needs = (VggishPatches(),)
    backend: ClassVar[str] = backend("vggish")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        return {FEATURES: features[VggishPatches()]}

    def summarise(self, reference: Materials) -> Summary:
        return gather(reference).summary()

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        return distance("fad_vggish", self.backend, sides(materials, reference))

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return {"fad_vggish": distance_statistic(materials, reference)}
