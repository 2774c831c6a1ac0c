"""Does the subject stay the same? VBench's dimension: DINO's class tokens of all frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score
from avbench.weights import backend

from ._backbones.towers import DinoFrames
from ._cosines import consistency


class SubjectConsistency(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "subject_consistency",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="mean over frames of the cosines with the frame before and with the first one; a frozen clip "
            "reaches 1; needs 2 frames",
            source="VBench subject_consistency (Huang et al. 2024); DINO ViT-B/16; weights Apache-2.0",
            decimals=4,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "2 frames"
    needs = (DinoFrames(),)
    backend: ClassVar[str] = backend("dino_vitb16")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"subject_consistency": consistency(features[DinoFrames()])}
