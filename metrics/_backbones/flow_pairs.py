"""RAFT's flow between the frames of a clip, as the protocols pick and shrink them: one number a pair."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView

from ._checkpoint import network, up

if TYPE_CHECKING:
    from torch import Tensor

    from .raft import Encoded

LOOKS = 8  # frames a second that VBench looks at
LONGEST = 640  # pixels of the longer side up to which Verse-Bench halves frames
Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Motion:
    """VBench's decision: whether at least `needed` pairs are faster than `threshold` pixels, and how many were found.

    `pairs` were looked at: no more than the decision takes.
    """

    moving: bool
    found: int
    needed: int
    pairs: int
    threshold: float


def interval(fps: float | Fraction) -> int:
    """Every how many frames VBench looks; halves round to even."""
    return max(1, round(fps / LOOKS))


def needed(frames: int) -> int:
    """Of so many frames looked at, the fast pairs that make a clip dynamic; none for two frames."""
    return round(4 * frames / 16)


def threshold(height: int, width: int) -> float:
    """Pixels that a fast pair's top speed exceeds."""
    return 6.0 * min(height, width) / 256


@dataclass(frozen=True)
class DynamicFlow(VideoBackbone[Motion]):
    """Eight frames a second at full size, until VBench's decision is certain."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("raft_large",)

    def open(self, info: MediaInfo) -> VideoExtractor[Motion]:
        return _Dynamic(_network(), info)

    def pack(self, feature: Motion) -> Mapping[str, NDArray[Any]]:
        return {
            "counts": np.array([feature.found, feature.needed, feature.pairs]),
            "limit": np.array(feature.threshold),
        }

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> Motion:
        found, enough, pairs = arrays["counts"].tolist()
        return Motion(found >= enough, found, enough, pairs, float(arrays["limit"]))


@dataclass(frozen=True)
class MeanFlow(VideoBackbone[NDArray[np.float64]]):
    """(T-1,) Verse-Bench's score of all neighbours: mean |x|, |y| in pixels of frames halved to at most 640.

    Of `every` neighbouring pairs the first.
    """

    every: int = 1
    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("raft_large",)

    def open(self, info: MediaInfo) -> VideoExtractor[NDArray[np.float64]]:
        return _Mean(_network(), self.every)


def halved(frame: Image) -> Image:
    """Both sides halved, rounding down, until neither exceeds 640; bilinear, in one step."""
    height, width = frame.shape[:2]
    while width > LONGEST or height > LONGEST:
        height, width = height // 2, width // 2
    if (height, width) == frame.shape[:2]:
        return frame
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


class _Pairs:
    """The flow of each frame from the one before; both are encoded once."""

    def __init__(self, net: Any) -> None:
        self._net = net
        self._last: Encoded | None = None

    def forget(self) -> None:
        """The next frame is the first again."""
        self._last = None

    def next(self, frame: Image) -> Tensor | None:
        """Nothing for the first frame."""
        from avbench.products import inference

        from . import raft

        with inference():
            image = up(raft.prepare(frame), self._net)
            if min(image.shape[-2:]) < raft.SMALLEST:
                raise NotApplicable(
                    f"too_small: {frame.shape[1]} x {frame.shape[0]} px, RAFT needs {raft.SMALLEST} a side"
                )
            now, before = raft.encode(self._net, image), self._last
            self._last = now
            return None if before is None else raft.flow(self._net, before, now)


class _FlowExtractor(VideoExtractor[Any]):
    """Feeds frames to `look` as they come."""

    def __init__(self, net: Any) -> None:
        self.pairs = _Pairs(net)
        self.seen = 0

    def push(self, frames: Frames) -> None:
        for frame in frames.data:
            self.look(frame)
            self.seen += 1

    @abstractmethod
    def look(self, frame: Image) -> None: ...


class _Dynamic(_FlowExtractor):
    """Stops looking once the rest of the clip, of the length that its header states, cannot change the decision.

    A clip that then turns out shorter has the same decision; one that turns out longer has none.
    """

    def __init__(self, net: Any, info: MediaInfo) -> None:
        super().__init__(net)
        video = info.video
        self._interval = interval(video.fps if video and video.fps else Fraction(25))
        self._stated = video.declared_frames if video else None
        self._limit = 0.0
        self._found = self._looked = 0
        self._done_at: int | None = None

    def look(self, frame: Image) -> None:
        from .raft import top_speed

        if self.seen % self._interval or self._done_at is not None:
            return
        self._limit = threshold(*frame.shape[:2])
        flow = self.pairs.next(frame)
        if flow is not None:
            self._looked += 1
            self._found += top_speed(flow) > self._limit
        if self._stated:
            stated = self._kept(self._stated)
            left = max(0, stated - 1 - self._looked)
            if self._looked and not self._found < needed(stated) <= self._found + left:
                self._done_at = self.seen

    def finish(self) -> Motion:
        if self._done_at is not None and self._stated is not None and self.seen > self._stated:
            raise Unscored(f"{self.seen} frames decoded, the header states {self._stated}: the decision came too early")
        kept = self._kept(self.seen)
        if kept < 2:
            raise NotApplicable(f"too_short: {kept} frame at {LOOKS} a second, at least 2 needed")
        enough = needed(kept)
        return Motion(self._found >= enough, self._found, enough, self._looked, self._limit)

    def _kept(self, frames: int) -> int:
        return -(-frames // self._interval)


class _Mean(_FlowExtractor):
    def __init__(self, net: Any, every: int = 1) -> None:
        super().__init__(net)
        self._every = every
        self._scores: list[float] = []

    def look(self, frame: Image) -> None:
        from .raft import mean_component

        if self._every > 1 and self.seen % self._every > 1:
            return
        if self._every > 1 and self.seen % self._every == 0:
            self.pairs.forget()
        flow = self.pairs.next(halved(frame))
        if flow is not None:
            self._scores.append(mean_component(flow))

    def finish(self) -> NDArray[np.float64]:
        return np.array(self._scores)


def _network() -> Any:
    from . import raft

    return network(raft.load, "raft_large")
