"""AVHScore and JavisScore: does every frame fit the sound? By ImageBind, frame by frame.

Every decoded frame goes through the largest of ImageBind's networks, 1 to 3 s of CPU each; use a GPU. Weights for
non-commercial use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.weights import backend

from ._agreement import FrameAgreement, frame_columns
from ._backbones.imagebind_tower import ImageBindAudio, ImageBindFrames, ImageBindWindows


class JavisScore(FrameAgreement):
    columns = frame_columns("ImageBind; weights CC-BY-NC-SA-4.0")
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(worse=(Fault.SWAP_AUDIO,), ignores=TEXT)}
    frames, audio, heard = ImageBindFrames(), ImageBindAudio(), ImageBindWindows()
    least: ClassVar[str] = "3 frames and 25 ms of sound"
    needs = (frames, audio, heard)
    backend: ClassVar[str] = backend("imagebind_huge")
    core: ClassVar[bool] = False
