"""Faces and how much their mouths move: OpenCV's Haar cascade, tracked.

A face is looked for every third frame, near its last box; the whole frame is scanned when there is none and twice a
second. The mouth is the box 0.5 x 0.4 face widths at the lower middle of the face. Its motion is the mean |change| of
luma inside the *same* box of two neighbouring frames, so that a trembling detector does not look like a moving mouth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import cv2
import cv2.data  # the cascades that ship with OpenCV
import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView

STRIDE = 3  # frames between looks at a face
SCAN = 12  # frames between scans of the whole frame
WORKING = (128, 288)  # the short side is brought into this range: small faces are enlarged, large frames shrunk
SMALLEST = 1 / 6  # of the short side
SPIKE = 98  # percentile at which motion is cut off: a cut between two shots of a face is no syllable
KEEP = 0.5  # weight of the old box: the cascade trembles by a few pixels
Box = tuple[float, float, float, float]  # x, y, width, height in the luma frame's pixels


@dataclass(frozen=True, slots=True)
class MouthTrack:
    """One face: `motion` (T,) of its mouth in luma levels a frame, NaN where the face is not tracked or just appeared;
    `coverage` share of frames in which it is tracked, 0..1.
    """

    motion: NDArray[np.float64]
    coverage: float


@dataclass(frozen=True, slots=True)
class FaceTracks:
    """All faces of a clip, longest track first; `times` (T,) seconds; `found` share of frames with a face, 0..1."""

    tracks: tuple[MouthTrack, ...]
    times: NDArray[np.float64]
    found: float


@dataclass(frozen=True)
class Faces(VideoBackbone[FaceTracks]):
    """Frontal faces by `haarcascade_frontalface_alt2`, tracked."""

    view: ClassVar[VideoView] = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[FaceTracks]:
        return _FaceExtractor()


@dataclass(slots=True)
class _Track:
    box: Box
    alive: bool = True
    fresh: bool = True
    motion: dict[int, float] = field(default_factory=dict)

    def lose(self, since: int) -> None:
        """The face was last seen in frame `since`: what follows may be a cut, not a mouth."""
        self.alive = False
        self.motion = {index: value for index, value in self.motion.items() if index <= since}

    def finished(self, total: int) -> MouthTrack:
        motion = np.array([self.motion.get(index, np.nan) for index in range(total)])
        if np.isfinite(motion).any():
            motion = np.minimum(motion, np.nanpercentile(motion, SPIKE))
        return MouthTrack(motion, len(self.motion) / max(total, 1))


class _FaceExtractor(VideoExtractor[FaceTracks]):
    def __init__(self) -> None:
        self.last: NDArray[np.uint8] | None = None
        self.times: list[float] = []
        self.tracks: list[_Track] = []

    def push(self, frames: Frames) -> None:
        for frame, time in zip(frames.data, frames.times, strict=True):
            luma = _working_luma(frame)
            index = len(self.times)
            self.times.append(float(time))
            if index % STRIDE == 0:
                self._look(luma, index)
            for track in self._alive():
                seen = None if track.fresh else self.last
                track.motion[index] = np.nan if seen is None else mouth_motion(seen, luma, track.box)
                track.fresh = False
            self.last = luma

    def finish(self) -> FaceTracks:
        total = len(self.times)
        tracks = [track.finished(total) for track in self.tracks]
        tracks.sort(key=lambda track: -track.coverage)
        seen = {index for track in self.tracks for index in track.motion}
        return FaceTracks(tuple(tracks), np.array(self.times), len(seen) / max(total, 1))

    def _alive(self) -> list[_Track]:
        return [track for track in self.tracks if track.alive]

    def _look(self, luma: NDArray[np.uint8], index: int) -> None:
        smallest = SMALLEST * min(luma.shape)
        for track in self._alive():
            found = _detect_near(luma, track.box)
            if found is None:
                track.lose(since=index - STRIDE)
            else:
                track.box = _blend(track.box, found)
        if index % SCAN and self._alive():
            return
        for box in _detect(luma, smallest):
            if any(_overlap(track.box, box) > 0.3 for track in self._alive()):
                continue
            lost = next((t for t in self.tracks if not t.alive and _overlap(t.box, box) > 0.3), None)
            if lost is None:
                self.tracks.append(_Track(box))
            else:
                lost.box, lost.alive, lost.fresh = box, True, True


def mouth_motion(before: NDArray[np.uint8], after: NDArray[np.uint8], face: Box) -> float:
    """Mean |change| of luma (H, W) inside the mouth box of `face`, 0..255; 0 when the box lies outside the frame."""
    x, y, width, height = face
    rows = slice(max(0, round(y + 0.62 * height)), max(0, round(y + 1.02 * height)))
    columns = slice(max(0, round(x + 0.25 * width)), max(0, round(x + 0.75 * width)))
    a, b = np.ascontiguousarray(before[rows, columns]), np.ascontiguousarray(after[rows, columns])
    return float(cv2.norm(a, b, cv2.NORM_L1)) / a.size if a.size else 0.0


def _working_luma(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    short = min(luma.shape)
    target = min(max(short, WORKING[0]), WORKING[1])
    if target != short:
        size = (round(luma.shape[1] * target / short), round(luma.shape[0] * target / short))
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_AREA if target < short else cv2.INTER_LINEAR)
    return luma.astype(np.uint8, copy=False)


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")


def _detect(luma: NDArray[np.uint8], smallest: float, largest: float = 0.0) -> list[Box]:
    """Faces, largest first."""
    low, high = max(20, round(smallest)), round(largest)
    boxes = _cascade().detectMultiScale(luma, 1.1, 3, minSize=(low, low), maxSize=(high, high))
    found = [(float(x), float(y), float(w), float(h)) for x, y, w, h in boxes]
    return sorted(found, key=lambda box: -box[2])


def _detect_near(luma: NDArray[np.uint8], box: Box) -> Box | None:
    """The face that overlaps `box` most, looked for within a third of its size around it."""
    x, y, width, height = box
    margin = width / 3
    left, top = max(0, int(x - margin)), max(0, int(y - margin))
    window = luma[top : int(y + height + margin) + 1, left : int(x + width + margin) + 1]
    if min(window.shape) < 20:
        return None
    near = _detect(np.ascontiguousarray(window), 0.75 * width, 1.33 * width)
    moved = [(fx + left, fy + top, fw, fh) for fx, fy, fw, fh in near]
    return max(moved, key=lambda found: _overlap(box, found), default=None)


def _blend(old: Box, new: Box) -> Box:
    x, y, width, height = (KEEP * a + (1 - KEEP) * b for a, b in zip(old, new, strict=True))
    return x, y, width, height


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)
