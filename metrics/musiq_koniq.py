"""How clean frames are: MUSIQ with the KonIQ weights at full size, pyiqa's `musiq` (not `imaging_spaq`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones import quality
from ._fast import backend, seen_by

_FRAMES = seen_by(quality.MusiqKoniq())


class MusiqKoniq(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "musiq_koniq",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="mean over frames at full size of the score by the KonIQ weights, a hundredth of it",
            source="Verse-Bench; MUSIQ (Ke et al. 2021); weights Apache-2.0 in their first publication",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "1 frame"
    needs = (_FRAMES,)
    backend: ClassVar[str] = backend("musiq_koniq")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"musiq_koniq": float(features[_FRAMES].mean() / 100)}
