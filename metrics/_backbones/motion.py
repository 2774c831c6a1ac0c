"""Visual motion energy over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView


@dataclass(frozen=True, slots=True)
class MotionCurve:
    """`energy` (T,) mean |change| of luma since the frame before, 0..255 (the first is 0); `times` (T,) seconds."""

    energy: NDArray[np.float64]
    times: NDArray[np.float64]


@dataclass(frozen=True)
class Motion(VideoBackbone[MotionCurve]):
    """Luma change at a short side of 64 px, where codec noise averages out. A change belongs to the later frame's time,
    for it is on the screen from then on.
    """

    view: ClassVar[VideoView] = VideoView(short_side=64)

    def open(self, info: MediaInfo) -> VideoExtractor[MotionCurve]:
        return _MotionExtractor()


class _MotionExtractor(VideoExtractor[MotionCurve]):
    def __init__(self) -> None:
        self.last: NDArray[np.uint8] | None = None
        self.energy: list[float] = []
        self.times: list[float] = []

    def push(self, frames: Frames) -> None:
        for frame, time in zip(frames.data, frames.times, strict=True):
            luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
            self.energy.append(0.0 if self.last is None else cv2.norm(luma, self.last, cv2.NORM_L1) / luma.size)
            self.times.append(float(time))
            self.last = luma

    def finish(self) -> MotionCurve:
        return MotionCurve(np.array(self.energy), np.array(self.times))
