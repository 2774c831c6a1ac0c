"""How clean frames are: MANIQA with the KonIQ weights, as pyiqa crops frames. 40 CPU seconds a frame: use a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.quality import ManiqaScores
from ._fast import backend, seen_by

_FRAMES = seen_by(ManiqaScores())


class Maniqa(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "maniqa",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="mean over frames of the score of 20 crops on a fixed grid, their patches pooled",
            source="pyiqa's maniqa; Yang et al. 2022; weights Apache-2.0",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "1 frame"
    needs = (_FRAMES,)
    backend: ClassVar[str] = backend("maniqa_koniq")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"maniqa": float(features[_FRAMES].mean())}
