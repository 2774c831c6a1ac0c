"""FFmpeg's `fps` filter, a frame at a time: `_frames.at_rate` for a clip that is still being decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Generic, TypeVar

from avbench.media.info import MediaInfo

T = TypeVar("T")
_FINEST = 10**6  # time stamps are whole multiples of a container's tick; the finest in use is a microsecond


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """`frame` fills the output frames `slot` .. `slot + count - 1`."""

    frame: T
    slot: int
    count: int


class Slots(Generic[T]):
    """Source frames in, output frames at `rate` out; slot 0 begins with the first frame, at `start` seconds.

    Slot k shows the last frame whose time, rounded to slots, is at most k; frames that none shows are dropped. The
    last frame lasts as long as the one before.
    """

    def __init__(self, rate: Fraction, info: MediaInfo) -> None:
        stated = info.video.fps if info.video else None
        self.start = 0.0
        self._rate = rate
        self._gap = 1 / (stated or Fraction(25))
        self._time: Fraction | None = None
        self._held: T | None = None

    @property
    def seconds(self) -> Fraction:
        """From the first frame's start to the last one's end."""
        return Fraction(0) if self._time is None else self._time + self._gap

    def push(self, frame: T, time: float) -> Shown[T] | None:
        """Take the next frame; what the one before fills is known now."""
        before = self._time
        if before is None:
            self.start = time
        now = _exact(time - self.start)
        shown = self._fill(_slot(now, self._rate))
        if before is not None:
            self._gap = now - before
        self._time, self._held = now, frame
        return shown

    def close(self) -> Shown[T] | None:
        """What the last frame fills."""
        return self._fill(_slot(self.seconds, self._rate))

    def _fill(self, until: int) -> Shown[T] | None:
        if self._time is None or self._held is None:
            return None
        slot = _slot(self._time, self._rate)
        return Shown(self._held, slot, until - slot) if until > slot else None


@lru_cache(maxsize=4096)  # several backbones ask for the same times
def _exact(seconds: float) -> Fraction:
    return Fraction(seconds).limit_denominator(_FINEST)


@lru_cache(maxsize=4096)
def _slot(time: Fraction, rate: Fraction) -> int:
    return math.floor(time * rate + Fraction(1, 2))
