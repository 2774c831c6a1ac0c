"""Lip sync by SyncNet: LSE-C (= Sync-C), LSE-D (= Sync-D) and the offset, from the official checkpoints.

`lse_c`, `lse_d` and `lse_offset` describe one face: the track with the largest confidence - distance. The columns of
presets follow what published evaluations do instead (`_lipsync_track.PRESETS`). Rules, formulas and what differs
from the reference: docs/paper_metrics.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import JSON, Clip, Column, Direction, Prompt, Score, Status
from avbench.weights import backend

from ._lipsync_faces import TalkingFaces
from ._lipsync_score import ClipSync, Sync, over_tracks, sync
from ._lipsync_studio import LEAST, Rule, TalkingFace
from ._lipsync_tower import LipTower, Voice, VoiceTrack, speech
from ._lipsync_track import PRESETS, Preset, Track

OWN = replace(PRESETS["reference"], over_tracks="best_track")
SHORT = PRESETS["mova"].min_track  # for clips that cannot have the reference's 101 detections
SOURCE = "Chung and Zisserman 2016; Prajwal et al. 2020 (Wav2Lip)"
FROM_PRESETS = (
    ("reference", "mean over tracks of more than 100 detections", "joonson/syncnet_python with Wav2Lip's scripts"),
    ("latentsync", "mean over tracks of more than 50 detections", "bytedance/LatentSync eval"),
    ("mochabench", "best of all tracks of more than 50 detections, for each column apart", "congwei1230/MoChaBench"),
    ("mova", "track with the largest confidence - distance, of more than 20 detections", "OpenMOSS/MOVA evaluation"),
)


TRACKS_SHOWN, WINDOWS_SHOWN = 8, 3000  # of a clip and of a track, in a score's detail


@dataclass(frozen=True, slots=True)
class TrackSync:
    """The lip sync of one track."""

    track: Track
    sync: Sync


class LipSync(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("lse_c", "1", Direction.UP, 0.0, inf, "confidence of the best track; on-screen speech only", SOURCE),
        Column("lse_d", "1", Direction.DOWN, 0.0, inf, "distance of the same track at its best offset", SOURCE),
        Column(
            "lse_offset",
            unit="frames at 25 fps",
            direction=Direction.ZERO,
            low=-15,
            high=15,
            summary="its offset, above 0 when the sound is early; LSE-C and LSE-D do not punish it",
            source=SOURCE,
            decimals=1,
        ),
        Column("lse_windows", "windows", Direction.NONE, 0.0, inf, "windows of 0.2 s compared", "avbench", decimals=0),
        Column("lse_tracks", "tracks", Direction.NONE, 0.0, inf, "tracks to choose from", "avbench", decimals=0),
        Column(
            "lse_min_track",
            unit="detections",
            direction=Direction.NONE,
            low=0.0,
            high=inf,
            summary=f"what a track must exceed; {SHORT} marks a clip of under 101 frames, which the reference skips",
            source="avbench",
            decimals=0,
        ),
        Column("lse_face_ratio", "1", Direction.NONE, 0.0, 1.0, "share of frames with a face for S3FD", "avbench"),
        *(Column(f"lse_c_{name}", "1", Direction.UP, 0.0, inf, how, by) for name, how, by in FROM_PRESETS),
        *(
            Column(f"lse_d_{name}", "1", Direction.DOWN, 0.0, inf, how, by)
            for name, how, by in FROM_PRESETS
            if name != "latentsync"  # it has no LSE-D
        ),
    )
    needs = (LipTower(), VoiceTrack())
    backend: ClassVar[str] = backend("syncnet_v2")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        synced = self._synced(clip.prompt, LipTower(), features)
        faces, own = synced.faces, synced.own
        answer: dict[str, float | Score] = {
            "lse_min_track": own.min_track,
            "lse_face_ratio": faces.seen / faces.frames,
        }
        answer |= self._of_preset(synced, own, "lse_c", "lse_d", "lse_offset", "lse_windows", "lse_tracks")
        for name, *_ in FROM_PRESETS:
            answer |= self._of_preset(synced, PRESETS[name], f"lse_c_{name}", f"lse_d_{name}")
        answer["lse_c"] = self._with_facts(answer["lse_c"], faces, synced.tracks(own))
        return {column.name: answer[column.name] for column in self.columns}

    def _with_facts(self, lse_c: float | Score, faces: TalkingFaces, tracks: Sequence[TrackSync]) -> Score:
        """What was seen, and every track that LSE-C was chosen from."""
        score = lse_c if isinstance(lse_c, Score) else Score("lse_c", self.backend, lse_c)
        shown = sorted(tracks, key=lambda track: -track.sync.windows)[:TRACKS_SHOWN]
        seen: dict[str, JSON] = {"frames": faces.frames, "frames_with_face": faces.seen, "start": faces.start}
        detail = {**seen, "tracks_found": len(tracks), "tracks": [facts(track) for track in shown]}
        return replace(score, detail=detail)

    def _synced(self, prompt: Prompt, tower: LipTower, features: Features) -> _Synced:
        check_speech(prompt)
        faces, voice = features[tower], features[VoiceTrack()]
        if faces.frames <= LEAST:
            raise NotApplicable(f"too_short: {faces.frames} frames at 25 fps, at least {LEAST + 1} needed")
        return _Synced(faces, voice)

    def _of_preset(self, synced: _Synced, preset: Preset, *names: str) -> dict[str, float | Score]:
        """Columns for confidence, distance, offset, windows and tracks, with values or why there are none."""
        found = synced.tracks(preset)
        if not found:
            reason = synced.why_none(preset)
            return {name: Score(name, self.backend, None, Status.UNSCORED, reason) for name in names}
        clip = clip_sync(found, preset)
        own = max(found, key=lambda track: track.sync.confidence - track.sync.distance).sync
        values = (clip.confidence, clip.distance, own.offset, own.windows, len(found))
        return dict(zip(names, values, strict=False))


def clip_sync(tracks: Sequence[TrackSync], preset: Preset) -> ClipSync:
    """One value a clip. Where each track is an item of its own (`reference`), their mean: weigh clips by `lse_tracks`
    for the mean over items.
    """
    counted = over_tracks([track.sync for track in tracks], preset.over_tracks)
    offset = counted[0].offset if len(counted) == 1 else None
    means = (float(np.mean([getattr(item, side) for item in counted])) for side in ("distance", "confidence"))
    return ClipSync(offset, *means)


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


class _Synced:
    """The tracks of a clip by preset, each scored once."""

    def __init__(self, faces: TalkingFaces, voice: Voice) -> None:
        self.faces, self._voice = faces, voice
        self.own = replace(OWN, min_track=SHORT) if faces.frames <= OWN.min_track else OWN
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
            audio = speech(self._voice.beside(start, len(track.boxes)), len(track.boxes))
            self._known[key] = sync(face.lip[: len(audio)], audio) if len(audio) else None
        return self._known[key]
