"""Pictures and films of any size as the small models see them: square, at 25 frames a second."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView


class _Keep(VideoExtractor[NDArray[np.uint8]]):
    def __init__(self) -> None:
        self.kept: list[NDArray[np.uint8]] = []

    def push(self, frames: Frames) -> None:
        self.kept.append(frames.data.copy())

    def finish(self) -> NDArray[np.uint8]:
        return np.concatenate(self.kept)


class _Film(VideoBackbone[NDArray[np.uint8]]):
    """All frames of one view."""

    def __init__(self, fps: float, size: int) -> None:
        self.view = VideoView(fps=fps, short_side=size)  # type: ignore[misc]

    def open(self, info: MediaInfo) -> _Keep:
        return _Keep()


def film(path: Path, fps: float, size: int) -> NDArray[np.uint8]:
    """The clip at `path` as (T, size, size, 3) uint8 RGB: the short side is scaled, the middle is kept.

    Raises MediaError when it cannot be read.
    """
    wanted = _Film(fps, size)
    frames = sweep(path, [wanted])[wanted]
    top, left = ((side - size) // 2 for side in frames.shape[1:3])
    return np.ascontiguousarray(frames[:, top : top + size, left : left + size])


def square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The middle square of (H, W, 3), scaled to `size`."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = np.ascontiguousarray(image[top : top + side, left : left + side])
    return np.asarray(cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
