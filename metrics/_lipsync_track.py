"""Face boxes of single frames to face tracks (joonson/syncnet_python run_pipeline.py, and its variants by preset)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

OverTracks = Literal["items", "mean", "best_of_each", "best_track"]
Detections = Sequence[NDArray[np.float64]]  # a frame's faces, (k, 5): x1, y1, x2, y2 in pixels, score; best first


@dataclass(frozen=True, slots=True)
class Preset:
    """What a published evaluation does differently from the others.

    `min_track` and `min_face` (pixels) are exclusive. `first_face_only`: a frame whose first unused face is no match
    adds nothing, whatever its other faces are. `over_tracks` is how a clip's tracks become its distance and
    confidence: each track counts as an item, their mean, the best of each (maybe of two tracks), or the track with the
    largest confidence - distance. `cut_threshold` is ContentDetector's.
    """

    min_track: int
    cut_threshold: float
    over_tracks: OverTracks
    min_face: float = 100
    max_gap: int = 25
    first_face_only: bool = False


PRESETS = {
    "reference": Preset(min_track=100, cut_threshold=30, over_tracks="items"),
    "latentsync": Preset(min_track=50, cut_threshold=27, over_tracks="mean"),
    "mochabench": Preset(min_track=50, cut_threshold=27, over_tracks="best_of_each", first_face_only=True),
    "mova": Preset(min_track=20, cut_threshold=30, over_tracks="best_track"),
}


@dataclass(frozen=True, slots=True)
class Track:
    """One face through consecutive frames `start` .. `start + len(boxes) - 1`; boxes (n, 4) in pixels, gaps filled."""

    start: int
    boxes: NDArray[np.float64]
    detections: int

    @property
    def stop(self) -> int:
        return self.start + len(self.boxes)

    @property
    def size(self) -> float:
        """The larger of mean width and mean height, in pixels."""
        return float(max((self.boxes[:, 2:] - self.boxes[:, :2]).mean(axis=0)))


def tracks(detections: Detections, preset: Preset, shots: Sequence[tuple[int, int]] | None = None) -> list[Track]:
    """The tracks that are long and large enough, in order of their shot and first face.

    `shots` are frame ranges (first, end); none given means one shot. Boxes are followed by overlap with the track's
    last box (IoU > 0.5) over at most `max_gap` frames.
    """
    found = []
    for first, end in shots or [(0, len(detections))]:
        if end - first >= preset.min_track:
            left = {frame: list(detections[frame][:, :4]) for frame in range(first, end)}
            while any(left.values()):
                track = _follow(left, preset)
                if track.detections > preset.min_track and track.size > preset.min_face:
                    found.append(track)
    return found


def _follow(left: dict[int, list[NDArray[np.float64]]], preset: Preset) -> Track:
    """Takes one track out of the faces `left` by frame, starting with the first."""
    start = next(frame for frame, faces in left.items() if faces)
    frames, boxes = [start], [left[start].pop(0)]
    for frame, faces in left.items():
        if frame <= start or not faces:
            continue
        if frame - frames[-1] > preset.max_gap:
            break
        candidates = faces[:1] if preset.first_face_only else faces
        match = next((i for i, face in enumerate(candidates) if _overlap(face, boxes[-1]) > 0.5), None)
        if match is not None:
            frames.append(frame)
            boxes.append(faces.pop(match))
    every = np.arange(start, frames[-1] + 1)
    sides = [np.interp(every, frames, side) for side in np.asarray(boxes).T]
    return Track(start, np.stack(sides, axis=1), len(boxes))


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))
