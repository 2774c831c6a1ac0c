"""Lip sync by SyncNet: LSE-C (= Sync-C), LSE-D (= Sync-D) and the offset, from the official checkpoints.

`lse_c`, `lse_d` and `lse_offset` describe one face: the track with the largest confidence - distance. The columns of
presets follow what published evaluations do instead (`_lipsync_track.PRESETS`). Rules, formulas and what differs
from the reference: docs/paper_metrics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers, Fault, but
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Prompt, Score, Status
from avbench.weights import backend

from ._lipsync_clip import Synced, check_speech, clip_sync, with_facts
from ._lipsync_faces import TalkingFaces
from ._lipsync_studio import LEAST
from ._lipsync_tower import LipTower, VoiceTrack, speech
from ._lipsync_track import PRESETS, Preset

OWN = replace(PRESETS["reference"], over_tracks="best_track")
SHORT = PRESETS["mova"].min_track  # for clips that cannot have the reference's 101 detections
SOURCE = "Chung and Zisserman 2016; Prajwal et al. 2020 (Wav2Lip)"
FROM_PRESETS = (
    ("reference", "mean over tracks of more than 100 detections", "joonson/syncnet_python with Wav2Lip's scripts"),
    ("latentsync", "mean over tracks of more than 50 detections", "bytedance/LatentSync eval"),
    ("mochabench", "best of all tracks of more than 50 detections, for each column apart", "congwei1230/MoChaBench"),
    ("mova", "track with the largest confidence - distance, of more than 20 detections", "OpenMOSS/MOVA evaluation"),
)


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
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.SWAP_AUDIO,), ignores=TEXT),
        "lse_offset": Answers(ignores=TEXT),
        "lse_windows": Answers(ignores=(*but(SOUND, Fault.MUTE), *TEXT)),
        "lse_tracks": Answers(ignores=(*but(SOUND, Fault.MUTE), *TEXT)),
        "lse_min_track": Answers(ignores=tuple(Fault)),
        "lse_face_ratio": Answers(ignores=(*SOUND, *TEXT)),
    }
    least: ClassVar[str] = "21 frames at 25 a second"
    needs = (LipTower(), VoiceTrack())
    backend: ClassVar[str] = backend("syncnet_v2")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        synced = self._synced(clip.prompt, LipTower(), features)
        faces, own = synced.faces, self._own(synced.faces)
        answer: dict[str, float | Score] = {
            "lse_min_track": own.min_track,
            "lse_face_ratio": faces.seen / faces.frames,
        }
        answer |= self._of_preset(synced, own, "lse_c", "lse_d", "lse_offset", "lse_windows", "lse_tracks")
        for name, *_ in FROM_PRESETS:
            answer |= self._of_preset(synced, PRESETS[name], f"lse_c_{name}", f"lse_d_{name}")
        score = answer["lse_c"] if isinstance(answer["lse_c"], Score) else Score("lse_c", self.backend, answer["lse_c"])
        answer["lse_c"] = with_facts(score, faces, synced.tracks(own))
        return {column.name: answer[column.name] for column in self.columns}

    def _synced(self, prompt: Prompt, tower: LipTower, features: Features) -> Synced:
        check_speech(prompt)
        faces, voice = features[tower], features[VoiceTrack()]
        if faces.frames <= LEAST:
            raise NotApplicable(f"too_short: {faces.frames} frames at 25 fps, at least {LEAST + 1} needed")
        return Synced(faces, voice, speech)

    @staticmethod
    def _own(faces: TalkingFaces) -> Preset:
        return replace(OWN, min_track=SHORT) if faces.frames <= OWN.min_track else OWN

    def _of_preset(self, synced: Synced, preset: Preset, *names: str) -> dict[str, float | Score]:
        """Columns for confidence, distance, offset, windows and tracks, with values or why there are none."""
        found = synced.tracks(preset)
        if not found:
            reason = synced.why_none(preset)
            return {name: Score(name, self.backend, None, Status.UNSCORED, reason) for name in names}
        clip = clip_sync(found, preset)
        own = max(found, key=lambda track: track.sync.confidence - track.sync.distance).sync
        values = (clip.confidence, clip.distance, own.offset, own.windows, len(found))
        return dict(zip(names, values, strict=False))
