"""Does motion go on evenly? VBench's motion smoothness: every second frame as AMT-S tells it from its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import ALL, SOUND, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.interpolation import MiddleFrames
from ._fast import backend, every

_MIDDLES = MiddleFrames(every())


class MotionSmoothness(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "motion_smoothness",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="1 minus the mean |difference| of each odd frame and the one interpolated from its neighbours, at "
            "full size; a frozen clip reaches 1. Not motion score, the other MS; needs 3 frames and 128 px a side",
            source="VBench motion_smoothness (Huang et al. 2024); AMT-S (Li et al. 2023); weights CC-BY-NC-4.0",
            decimals=4,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(worse=(Fault.SHUFFLE_FRAMES,), ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "3 frames"
    needs = (_MIDDLES,)
    backend: ClassVar[str] = backend("amt_s")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"motion_smoothness": smoothness(features[_MIDDLES])}


def smoothness(differences: NDArray[np.float64]) -> float:
    """VBench's score of the mean |difference| (P,) of interpolated and true frames, 0..255."""
    if len(differences) == 0:
        raise NotApplicable("too few frames: at least 3 needed")
    return float((255.0 - differences.mean()) / 255.0)
