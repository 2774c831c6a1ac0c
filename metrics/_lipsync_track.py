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
    """What an evaluation does differently from the others.

    `min_track` and `min_face` (pixels) are exclusive. `first_face_only`: a frame whose first unused face is no match
    adds nothing, whatever its other faces are. `over_tracks` is how a clip's tracks become its distance and
    confidence: each track counts as an item, their mean, the best of each (maybe of two tracks), or the track with the
    largest confidence - distance. `cut_threshold` is ContentDetector's; None where clips are one shot.
    """

    min_track: int
    cut_threshold: float | None
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

WORLD = Preset(min_track=10, cut_threshold=None, over_tracks="best_track", min_face=24)  # of every third frame


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


class OpenTrack:
    """A track that may go on: `boxes` from frame `start` to the last detection, gaps between detections filled."""

    def __init__(self, start: int, box: NDArray[np.float64]) -> None:
        self.start = start
        self.boxes = [box]
        self.detections = 1
        self._sides = box[2:] - box[:2]

    @property
    def last(self) -> int:
        """The frame of the last detection."""
        return self.start + len(self.boxes) - 1

    @property
    def size(self) -> float:
        """The larger of mean width and mean height so far, in pixels."""
        return float(max(self._sides / len(self.boxes)))

    def add(self, frame: int, box: NDArray[np.float64]) -> None:
        filled = box[None]
        if frame > self.last + 1:
            every = np.arange(self.last + 1, frame + 1)
            sides = [np.interp(every, (self.last, frame), pair) for pair in zip(self.boxes[-1], box, strict=True)]
            filled = np.stack(sides, axis=1)
        self.boxes.extend(filled)
        self._sides = self._sides + (filled[:, 2:] - filled[:, :2]).sum(axis=0)
        self.detections += 1

    def closed(self) -> Track:
        return Track(self.start, np.asarray(self.boxes), self.detections)


class Follower:
    """Follows the faces of one shot, frame by frame.

    A box is followed by overlap (IoU > 0.5) with the track's last box over at most `max_gap` frames. Older tracks
    choose first, so the tracks are those of the reference, which takes one track after the other out of all frames.
    """

    def __init__(self, max_gap: int, first_face_only: bool) -> None:
        self.open: list[OpenTrack] = []
        self._max_gap, self._first_face_only = max_gap, first_face_only

    def see(self, frame: int, faces: NDArray[np.float64]) -> list[OpenTrack]:
        """Take the faces of the next frame; the tracks that have ended before it."""
        ended = [track for track in self.open if frame - track.last > self._max_gap]
        self.open = [track for track in self.open if frame - track.last <= self._max_gap]
        left = list(faces[:, :4])
        for track in self.open:
            candidates = left[:1] if self._first_face_only else left
            match = next((i for i, face in enumerate(candidates) if _overlap(face, track.boxes[-1]) > 0.5), None)
            if match is not None:
                track.add(frame, left.pop(match))
        self.open += [OpenTrack(frame, box) for box in left]
        return ended

    def end(self) -> list[OpenTrack]:
        """End the shot; the tracks that were still open."""
        ended, self.open = self.open, []
        return ended


def tracks(detections: Detections, preset: Preset, shots: Sequence[tuple[int, int]] | None = None) -> list[Track]:
    """The tracks that are long and large enough, in order of their shot and first face.

    `shots` are frame ranges (first, end); none given means one shot.
    """
    found = []
    for first, end in shots or [(0, len(detections))]:
        follower = Follower(preset.max_gap, preset.first_face_only)
        started: list[OpenTrack] = []
        for frame in range(first, end):
            follower.see(frame, detections[frame])
            started += [track for track in follower.open if track.start == frame]
        found += [track.closed() for track in started]
    return [track for track in found if track.detections > preset.min_track and track.size > preset.min_face]


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))
