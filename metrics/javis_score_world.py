"""AVHScore and JavisScore by towers trained on the world: does every frame fit the sound? No download.

The columns of `javis_score`, which backends keep apart. For the world's kind of clip; other clips mean nothing to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.parts import Features
from avbench.records import Clip, Score

from ._agreement import FrameAgreement, frame_columns
from ._backbones._shipped import file_of, ships
from ._backbones.domain import WorldLook, check_world
from ._backbones.world_space import WorldAudio, WorldFrames, WorldWindows


class JavisScoreWorld(FrameAgreement):
    columns = frame_columns("contrastive towers trained on the world (docs/scorers.md)")
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(worse=(Fault.SWAP_AUDIO,), ignores=TEXT)}
    frames, audio, heard = WorldFrames(), WorldAudio(), WorldWindows()
    least: ClassVar[str] = "3 frames, 0.1 s of sound"
    terms: ClassVar[str] = "the scorers that ship with avbench: Apache-2.0"
    needs = (WorldLook(), frames, audio, heard)
    version: ClassVar[str] = "3"  # weights that compare moments
    backend: ClassVar[str] = "world-1"
    shipped: ClassVar[tuple[Path, ...]] = (file_of("domain"), file_of("trimodal"))
    core: ClassVar[bool] = ships("trimodal")

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        check_world(features)
        return super().score(clip, features)
