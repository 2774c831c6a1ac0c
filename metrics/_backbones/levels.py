"""Levels of the audio as it is in the file: every channel, at its own rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView

from .sound import finite, window_dbfs

FULL_SCALE = 0.999  # 16-bit full scale is 0.99997; lossy codecs wobble a little below it
RUN = 2  # one sample at full scale is a peak, two in a row are a flat top


@dataclass(frozen=True, slots=True)
class LevelCurve:
    """`dbfs` (W,) level of 20 ms windows; `clipped` share of samples in flat tops; `offset` largest channel mean."""

    dbfs: NDArray[np.float64]
    clipped: float
    offset: float


@dataclass(frozen=True)
class Levels(AudioBackbone[LevelCurve]):
    """Window levels, clipping and DC offset."""

    view: ClassVar[AudioView] = AudioView(rate=None, mono=False)

    def extract(self, audio: Audio, info: MediaInfo) -> LevelCurve:
        samples = finite(audio)
        channels = samples.reshape(len(samples), -1)
        return LevelCurve(
            dbfs=window_dbfs(samples, audio.rate),
            clipped=clipped_share(channels),
            offset=float(np.abs(channels.mean(axis=0, dtype=np.float64)).max()),
        )


def clipped_share(channels: NDArray[np.float32]) -> float:
    """Share of samples (S, C) that lie in runs of at least two equal-signed samples at full scale; 0..1."""
    share = 0.0
    for sign in (1, -1):
        full = (channels * sign >= FULL_SCALE).astype(np.int8)
        edges = np.diff(full, axis=0, prepend=0, append=0)
        for channel in edges.T:
            runs = np.flatnonzero(channel == -1) - np.flatnonzero(channel == 1)
            share += int(runs[runs >= RUN].sum())
    return share / channels.size
