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


class _Covered(_Keep):
    """Keeps frames at one size only, since a film at its own may be large."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = height, width

    def push(self, frames: Frames) -> None:
        self.kept.append(np.stack([cover(frame, *self.size) for frame in frames.data]))


class _Reel(VideoBackbone[NDArray[np.uint8]]):
    """All frames, covered."""

    def __init__(self, fps: float, height: int, width: int) -> None:
        self.view, self.size = VideoView(fps=fps), (height, width)  # type: ignore[misc]

    def open(self, info: MediaInfo) -> _Keep:
        return _Covered(*self.size)


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


def reel(path: Path, fps: float, height: int, width: int) -> NDArray[np.uint8]:
    """The clip at `path` as (T, height, width, 3): scaled until it covers the size, its middle. Raises MediaError."""
    wanted = _Reel(fps, height, width)
    return sweep(path, [wanted])[wanted]


def cover(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(H, W, 3) scaled until it covers the size, its middle."""
    scale = max(height / image.shape[0], width / image.shape[1])
    size = (max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale)))
    shown = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (shown.shape[0] - height) // 2, (shown.shape[1] - width) // 2
    return np.asarray(shown[top : top + height, left : left + width], np.uint8)


def square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The middle square of (H, W, 3), scaled to `size`."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = np.ascontiguousarray(image[top : top + side, left : left + side])
    return np.asarray(cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
