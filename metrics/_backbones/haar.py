"""OpenCV's Haar cascade in the place of S3FD: frontal faces with no weights to fetch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import cv2.data  # the cascades that ship with OpenCV
import numpy as np
from numpy.typing import NDArray

STRIDE = 3  # frames from look to look; the tracker fills the gaps
SHORT_SIDE = 96  # pixels of a frame as it is searched; the cascade finds faces of 20 and more
SMALLEST = 1 / 4  # of the short side


class Haar:
    """Looks at every third of the frames that it is shown, over calls."""

    def __init__(self) -> None:
        self._shown = 0

    def __call__(self, frames: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float64]]:
        """The faces of each RGB frame (H, W, 3): (k, 5) x1, y1, x2, y2 in pixels, 1; largest first."""
        found = []
        for frame in frames:
            found.append(faces(frame) if self._shown % STRIDE == 0 else np.empty((0, 5)))
            self._shown += 1
        return found


def faces(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The faces of one RGB frame, as above."""
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, SHORT_SIDE / min(luma.shape))
    if scale < 1:
        luma = cv2.resize(luma, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    least = max(20, round(SMALLEST * min(luma.shape)))
    boxes = np.asarray(_cascade().detectMultiScale(luma, 1.1, 3, minSize=(least, least)), np.float64).reshape(-1, 4)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1) / scale
    order = np.argsort(-boxes[:, 2], kind="stable")
    return np.concatenate([corners, np.ones((len(boxes), 1))], axis=1)[order]


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")
