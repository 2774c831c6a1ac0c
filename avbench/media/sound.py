"""The audio side of a sweep: decoded packets in, mono or multi-channel samples at any rate out."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avbench.errors import MediaError, Unscored
from avbench.parts import Audio, AudioView

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

    from avbench.media.probe import Limits

GAP = 0.1  # seconds: a longer hole between time stamps is filled with silence, or what follows would come early
PLANES = 8  # PyAV 18.1 reads a planar frame's channels beyond the eighth from a wrong address, and crashes
SCALE = {"s16": 1 / (1 << 15), "s32": 1 / (1 << 31), "s64": 1 / (1 << 63)}


class Sound:
    """The audio of one clip, decoded once.

    Mono is the mean of the channels, whatever their number: a sound in all channels keeps its level, one in a single
    channel of C falls by 20 log10(C) dB. `keep` False only counts; `mono` True keeps no channels.
    """

    def __init__(self, zero: Fraction, limits: Limits, *, keep: bool, mono: bool) -> None:
        self.rate = 0
        self.samples = 0
        self.broken = ""
        self.filled = 0.0
        self.start = 0.0
        self._zero = zero
        self._limits = limits
        self._keep = keep
        self._mono = mono
        self._channels = 0
        self._longest = 0
        self._parts: list[NDArray[np.float32]] = []
        self._views: dict[AudioView, Audio] = {}

    @property
    def seconds(self) -> float:
        return self.samples / self.rate if self.rate else 0.0

    @property
    def end(self) -> float:
        return self.start + self.seconds

    def hear(self, frame: AudioFrame) -> None:
        """Take the next decoded frame. Raises MediaError when the audio exceeds the limit of seconds."""
        if frame.is_corrupt:
            self.broken = self.broken or "a damaged packet"
        channels = frame.layout.nb_channels
        if channels > PLANES and frame.format.is_planar:
            self.broken = self.broken or f"it has {channels} channels, of which {PLANES} can be read"
            return
        if not self.rate:
            self.rate, self._channels = frame.sample_rate, channels
            self.start = self._time(frame, 0.0)
        elif frame.sample_rate != self.rate or channels != self._channels:
            self.broken = self.broken or "its rate or channels change midway"
            return
        hole = self._time(frame, self.end) - self.end
        if hole > GAP:
            self.filled += hole
            self._within_limit(self.seconds + hole)
            self._add(np.zeros((round(hole * self.rate), channels), np.float32))
        self._longest = max(self._longest, frame.samples)
        self._within_limit(self.seconds + frame.samples / self.rate)
        if self._keep:
            self._add(pcm(frame))
        else:
            self.samples += frame.samples

    def trim(self, declared: float) -> None:
        """Cut the encoder's padding: up to two codec frames beyond the `declared` seconds. More is not padding."""
        excess = self.samples - round(declared * self.rate)
        if 0 < excess <= 2 * self._longest:
            self.samples -= excess

    def view(self, view: AudioView) -> Audio:
        """The samples of `view`. Raises Unscored when the stream is broken or holds NaN or infinities."""
        if self.broken:
            raise Unscored(f"the audio stream is damaged: {self.broken}")
        if not self.samples:
            raise Unscored("the audio stream holds no samples")
        if view not in self._views:
            self._views[view] = self._render(view)
        return self._views[view]

    def _render(self, view: AudioView) -> Audio:
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        samples = self._parts[0][: self.samples]
        if bad := int(np.count_nonzero(~np.isfinite(samples))):
            raise Unscored(f"the audio holds {bad} samples that are not finite numbers")
        if view.mono and samples.ndim == 2:
            samples = samples.mean(axis=1, dtype=np.float32)
        return Audio(resample(samples, self.rate, view.rate or self.rate), view.rate or self.rate, self.start)

    def _add(self, samples: NDArray[np.float32]) -> None:
        self.samples += len(samples)
        if self._keep:
            self._parts.append(samples.mean(axis=1, dtype=np.float32) if self._mono else samples)

    def _within_limit(self, seconds: float) -> None:
        if seconds > self._limits.seconds:
            raise MediaError("too_long", f"the audio has more than {self._limits.seconds:.0f} s")

    def _time(self, frame: AudioFrame, otherwise: float) -> float:
        if frame.pts is None or frame.time_base is None:
            return otherwise
        return float(frame.pts * frame.time_base - self._zero)


def pcm(frame: AudioFrame) -> NDArray[np.float32]:
    """(S, C) float32; integers are scaled so that full scale is 1, floats stay as they are."""
    data = frame.to_ndarray()
    data = data.T if frame.format.is_planar else data.reshape(-1, frame.layout.nb_channels)
    kind = frame.format.packed.name
    if kind == "u8":
        return ((data.astype(np.float32) - 128) / 128).astype(np.float32, copy=False)
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and beyond float32: refused later, with a count
        return np.multiply(data, SCALE.get(kind, 1.0), dtype=np.float64).astype(np.float32)


def resample(samples: NDArray[np.float32], rate: int, to: int) -> NDArray[np.float32]:
    """(S,) or (S, C) from `rate` to `to` Hz by soxr, high quality: linear phase, no delay, the same bits every time."""
    if rate == to:
        return np.ascontiguousarray(samples)
    import soxr

    return np.asarray(soxr.resample(samples, rate, to, quality="HQ"), np.float32)
