"""The long-term power spectrum of the audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from .sound import SILENCE_DBFS, finite, window_dbfs

WINDOW = 2048


@dataclass(frozen=True, slots=True)
class LongTermSpectrum:
    """`power` (K,) per bin, `frequency` (K,) hertz."""

    frequency: NDArray[np.float64]
    power: NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum(AudioBackbone[LongTermSpectrum]):
    """Welch's estimate (Hann, 2048 samples, half overlap) of the mono signal at the file's own rate."""

    view: ClassVar[AudioView] = AudioView(rate=None)

    def extract(self, audio: Audio, info: MediaInfo) -> LongTermSpectrum:
        from scipy.signal import welch

        samples = finite(audio, seconds=WINDOW / audio.rate)
        if window_dbfs(samples, audio.rate).max() < SILENCE_DBFS:
            raise Unscored(f"audio is silent: no 20 ms window reaches {SILENCE_DBFS:.0f} dBFS")
        frequency, power = welch(samples.astype(np.float64), fs=audio.rate, window="hann", nperseg=WINDOW)
        return LongTermSpectrum(frequency, power)
