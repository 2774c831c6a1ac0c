"""Other ways to show a clip to a backbone: some of its frames (`--fast`), or a stretch at a time (VBench-Long)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView

F = TypeVar("F")
RATE = 2.0  # frames a second that `--fast` looks at
STRETCH = 2  # seconds that VBench-Long looks at


@dataclass(frozen=True)
class Sampled(VideoBackbone[F]):
    """Two frames a second, for a backbone over single frames whose metric is a mean over them."""

    inner: VideoBackbone[F]
    view: ClassVar[VideoView] = VideoView(fps=RATE)

    def __post_init__(self) -> None:
        if self.inner.view != VideoView():
            raise ValueError(f"{self.inner} looks at other frames than those of the clip")
        for name in ("kept", "weights"):
            object.__setattr__(self, name, getattr(self.inner, name))

    @property
    def version(self) -> str:  # type: ignore[override]
        return self.inner.version

    def open(self, info: MediaInfo) -> VideoExtractor[F]:
        return self.inner.open(info)

    def pack(self, feature: Any) -> Mapping[str, NDArray[Any]]:
        return self.inner.pack(feature)

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> F:
        return self.inner.unpack(arrays)


@dataclass(frozen=True)
class Stretches(VideoBackbone[tuple[F, ...]]):
    """The inner backbone's feature of each stretch of 2 s; the last one goes back from the end, as VBench-Long has it.

    The clip counts as of its frame rate rounded down, as there; nothing is encoded anew, where VBench-Long does.
    """

    inner: VideoBackbone[F]
    least: float = 0.0  # seconds under which it does not begin
    view: ClassVar[VideoView] = VideoView()

    def __post_init__(self) -> None:
        if self.inner.view != VideoView():
            raise ValueError(f"{self.inner} looks at other frames than those of the clip")
        object.__setattr__(self, "weights", self.inner.weights)

    def open(self, info: MediaInfo) -> VideoExtractor[tuple[F, ...]]:
        stated = info.video.declared_frames if info.video else None
        if stated and stated * STRETCH / frames_of(info) < self.least:
            raise NotApplicable(f"too_short: under {self.least:g} s")
        return _Stretches(self.inner, info)


def frames_of(info: MediaInfo) -> int:
    """How many frames a stretch has."""
    fps = info.video.fps if info.video and info.video.fps else Fraction(25)
    return max(1, int(fps)) * STRETCH


def spans(frames: int, length: int) -> list[slice]:
    """Stretches of `length` frames from the start, and one that ends with the clip where some are left over."""
    if frames < length:
        return [slice(0, frames)]
    whole = [slice(start, start + length) for start in range(0, frames - length + 1, length)]
    return whole if frames % length == 0 else [*whole, slice(frames - length, frames)]


class _Stretches(VideoExtractor[tuple[F, ...]], Generic[F]):
    """Holds the last stretch's frames: whether it must go back is known at the end."""

    def __init__(self, inner: VideoBackbone[F], info: MediaInfo) -> None:
        self._inner, self._length = inner, frames_of(info)
        video = info.video and replace(info.video, fps=Fraction(self._length, STRETCH), declared_frames=self._length)
        self._info = replace(info, video=video)
        self._open: VideoExtractor[F] | None = None
        self._seen = 0
        self._found: list[F] = []
        self._tail: list[tuple[NDArray[np.uint8], float]] = []

    def push(self, frames: Frames) -> None:
        for frame, time in zip(frames.data, frames.times, strict=True):
            if self._open is None:
                self._open = self._inner.open(self._info)
            self._open.push(Frames(frame[None], np.array([time])))
            self._seen += 1
            self._tail = [*self._tail[-self._length + 1 :], (frame.copy(), float(time))]
            if self._seen % self._length == 0:
                self._found.append(self._open.finish())
                self._open = None

    def finish(self) -> tuple[F, ...]:
        if self._open is not None and self._seen > self._length:
            self._open = self._inner.open(self._info)
            for frame, time in self._tail:
                self._open.push(Frames(frame[None], np.array([time])))
        if self._open is not None:
            self._found.append(self._open.finish())
        return tuple(self._found)
