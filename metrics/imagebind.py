"""ImageBind cosines between a clip's picture, its sound and its prompt.

`ib_av` is av-benchmark's IB score, `ib_ta` Harmony's IB-A; papers often print them times 100. Weights for
non-commercial use. What differs from the references: docs/paper_metrics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import PICTURE, SOUND, TEXT, Answers, Fault
from avbench.weights import backend

from ._agreement import Agreement, agreement_columns
from ._backbones.embedding import Embedding
from ._backbones.imagebind_tower import ImageBindAudio, ImageBindVideo, read


class ImageBind(Agreement):
    columns = agreement_columns(
        "Girdhar et al. 2023; weights CC-BY-NC-SA-4.0",
        ib_av="av-benchmark's IB score, which needs 4 s of video; ",
        ib_ta="IB-A of Harmony; ",
        ib_tv="with av-benchmark's video, which needs 4 s; ",
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        "ib_av": Answers(worse=(Fault.SWAP_AUDIO,), ignores=TEXT),
        "ib_ta": Answers(worse=(Fault.SWAP_AUDIO, Fault.WRONG_CAPTION), ignores=(*PICTURE, Fault.REPLACE_WORDS)),
        "ib_tv": Answers(worse=(Fault.WRONG_CAPTION,), ignores=(*SOUND, Fault.REPLACE_WORDS)),
    }
    video, audio = ImageBindVideo(), ImageBindAudio()
    least: ClassVar[str] = "4 s of picture, 25 ms of sound"
    weights: ClassVar[tuple[str, ...]] = ("imagebind_bpe",)
    needs = (video, audio)
    version: ClassVar[str] = "2"  # IB-A reads the video caption where the sound has none
    backend: ClassVar[str] = backend("imagebind_huge")
    core: ClassVar[bool] = False

    @classmethod
    def reading(cls, text: str) -> Embedding:
        return read(text)
