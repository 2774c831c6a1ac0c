"""How good frames look: VBench's aesthetic quality, LAION's first predictor (the linear one) on CLIP ViT-L/14."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.towers import ClipLargeFrames, laion_head
from ._fast import backend, seen_by

_FRAMES = seen_by(ClipLargeFrames())


class AestheticLaion(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "aesthetic_laion",
            unit="1",
            direction=Direction.UP,
            low=-float("inf"),
            high=float("inf"),
            summary="mean over frames of the score, a tenth of it, so mostly 0..1 (not aesthetic-predictor-v2-5)",
            source="VBench aesthetic_quality (Huang et al. 2024); sa_0_4_vit_l_14_linear on CLIP ViT-L/14; weights MIT",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "1 frame"
    weights: ClassVar[tuple[str, ...]] = ("laion_aesthetic_l_14",)
    needs = (_FRAMES,)
    backend: ClassVar[str] = backend("laion_aesthetic_l_14")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"aesthetic_laion": float(laion_head(features[_FRAMES]).mean() / 10)}
