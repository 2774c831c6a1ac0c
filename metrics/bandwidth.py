"""Up to which frequency the sound reaches: narrow-band vocoders and resampled training data show here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from avbench.answers import ALL, PICTURE, TEXT, Answers, Fault
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.spectrum import LongTermSpectrum, Spectrum

SHARE = 0.99


class Bandwidth(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "bandwidth_hz",
            unit="Hz",
            direction=Direction.NONE,
            low=0.0,
            high=96_000.0,
            summary="99 % roll-off: 99 % of the long-term power (Welch, Hann window of 2048) lies below it; "
            "unscored for silence",
            source="avbench; spectral roll-off as in Tzanetakis and Cook 2002, there 85 %",
            decimals=0,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(rises=(Fault.NOISE,), falls=(Fault.LOW_PASS,), refuses=(Fault.MUTE,), ignores=(*PICTURE, *TEXT))
    }
    least: ClassVar[str] = "any sound"
    needs = (Spectrum(),)

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"bandwidth_hz": roll_off(features[Spectrum()])}


def roll_off(spectrum: LongTermSpectrum) -> float:
    """The lowest bin frequency, hertz, below which 99 % of the power lies."""
    total = np.cumsum(spectrum.power)
    return float(spectrum.frequency[np.searchsorted(total, SHARE * total[-1])])
