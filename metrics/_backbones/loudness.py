"""Integrated loudness by ITU-R BS.1770."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.errors import Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from .sound import finite

BLOCK = 0.4  # seconds, the gating block of BS.1770
CHANNELS = 5  # pyloudnorm weights L, R, C, Ls, Rs


@dataclass(frozen=True)
class Loudness(AudioBackbone[float]):
    """Loudness in LUFS over all channels at the file's own rate. Unscored when every block is below the gate."""

    view: ClassVar[AudioView] = AudioView(rate=None, mono=False)

    def extract(self, audio: Audio, info: MediaInfo) -> float:
        import pyloudnorm

        samples = finite(audio, seconds=BLOCK).reshape(len(audio.samples), -1)[:, :CHANNELS]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the log of no block left is caught below
            value = float(
                pyloudnorm.Meter(audio.rate, block_size=BLOCK).integrated_loudness(samples.astype(np.float64))
            )
        if not np.isfinite(value):
            raise Unscored("audio is silent: no 0.4 s block is louder than -70 LUFS")
        return value
