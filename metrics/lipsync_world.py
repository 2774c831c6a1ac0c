"""Lip sync of the world's clips: LSE-C, LSE-D and the offset by a small SyncNet that was trained on the world.

The chain is that of `lipsync`: faces, tracks, crops, embeddings, distances at every shift. The faces are OpenCV's, the
weights ship in the package (docs/scorers.md), and numbers are comparable with other numbers of this backend alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import ClassVar

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Features, Metric, VideoBackbone, VideoExtractor, VideoView
from avbench.records import Clip, Column, Direction, Score

from ._backbones._shipped import file_of, shipped, ships
from ._backbones.domain import WorldLook, check_world
from ._lipsync_clip import Synced, check_speech, with_facts
from ._lipsync_faces import TalkingFaces
from ._lipsync_score import SHIFT
from ._lipsync_studio import Rule, Studio
from ._lipsync_tower import FaceExtractor, VoiceTrack, heard
from ._lipsync_track import WORLD

SOURCE = "avbench; Chung and Zisserman 2016"
APART = (Fault.SHIFT_AUDIO, Fault.SWAP_AUDIO, Fault.FREEZE)
LEAST = 26  # frames, 1 s: with fewer, most shifts compare with nothing


@dataclass(frozen=True)
class WorldLipTower(VideoBackbone[TalkingFaces]):
    """Haar's faces in every third frame, the preset `WORLD`'s tracks, the small SyncNet's lip tower."""

    view: ClassVar[VideoView] = VideoView(short_side=128)

    def open(self, info: MediaInfo) -> VideoExtractor[TalkingFaces]:
        from ._backbones import syncnet
        from ._backbones.haar import Haar

        net = shipped(syncnet.load_sized, "syncnet")
        studio = Studio(partial(syncnet.embed_lip, net), presets=(WORLD,), size=net.config.size)
        return FaceExtractor(Haar(), studio, (Rule.of(WORLD),), info)


class LipSyncWorld(Metric):
    """`lse_c` and `lse_d` forgive a constant delay, as the official ones do; the two `…_at_zero` do not."""

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
        Column("lse_face_ratio", "1", Direction.NONE, 0.0, 1.0, "share of looks with a face", "avbench"),
        Column(
            "lse_c_at_zero",
            "1",
            Direction.UP,
            -inf,
            inf,
            "median distance over shifts, less that at none",
            "avbench",
        ),
        Column("lse_d_at_zero", "1", Direction.DOWN, 0.0, inf, "distance without a shift: a delay counts", "avbench"),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        "lse_c": Answers(worse=(Fault.SWAP_AUDIO, Fault.FREEZE), refuses=(Fault.MUTE,), ignores=TEXT),
        "lse_d": Answers(worse=(Fault.SWAP_AUDIO,), refuses=(Fault.MUTE,), ignores=TEXT),
        "lse_c_at_zero": Answers(worse=APART, refuses=(Fault.MUTE,), ignores=TEXT),
        "lse_d_at_zero": Answers(worse=APART, refuses=(Fault.MUTE,), ignores=TEXT),
        "lse_offset": Answers(worse=(Fault.SHIFT_AUDIO,), refuses=(Fault.MUTE,), ignores=TEXT),
        ALL: Answers(refuses=(Fault.MUTE,), ignores=TEXT),
    }
    least: ClassVar[str] = "26 frames at 25 a second"
    terms: ClassVar[str] = "the scorers that ship with avbench: Apache-2.0"
    needs = (WorldLook(), WorldLipTower(), VoiceTrack())
    version: ClassVar[str] = "1"
    backend: ClassVar[str] = "world-1"
    shipped: ClassVar[tuple[Path, ...]] = (file_of("domain"), file_of("syncnet"))
    core: ClassVar[bool] = ships("syncnet")

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        from ._backbones import syncnet
        from ._backbones.haar import STRIDE

        check_speech(clip.prompt)
        check_world(features)
        faces, voice = features[WorldLipTower()], features[VoiceTrack()]
        if faces.frames < LEAST:
            raise NotApplicable(f"too_short: {faces.frames} frames at 25 fps, at least {LEAST} needed")
        net = shipped(syncnet.load_sized, "syncnet")
        synced = Synced(faces, voice, partial(heard, net))
        found = synced.tracks(WORLD)
        if not found:
            raise Unscored(synced.why_none(WORLD))
        best = max(found, key=lambda track: track.sync.confidence - track.sync.distance).sync
        at_zero = float(best.curve[SHIFT])
        return {
            "lse_c": with_facts(Score("lse_c", self.backend, best.confidence), faces, found),
            "lse_d": best.distance,
            "lse_offset": best.offset,
            "lse_windows": best.windows,
            "lse_tracks": len(found),
            "lse_face_ratio": min(1.0, faces.seen * STRIDE / faces.frames),
            "lse_c_at_zero": best.confidence + best.distance - at_zero,
            "lse_d_at_zero": at_zero,
        }
