"""Temporal flickering as VBench defines it: how little neighbouring frames differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import ALL, SOUND, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.pixels import Pixels


class TemporalFlickering(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "temporal_flickering",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="1 minus the mean absolute difference of neighbouring frames at full size; needs 2 frames. "
            "A frozen clip reaches 1: read it beside the guard `frozen`",
            source="VBench temporal_flickering (Huang et al. 2024); meant for prompts of static scenes",
            decimals=4,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.SHUFFLE_FRAMES,), ignores=(*SOUND, Fault.WRONG_FACE, *TEXT))
    }
    least: ClassVar[str] = "2 frames"
    needs = (Pixels(),)

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"temporal_flickering": flickering(features[Pixels()].difference)}


def flickering(difference: NDArray[np.float64]) -> float:
    """VBench's score of the mean absolute differences (T-1,) of neighbouring frames, 0..255."""
    if len(difference) == 0:
        raise NotApplicable("too few frames: 1, at least 2 needed")
    return float((255.0 - difference.mean()) / 255.0)
