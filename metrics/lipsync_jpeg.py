"""Lip sync as `lipsync` measures it, on face crops that went through the reference's JPEG step.

The reference writes its crops to files on the way (`_lipsync_damage`). For whoever must compare with numbers made by
its scripts; faces are detected once more for it, so it costs as much as `lipsync` again.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import ClassVar

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.parts import Features
from avbench.records import Clip, Column, Direction, Score
from avbench.weights import backend

from ._lipsync_tower import LipTower, VoiceTrack
from ._lipsync_track import PRESETS
from .lipsync import SOURCE, LipSync

TOWER = LipTower(codec_damage="reference")
MEAN = "mean over tracks of more than 100 detections, crops through JPEG"


class LipSyncJpeg(LipSync):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("lse_c_jpeg", "1", Direction.UP, 0.0, inf, "confidence of the best track, crops through JPEG", SOURCE),
        Column("lse_d_jpeg", "1", Direction.DOWN, 0.0, inf, "distance of the same track at its best offset", SOURCE),
        Column(
            "lse_offset_jpeg",
            unit="frames at 25 fps",
            direction=Direction.ZERO,
            low=-15,
            high=15,
            summary="its offset, above 0 when the sound is early",
            source=SOURCE,
            decimals=1,
        ),
        Column("lse_c_reference_jpeg", "1", Direction.UP, 0.0, inf, MEAN, "joonson/syncnet_python"),
        Column("lse_d_reference_jpeg", "1", Direction.DOWN, 0.0, inf, MEAN, "joonson/syncnet_python"),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.SWAP_AUDIO,), ignores=TEXT),
        "lse_offset_jpeg": Answers(ignores=TEXT),
    }
    least: ClassVar[str] = "21 frames at 25 a second"
    needs = (TOWER, VoiceTrack())
    backend: ClassVar[str] = backend("syncnet_v2-jpeg")

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        synced = self._synced(clip.prompt, TOWER, features)
        own = self._of_preset(synced, self._own(synced.faces), "lse_c_jpeg", "lse_d_jpeg", "lse_offset_jpeg")
        reference = PRESETS["reference"]
        return own | self._of_preset(synced, reference, "lse_c_reference_jpeg", "lse_d_reference_jpeg")
