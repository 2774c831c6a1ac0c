"""How far generated sound is from real sound by AudioCLIP, played as the network was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, SetScore
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary
from avbench.weights import backend

from ._backbones.audioclip import AudioclipSound
from ._sets import FEATURES, columns, distance, distance_statistic, gather, sides


class FadAudioclip(SetMetric):
    least: ClassVar[str] = "any sound"
    set_columns: ClassVar[tuple[Column, ...]] = columns(
        "fad_audioclip",
        "AudioCLIP's features of the first 4 s at 44.1 kHz: JavisBench's FAD as intended, without its factor,",
        1024,
        "AudioCLIP (Guzhov et al. 2021), which JavisBench and MM-Diffusion take; weights MIT",
    )
    needs = (AudioclipSound(),)
    backend: ClassVar[str] = backend("audioclip")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        return {FEATURES: features[AudioclipSound()]}

    def summarise(self, reference: Materials) -> Summary:
        return gather(reference).summary()

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        return distance("fad_audioclip", self.backend, sides(materials, reference))

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return {"fad_audioclip": distance_statistic(materials, reference)}
