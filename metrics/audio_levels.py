"""Silence and clipping of the audio as it is in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import PICTURE, SOUND, TEXT, Answers, Fault, but
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.levels import Levels
from ._backbones.sound import SILENCE_DBFS


class AudioLevels(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "silence_ratio",
            unit="1",
            direction=Direction.NONE,
            low=0.0,
            high=1.0,
            summary="share of 20 ms windows whose RMS is below -60 dBFS in every channel",
            source="avbench",
        ),
        Column(
            "clipping_ratio",
            unit="1",
            direction=Direction.DOWN,
            low=0.0,
            high=1.0,
            summary="share of samples in flat tops: two or more in a row at 0.999 of full scale, same sign",
            source="avbench",
            decimals=5,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        "silence_ratio": Answers(rises=(Fault.MUTE,), ignores=(*PICTURE, *TEXT)),
        "clipping_ratio": Answers(
            worse=(Fault.CLIPPING,), ignores=(*but(SOUND, Fault.CLIPPING, Fault.NOISE), *PICTURE, *TEXT)
        ),
    }
    least: ClassVar[str] = "any sound"
    needs = (Levels(),)

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        levels = features[Levels()]
        return {"silence_ratio": silence_ratio(levels.dbfs), "clipping_ratio": levels.clipped}


def silence_ratio(dbfs: NDArray[np.float64]) -> float:
    """Share of windows (W,) below -60 dBFS, 0..1."""
    return float((dbfs < SILENCE_DBFS).mean())
