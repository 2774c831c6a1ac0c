"""One decoded frame as upright RGB, at the sizes that views ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

    from avbench.parts import VideoView

cv2.setNumThreads(1)  # parallelism is per clip; OpenCV's own pool would only fight with it

FILTERS = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


def rotation(frame: VideoFrame) -> int:
    """The quarter turns, in degrees counter-clockwise, that show `frame` upright; PyAV states but does not apply them.

    The display matrix itself is out of reach (frame.side_data makes the garbage collector crash in PyAV 18.1), so
    a mirrored picture stays mirrored.
    """
    return round(frame.rotation / 90) * 90 % 360


class Picture:
    """A frame at `time` seconds. It is converted to RGB and resized at most once each, and only on demand."""

    def __init__(
        self,
        frame: VideoFrame,
        time: float,
        size: tuple[int, int],
        converter: VideoReformatter,
    ) -> None:
        self.time = time
        self._frame = frame
        self._size = size
        self._converter = converter
        self._made: dict[tuple[int, int, str], NDArray[np.uint8]] = {}

    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, upright, of the clip's size. Matrix and range are the frame's own, BT.601 if unstated."""
        key = (*self._size, "")
        if key not in self._made:
            stored = self._converter.reformat(self._frame, format="rgb24").to_ndarray()
            image = np.ascontiguousarray(np.rot90(stored.astype(np.uint8, copy=False), rotation(self._frame) // 90))
            if image.shape[:2] != self._size:  # some streams change size midway; a clip has one size
                image = _resize(image, self._size, "area")
            self._made[key] = image
        return self._made[key]

    def resized(self, size: tuple[int, int], filter: str) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 by OpenCV: `area`, or `bilinear` and `bicubic` without antialiasing."""
        if size == self._size:
            return self.rgb()
        key = (*size, filter)
        if key not in self._made:
            self._made[key] = _resize(self.rgb(), size, filter)
        return self._made[key]


def view_size(view: VideoView, size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of `view` on a clip of that size; the long side is rounded down, as torchvision does."""
    if view.size is not None:
        return view.size
    if view.short_side is None:
        return size
    height, width = size
    if height <= width:
        return view.short_side, max(1, int(view.short_side * width / height))
    return max(1, int(view.short_side * height / width)), view.short_side


def _resize(image: NDArray[np.uint8], size: tuple[int, int], filter: str) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=FILTERS[filter]), np.uint8)
