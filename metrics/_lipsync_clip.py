"""A clip's tracks with their lip sync, whatever the weights, and why there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.records import JSON, Prompt, Score

from ._lipsync_faces import TalkingFaces
from ._lipsync_score import ClipSync, Sync, over_tracks, sync
from ._lipsync_studio import Rule, TalkingFace
from ._lipsync_tower import Voice
from ._lipsync_track import Preset, Track

Hear = Callable[[NDArray[np.int16], int], NDArray[np.float32]]  # samples beside a face of so many frames to (N, dim)
TRACKS_SHOWN, WINDOWS_SHOWN = 8, 3000  # of a clip and of a track, in a score's detail


@dataclass(frozen=True, slots=True)
class TrackSync:
    """The lip sync of one track."""

    track: Track
    sync: Sync


def clip_sync(tracks: Sequence[TrackSync], preset: Preset) -> ClipSync:
    """One value a clip. Where each track is an item of its own (`reference`), their mean: weigh clips by `lse_tracks`
    for the mean over items.
    """
    counted = over_tracks([track.sync for track in tracks], preset.over_tracks)
    offset = counted[0].offset if len(counted) == 1 else None
    means = (float(np.mean([getattr(item, side) for item in counted])) for side in ("distance", "confidence"))
    return ClipSync(offset, *means)


def with_facts(score: Score, faces: TalkingFaces, tracks: Sequence[TrackSync]) -> Score:
    """The score of LSE-C with what was seen, and every track that it was chosen from."""
    shown = sorted(tracks, key=lambda track: -track.sync.windows)[:TRACKS_SHOWN]
    seen: dict[str, JSON] = {"frames": faces.frames, "frames_with_face": faces.seen, "start": faces.start}
    detail = {**seen, "tracks_found": len(tracks), "tracks": [facts(track) for track in shown]}
    return replace(score, detail=detail)


def facts(found: TrackSync) -> dict[str, JSON]:
    """A track as a score's detail: `start` and `frames` at 25 fps, the mean box (x1, y1, x2, y2) in pixels, the curve
    of mean distances for the offsets +15 .. -15, and the distance at `offset` of each window, the first 3,000 of them.
    """
    track, sync = found.track, found.sync
    return {
        "start": track.start,
        "frames": len(track.boxes),
        "detections": track.detections,
        "box": _rounded(track.boxes.mean(axis=0)),
        "offset": sync.offset,
        "distance": sync.distance,
        "confidence": sync.confidence,
        "windows": sync.windows,
        "curve": _rounded(sync.curve),
        "distances": _rounded(sync.nearest[:WINDOWS_SHOWN]),
    }


def _rounded(numbers: NDArray[np.floating]) -> list[float]:
    return [round(float(number), 3) for number in numbers]


def check_speech(prompt: Prompt) -> None:
    """Raises NotApplicable where no one is asked to speak on the screen."""
    if prompt.off_screen:
        raise NotApplicable("the speaker is off screen")
    if not prompt.speech and (prompt.video_caption or prompt.audio_caption):
        raise NotApplicable("the prompt asks for no speech")


class Synced:
    """The tracks of a clip by preset, each scored once."""

    def __init__(self, faces: TalkingFaces, voice: Voice, hear: Hear) -> None:
        self.faces, self._voice, self._hear = faces, voice, hear
        self._known: dict[bytes, Sync | None] = {}

    def tracks(self, preset: Preset) -> list[TrackSync]:
        found = [(face.track, self._sync(face)) for face in self._long(preset)]
        return [TrackSync(track, sync) for track, sync in found if sync is not None]

    def why_none(self, preset: Preset) -> str:
        faces = self.faces
        if not faces.seen:
            return f"no_face: none in {faces.frames} frames"
        if self._long(preset):
            return "audio_too_short: the sound ends before 0.24 s of the face are over"
        if faces.longest > preset.min_track and faces.size <= preset.min_face:
            return f"face_too_small: {faces.size:.0f} px, more than {preset.min_face:.0f} needed"
        return (
            f"track_too_short: the longest face track has {faces.longest} detections in {faces.frames} frames at "
            f"25 fps, more than {preset.min_track} needed"
        )

    def _long(self, preset: Preset) -> list[TalkingFace]:
        return [
            face
            for face in self.faces.by_rule[Rule.of(preset)]
            if face.track.detections > preset.min_track and face.track.size > preset.min_face
        ]

    def _sync(self, face: TalkingFace) -> Sync | None:
        track = face.track
        key = track.start.to_bytes(4) + track.boxes.tobytes()
        if key not in self._known:
            start = self.faces.start + track.start / 25
            audio = self._hear(self._voice.beside(start, len(track.boxes)), len(track.boxes))
            self._known[key] = sync(face.lip[: len(audio)], audio) if len(audio) else None
        return self._known[key]
