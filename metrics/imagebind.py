"""ImageBind cosines between a clip's picture, its sound and its prompt.

`ib_av` is av-benchmark's IB score, `ib_ta` Harmony's IB-A; papers often print them times 100. Weights for
non-commercial use. What differs from the references: docs/paper_metrics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from avbench.answers import PICTURE, SOUND, TEXT, Answers, Fault
from avbench.errors import NotApplicable, Unscored
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score, Status
from avbench.weights import backend

from ._backbones.imagebind_tower import Embedding, ImageBindAudio, ImageBindVideo, cosine, read

LICENCE = "weights CC-BY-NC-SA-4.0"


def _column(name: str, summary: str, source: str) -> Column:
    return Column(name, "1", Direction.UP, -1.0, 1.0, summary, f"{source}; Girdhar et al. 2023; {LICENCE}")


class ImageBind(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        _column("ib_av", "picture and sound; needs 4 s of video", "av-benchmark's IB score"),
        _column("ib_ta", "audio caption and sound", "IB-A of Harmony"),
        _column("ib_tv", "video caption and picture; needs 4 s of video", "with av-benchmark's video"),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        "ib_av": Answers(worse=(Fault.SWAP_AUDIO,), ignores=TEXT),
        "ib_ta": Answers(worse=(Fault.SWAP_AUDIO, Fault.WRONG_CAPTION), ignores=(*PICTURE, Fault.REPLACE_WORDS)),
        "ib_tv": Answers(worse=(Fault.WRONG_CAPTION,), ignores=(*SOUND, Fault.REPLACE_WORDS)),
    }
    needs = (ImageBindVideo(), ImageBindAudio())
    backend: ClassVar[str] = backend("imagebind_huge")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        prompt = clip.prompt
        return {
            "ib_av": self._cosine("ib_av", lambda: features[ImageBindVideo()], lambda: features[ImageBindAudio()]),
            "ib_ta": self._cosine(
                "ib_ta", lambda: _read(prompt.audio_caption, "audio_caption"), lambda: features[ImageBindAudio()]
            ),
            "ib_tv": self._cosine(
                "ib_tv", lambda: _read(prompt.video_caption, "video_caption"), lambda: features[ImageBindVideo()]
            ),
        }

    def _cosine(self, name: str, *sides: Callable[[], Embedding]) -> float | Score:
        """The cosine of two sides, or the reason why one of them is missing."""
        try:
            a, b = (side() for side in sides)
            return float(cosine(a, b))
        except NotApplicable as error:
            return Score(name, self.backend, None, Status.NOT_APPLICABLE, str(error))
        except Unscored as error:
            return Score(name, self.backend, None, Status.UNSCORED, str(error))


def _read(text: str, field: str) -> Embedding:
    if not text.strip():
        raise NotApplicable(f"the prompt has no {field}")
    return read(text)
