"""How clean frames are: VBench's imaging quality, MUSIQ with the SPAQ weights (`musiq_koniq` is another number)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.quality import MusiqSpaq
from ._fast import backend, seen_by

_FRAMES = seen_by(MusiqSpaq())
LICENCE = "MUSIQ (Ke et al. 2021); weights Apache-2.0 in their first publication"


class ImagingSpaq(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "imaging_spaq",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="mean over frames, shrunk to at most 512 px, of the score by the SPAQ weights, a hundredth of it",
            source=f"VBench imaging_quality (Huang et al. 2024); {LICENCE}",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "1 frame"
    needs = (_FRAMES,)
    backend: ClassVar[str] = backend("musiq_spaq")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"imaging_spaq": float(features[_FRAMES].mean() / 100)}
