"""JavisBench's FAD as its code has it: AudioCLIP hears sound at a wrong rate and 32,768 times too quiet.

What is left of the sound there is about 150 levels of rounding; `fad_audioclip` plays it as the network was trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, SetScore
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary
from avbench.weights import backend

from ._backbones.audioclip import AudioclipJavis
from ._javis import frechet_of, javis_column, javis_scores, javis_summary
from ._sets import FEATURES

SCALE = 10_000


class FadJavis(SetMetric):
    least: ClassVar[str] = "any sound"
    set_columns: ClassVar[tuple[Column, ...]] = (
        javis_column(
            "fad_javis",
            f"JavisBench's FAD as shipped: {SCALE} times the Fréchet distance of AudioCLIP's features (1024 numbers) "
            "of the first 4 s at 16 kHz and far too quiet; rounding decides, so it differs between kinds of processor; "
            "needs --reference and 2 clips",
            "JavisVerse/JavisDiT eval/javisbench; AudioCLIP (Guzhov et al. 2021); weights MIT",
        ),
    )
    needs = (AudioclipJavis(),)
    backend: ClassVar[str] = backend("audioclip")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        return {FEATURES: features[AudioclipJavis()]}

    def summarise(self, reference: Materials) -> Summary:
        return javis_summary(reference, FEATURES)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        columns = {"fad_javis": (FEATURES, lambda made, real: SCALE * frechet_of(made, real))}
        return javis_scores(self.backend, materials, reference, columns)

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return {}  # the first clips of both sides are no set whose clips can be exchanged
