"""Cosines between a clip's picture, its sound and its prompt, by towers trained on the world: no download.

The columns of `imagebind`, which backends keep apart. For the world's kind of clip; other clips mean nothing to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avbench.answers import PICTURE, SOUND, TEXT, Answers, Fault
from avbench.parts import Features
from avbench.records import Clip, Score

from ._agreement import Agreement, agreement_columns
from ._backbones._shipped import file_of, ships
from ._backbones.domain import WorldLook, check_world
from ._backbones.embedding import Embedding
from ._backbones.world_space import WorldAudio, WorldVideo, read


class ImageBindWorld(Agreement):
    columns = agreement_columns("contrastive towers trained on the world (docs/scorers.md)")
    answers: ClassVar[Mapping[str, Answers]] = {
        "ib_av": Answers(worse=(Fault.SWAP_AUDIO,), ignores=TEXT),
        "ib_ta": Answers(ignores=PICTURE),
        "ib_tv": Answers(worse=(Fault.WRONG_CAPTION,), ignores=SOUND),
    }
    video, audio = WorldVideo(), WorldAudio()
    least: ClassVar[str] = "1 frame, 0.1 s of sound"
    terms: ClassVar[str] = "the scorers that ship with avbench: Apache-2.0"
    needs = (WorldLook(), video, audio)
    version: ClassVar[str] = "3"  # weights that compare moments
    backend: ClassVar[str] = "world-1"
    shipped: ClassVar[tuple[Path, ...]] = (file_of("domain"), file_of("trimodal"))
    core: ClassVar[bool] = ships("trimodal")

    @classmethod
    def reading(cls, text: str) -> Embedding:
        return read(text)

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        check_world(features)
        return super().score(clip, features)
