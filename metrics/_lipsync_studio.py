"""Faces followed, cut out and embedded while their frames go by.

Memory does not grow with the clip but for 4 kB a frame and face. A frame is kept until the boxes that smooth its crop
are known: 6 frames, at most 31 while a face is out of sight. A crop is kept until its windows are embedded, which
begins once the track is long and large enough for some preset; a face still too small after 100 crops is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ._lipsync_crop import REACH, SHORTEST, SIZE, crop, path
from ._lipsync_damage import Spoil, untouched
from ._lipsync_track import PRESETS, Follower, OpenTrack, Preset, Track

LEAST = min(preset.min_track for preset in PRESETS.values())
PATIENCE = 100  # crops, 15 MB
CHUNK = 16  # windows embedded together
WINDOW = 5  # frames

Image = NDArray[np.uint8]
Embedded = NDArray[np.float32]
EmbedLip = Callable[[Image, int], Embedded]  # (T, size, size, 3) crops and a count of windows to (count, dim)
Place = tuple[int, float, float, float]  # the frame; half size and centre of a crop


@dataclass(frozen=True, slots=True)
class Rule:
    """What decides which detections make a track, apart from their number and size; presets may share one."""

    cut_threshold: float | None
    max_gap: int
    first_face_only: bool

    @classmethod
    def of(cls, preset: Preset) -> Rule:
        return cls(preset.cut_threshold, preset.max_gap, preset.first_face_only)


@dataclass(frozen=True, slots=True)
class TalkingFace:
    """A track and its windows for SyncNet, in `parts` that tracks of other rules may share."""

    track: Track
    parts: tuple[Embedded, ...]

    @property
    def lip(self) -> Embedded:
        """(N, dim): window v is the track's frames v .. v + 4; N is five fewer than its frames."""
        return np.concatenate(self.parts)


class Studio:
    """Cuts out and embeds faces, each once, however many rules follow them.

    `spoiler` makes what the crops of one track go through, in order; unless it leaves them as they are, the studio is
    for one rule: what becomes of a crop then depends on those before. Only a track that some of the `presets` may want
    is embedded, from crops of `size` pixels square.
    """

    def __init__(
        self,
        embed: EmbedLip,
        spoiler: Callable[[], Spoil] = untouched,
        presets: Collection[Preset] = PRESETS.values(),
        size: int = SIZE,
    ) -> None:
        self.least = min(preset.min_track for preset in presets)
        self.smallest = min(preset.min_face for preset in presets)
        self._embed, self._size = embed, size
        self.spoiler = spoiler
        self._crops: WeakValueDictionary[Place, Image] = WeakValueDictionary()
        self._embedded: WeakValueDictionary[tuple[Place, ...], Embedded] = WeakValueDictionary()

    def crop(self, frame: Image, place: Place) -> Image:
        made = self._crops.get(place)
        if made is None:
            self._crops[place] = made = crop(frame, *place[1:], self._size)
        return made

    def embed(self, places: Sequence[Place], crops: Sequence[Image], count: int) -> Embedded:
        made = self._embedded.get(tuple(places))
        if made is None:
            self._embedded[tuple(places)] = made = self._embed(np.stack(crops), count)
        return made


class Cast:
    """All tracks of one rule. `frames` are the clip's by number, of which those before `needs` may be gone."""

    def __init__(self, rule: Rule, studio: Studio) -> None:
        self.longest = (0, 0.0)
        self._follower = Follower(rule.max_gap, rule.first_face_only)
        self._studio = studio
        self._roles: dict[OpenTrack, _Role] = {}
        self._faces: dict[int, TalkingFace] = {}
        self._met = 0

    def see(self, number: int, faces: NDArray[np.float64], frames: Mapping[int, Image]) -> None:
        """Take the faces of the next frame."""
        for track in self._follower.see(number, faces):
            self._end(track, frames)
        for track in self._follower.open:
            if track not in self._roles:
                self._roles[track] = _Role(track, self._studio, self._met)
                self._met += 1
            if track.last == number:
                self._roles[track].shoot(frames)

    def cut(self, frames: Mapping[int, Image]) -> None:
        """A new shot begins, or the clip is over."""
        for track in self._follower.end():
            self._end(track, frames)

    def faces(self) -> tuple[TalkingFace, ...]:
        """Those of ended tracks that some preset may want, in order of their first detection."""
        return tuple(self._faces[number] for number in sorted(self._faces))

    def needs(self, now: int) -> int:
        """The first frame that is still to be cropped; `now` when there is none."""
        return min((role.needs for role in self._roles.values() if not role.given_up), default=now)

    def _end(self, track: OpenTrack, frames: Mapping[int, Image]) -> None:
        role = self._roles.pop(track)
        role.shoot(frames, ended=True)
        self.longest = max(self.longest, (track.detections, track.size))
        if (face := role.face()) is not None:
            self._faces[role.number] = face


class _Role:
    """One track, and what is embedded of it."""

    def __init__(self, track: OpenTrack, studio: Studio, number: int) -> None:
        self.number = number
        self.given_up = False
        self._track, self._studio, self._spoil = track, studio, studio.spoiler()
        self._cropped = 0
        self._places: list[Place] = []
        self._crops: list[Image] = []
        self._parts: list[Embedded] = []

    @property
    def needs(self) -> int:
        return self._track.start + self._cropped

    def shoot(self, frames: Mapping[int, Image], ended: bool = False) -> None:
        """Crop what is settled, embed what is whole."""
        boxes = self._track.boxes
        stop = len(boxes) - (0 if ended else REACH)
        if self.given_up or len(boxes) < SHORTEST or stop <= self._cropped:
            return
        before = min(REACH, self._cropped)
        near = np.asarray(boxes[self._cropped - before :])
        places = path(near, before, len(boxes) - stop)
        for half, x, y in zip(places.half, places.x, places.y, strict=True):
            place = (self.needs, float(half), float(x), float(y))
            self._places.append(place)
            self._crops.append(self._spoil(self._studio.crop(frames[place[0]], place)))
            self._cropped += 1
        if self._parts or self._wanted:
            while len(self._crops) >= CHUNK + WINDOW:
                self._embed(CHUNK)
            if ended and len(self._crops) > WINDOW:  # SyncNet scores one window fewer than would fit
                self._embed(len(self._crops) - WINDOW)
        elif len(self._crops) > PATIENCE:
            self.given_up = True
            self._places, self._crops = [], []

    @property
    def _wanted(self) -> bool:
        return self._track.detections > self._studio.least and self._track.size > self._studio.smallest

    def face(self) -> TalkingFace | None:
        return TalkingFace(self._track.closed(), tuple(self._parts)) if self._parts else None

    def _embed(self, count: int) -> None:
        used = count + WINDOW - 1
        self._parts.append(self._studio.embed(self._places[:used], self._crops[:used], count))
        del self._places[:count], self._crops[:count]
