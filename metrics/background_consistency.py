"""Does the scene stay the same? VBench's dimension: CLIP's embeddings of whole frames, whatever its name says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score
from avbench.weights import backend

from ._backbones.towers import ClipFrames
from ._cosines import consistency

_FRAMES = ClipFrames()


class BackgroundConsistency(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "background_consistency",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="mean over frames of the cosines with the frame before and with the first one; no mask, the "
            "subject counts too; a frozen clip reaches 1; needs 2 frames",
            source="VBench background_consistency (Huang et al. 2024); CLIP ViT-B/32; weights MIT",
            decimals=4,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "2 frames"
    needs = (_FRAMES,)
    backend: ClassVar[str] = backend("clip_vit_b_32")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"background_consistency": consistency(features[_FRAMES])}
