"""Verse-Bench's aesthetic score, which JoVA prints as AS: the mean of three predictors. 40 CPU seconds a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.quality import ManiqaScores, MusiqKoniq
from ._backbones.towers import SiglipScores
from ._fast import backend, seen_by

_RANDOM = seen_by(ManiqaScores(random=True))
_AESTHETIC, _MUSIQ = seen_by(SiglipScores()), seen_by(MusiqKoniq())
LICENCE = "weights Apache-2.0, AGPL-3.0"


class AsVerse(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "as_verse",
            unit="1",
            direction=Direction.UP,
            low=-float("inf"),
            high=float("inf"),
            summary="mean of aesthetic_v25 / 10, musiq_koniq and maniqa_verse; needs over 224 px a side",
            source=f"Verse-Bench, JoVA; {LICENCE}",
        ),
        Column(
            "maniqa_verse",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="mean over frames and 20 crops at random, which are the same in every run; Verse-Bench's are not",
            source="Verse-Bench; MANIQA (Yang et al. 2022); weights Apache-2.0",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "1 frame"
    needs = (_AESTHETIC, _MUSIQ, _RANDOM)
    backend: ClassVar[str] = backend("aesthetic_v2_5+musiq_koniq+maniqa_koniq")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        cropped = float(features[_RANDOM].mean())
        others = (features[_AESTHETIC].mean(dtype=float) / 10, features[_MUSIQ].mean() / 100)
        return {"as_verse": (float(sum(others)) + cropped) / 3, "maniqa_verse": cropped}
