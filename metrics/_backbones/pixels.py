"""How much each frame differs from the one before, and how bright it is, at full size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView

GRID = 32  # the cells of the local change: a mouth fills one, sensor noise averages out
DARK = 0.1 * 255  # luma below which a pixel counts as black, as in FFmpeg's blackdetect


@dataclass(frozen=True, slots=True)
class PixelCurves:
    """`difference` (T-1,) mean |a - b| of neighbours over all channels, 0..255; `local_change` (T-1,) the same in the
    cell of a 32 x 32 grid that changes most; `dark` (T,) share of pixels with a luma below 10 %.
    """

    difference: NDArray[np.float64]
    local_change: NDArray[np.float64]
    dark: NDArray[np.float64]


@dataclass(frozen=True)
class Pixels(VideoBackbone[PixelCurves]):
    """Statistics of frames and of neighbouring pairs."""

    view: ClassVar[VideoView] = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[PixelCurves]:
        return _PixelExtractor()


class _PixelExtractor(VideoExtractor[PixelCurves]):
    def __init__(self) -> None:
        self.last: NDArray[np.uint8] | None = None
        self.difference: list[float] = []
        self.local_change: list[float] = []
        self.dark: list[float] = []

    def push(self, frames: Frames) -> None:
        for frame in frames.data:
            luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
            self.dark.append(float(np.count_nonzero(luma < DARK)) / luma.size)
            if self.last is not None:
                change = cv2.absdiff(frame, self.last)
                self.difference.append(sum(cv2.sumElems(change)) / frame.size)
                cells = cv2.resize(change, (GRID, GRID), interpolation=cv2.INTER_AREA)
                self.local_change.append(float(cells.mean(axis=2).max()))
            self.last = frame.copy()

    def finish(self) -> PixelCurves:
        return PixelCurves(np.array(self.difference), np.array(self.local_change), np.array(self.dark))
