"""Face tracks to the crops, 224 x 224, that SyncNet was trained on (joonson/syncnet_python run_pipeline.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ._lipsync_track import Track

SIZE = 224
SHORTEST = 7  # frames; with fewer, zeros win the median at the ends and the crop is empty
REACH = 6  # frames to either side that a smoothed value depends on
_MARGIN = 0.4
_GREY = 110  # beyond the frame


@dataclass(frozen=True, slots=True)
class Path:
    """A track's smoothed half size and centre in pixels, (n,) each."""

    half: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def smooth(track: Track) -> Path:
    """Median over 13 frames with zeros beyond the ends, so the last values are low ones, as in the reference.

    Raises ValueError for a track of fewer than 7 frames.
    """
    if len(track.boxes) < SHORTEST:
        raise ValueError(f"a track of {len(track.boxes)} frames is too short to crop; at least {SHORTEST} are needed")
    return path(track.boxes)


def path(boxes: NDArray[np.float64], before: int = 0, after: int = 0) -> Path:
    """`smooth` for a stretch of a track, (n, 4) boxes of which the first `before` and last `after` are neighbours only.

    With REACH neighbours on a side the track's end does not matter there.
    """
    x1, y1, x2, y2 = boxes.T
    sides = np.zeros((3, len(boxes) + 2 * REACH))
    sides[:, REACH : REACH + len(boxes)] = np.maximum(y2 - y1, x2 - x1) / 2, (x1 + x2) / 2, (y1 + y2) / 2
    windows = sides[:, np.arange(before, len(boxes) - after)[:, None] + np.arange(2 * REACH + 1)]
    return Path(*np.partition(windows, REACH, axis=2)[:, :, REACH])  # the median of an odd number


def crops(frames: Sequence[NDArray[np.uint8]], track: Track, size: int = SIZE) -> NDArray[np.uint8]:
    """(n, size, size, 3) in the channel order of `frames`: the clip's (H, W, 3) each, at the track's frame rate."""
    places = smooth(track)
    stretch = range(track.start, track.stop)
    at = zip(stretch, places.half, places.x, places.y, strict=True)
    return np.stack([crop(frames[t], half, x, y, size) for t, half, x, y in at])


def crop(frame: NDArray[np.uint8], half: float, x: float, y: float, size: int = SIZE) -> NDArray[np.uint8]:
    """(size, size, 3): a square of 2.8 half sizes, from one above the centre to 1.8 below it.

    The reference pads the whole frame and truncates coordinates in the padded frame; so does this, but it copies only
    the square.
    """
    height, width, _ = frame.shape
    pad = int(half * (1 + 2 * _MARGIN))
    top, bottom = int(y + pad - half), int(y + pad + half * (1 + 2 * _MARGIN))
    left, right = int(x + pad - half * (1 + _MARGIN)), int(x + pad + half * (1 + _MARGIN))
    bottom, right = min(bottom, height + 2 * pad), min(right, width + 2 * pad)
    if bottom <= top or right <= left:  # a box of no size, or beyond the frame: nothing to see
        return np.full((size, size, 3), _GREY, np.uint8)
    rows, columns = _within(top, bottom, pad, height), _within(left, right, pad, width)
    seen = frame[rows.start - pad : rows.stop - pad, columns.start - pad : columns.stop - pad]
    if seen.shape[:2] == (bottom - top, right - left):
        return cv2.resize(seen, (size, size)).astype(np.uint8, copy=False)
    square = np.full((bottom - top, right - left, 3), _GREY, np.uint8)
    square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = seen
    return cv2.resize(square, (size, size)).astype(np.uint8, copy=False)


def _within(start: int, stop: int, pad: int, size: int) -> slice:
    """The part of start .. stop, in padded coordinates, that lies on the frame; empty if none does."""
    first = max(start, pad)
    return slice(first, max(first, min(stop, size + pad)))
