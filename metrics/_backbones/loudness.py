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
WITHOUT_LFE = [0, 1, 2, 4, 5]  # of 5.1 in FFmpeg's order: L R C Ls Rs, which pyloudnorm weights in this order


@dataclass(frozen=True)
class Loudness(AudioBackbone[float]):
    """Loudness in LUFS over all channels at the file's own rate, the LFE of 5.1 aside.

    Unscored when every block is below the gate, and for other layouts than mono, stereo and 5.1.
    """

    view: ClassVar[AudioView] = AudioView(rate=None, mono=False)

    def extract(self, audio: Audio, info: MediaInfo) -> float:
        import pyloudnorm

        samples = finite(audio, seconds=BLOCK).reshape(len(audio.samples), -1)
        channels = samples.shape[1]
        if channels == 6:
            samples = samples[:, WITHOUT_LFE]
        elif channels > 2:
            raise Unscored(f"loudness of {channels} channels is not defined here; known: mono, stereo and 5.1")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the log of no block left is caught below
            value = float(
                pyloudnorm.Meter(audio.rate, block_size=BLOCK).integrated_loudness(samples.astype(np.float64))
            )
        if not np.isfinite(value):
            raise Unscored("audio is silent: no 0.4 s block is louder than -70 LUFS")
        return value
