"""Onset times and onset strength of the audio, by librosa."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.media.probe import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from .curve import Curve
from .sound import audible

HOP = 512


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
        from librosa.onset import onset_strength

        samples = audible(audio, seconds=0.5)
        values = onset_strength(y=samples, sr=audio.rate, hop_length=160, n_fft=512, n_mels=40)
        return Curve(values.astype(np.float64), 100.0, audio.start)


def onset_times(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Onsets of mono `samples` (S,) in seconds from the first sample; empty for silence."""
    from librosa.onset import onset_detect

    times: NDArray[np.float64] = onset_detect(y=samples, sr=rate, hop_length=HOP, units="time")
    return times
