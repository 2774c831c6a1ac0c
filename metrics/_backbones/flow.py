"""Dense optical flow between neighbouring frames: Farneback's method with the parameters of AV-Align."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView


@dataclass(frozen=True, slots=True)
class FlowCurve:
    """`magnitude` (T-1,) mean length of the flow, pixels a frame; `times` (T,) seconds of the frames."""

    magnitude: NDArray[np.float64]
    times: NDArray[np.float64]


@dataclass(frozen=True)
class Flow(VideoBackbone[FlowCurve]):
    """Farneback flow at the clip's own size (its magnitude, and AV-Align's floor of 0.1 px, depend on it)."""

    view: ClassVar[VideoView] = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[FlowCurve]:
        return _FlowExtractor()


@dataclass(frozen=True)
class SmallFlow(Flow):
    """The same at a short side of 128 px, so that clips of different sizes compare."""

    view: ClassVar[VideoView] = VideoView(short_side=128)


class _FlowExtractor(VideoExtractor[FlowCurve]):
    def __init__(self) -> None:
        self.last: NDArray[np.uint8] | None = None
        self.magnitude: list[float] = []
        self.times: list[float] = []

    def push(self, frames: Frames) -> None:
        for frame, time in zip(frames.data, frames.times, strict=True):
            grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
            if self.last is not None:
                self.magnitude.append(mean_flow(self.last, grey))
            self.last = grey
            self.times.append(float(time))

    def finish(self) -> FlowCurve:
        return FlowCurve(np.array(self.magnitude), np.array(self.times))


def mean_flow(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Mean length in pixels of the flow from one grey frame (H, W) to the next."""
    start = np.zeros((*before.shape, 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(before, after, start, 0.5, 3, 15, 3, 5, 1.2, 0)
    return float(cv2.magnitude(flow[..., 0], flow[..., 1]).mean())
