"""The loudness contour of speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from .curve import GRID, Curve
from .sound import audible

BAND = (300.0, 3000.0)  # hertz: formants in, rumble and hiss out


@dataclass(frozen=True)
class SpeechEnvelope(AudioBackbone[Curve]):
    """RMS of the 300-3000 Hz band in 20 ms windows every 10 ms, of the mono signal at 16 kHz."""

    view: ClassVar[AudioView] = AudioView(rate=16_000)

    def extract(self, audio: Audio, info: MediaInfo) -> Curve:
        from scipy.signal import butter, sosfiltfilt

        band = butter(4, BAND, "bandpass", fs=audio.rate, output="sos")
        power = sosfiltfilt(band, audible(audio, seconds=0.5).astype(np.float64)) ** 2
        hop = round(audio.rate / GRID)
        steps = power[: len(power) // hop * hop].reshape(-1, hop).mean(axis=1)
        windows = np.sqrt((steps[:-1] + steps[1:]) / 2)
        return Curve(windows, GRID, audio.start + hop / audio.rate)
