"""Onset times and onset strength of the audio, by `avbench.media.onsets`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.media.onsets import onset_strength, onset_times
from avbench.parts import Audio, AudioBackbone, AudioView

from .curve import Curve
from .sound import audible


@dataclass(frozen=True)
class OnsetTimes(AudioBackbone[NDArray[np.float64]]):
    """Times of onsets (K,), seconds on the clip's axis: `librosa.onset.onset_detect` with its defaults at 22,050 Hz.

    The hop is 512 samples, so the rate decides the grid: 23.2 ms here, 11.6 ms at 44.1 kHz, 32 ms at 16 kHz.
    """

    view: ClassVar[AudioView] = AudioView(rate=22_050)

    def extract(self, audio: Audio, info: MediaInfo) -> NDArray[np.float64]:
        return onset_times(audible(audio), audio.rate) + audio.start


@dataclass(frozen=True)
class OnsetTimes44k(OnsetTimes):
    """The same at 44,100 Hz, as MOVA does."""

    view: ClassVar[AudioView] = AudioView(rate=44_100)


@dataclass(frozen=True)
class OnsetTimesNative(OnsetTimes):
    """The same at the file's own rate, as JavisBench does."""

    view: ClassVar[AudioView] = AudioView(rate=None)


@dataclass(frozen=True)
class OnsetStrength(AudioBackbone[Curve]):
    """Spectral flux of a log-mel spectrogram (40 bands, 32 ms window) every 10 ms at 16 kHz."""

    view: ClassVar[AudioView] = AudioView(rate=16_000)

    def extract(self, audio: Audio, info: MediaInfo) -> Curve:
        samples = audible(audio, seconds=0.5)
        values = onset_strength(samples, audio.rate, hop=160, window=512, bands=40)
        return Curve(values.astype(np.float64), 100.0, audio.start)
