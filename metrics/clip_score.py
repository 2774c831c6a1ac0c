"""Does the picture match its caption? Cosines of CLIP ViT-B/32, of all frames as CLIP itself takes pictures.

Papers print this number in several scales and say little else; the raw cosine is about 0.3 for a good match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score, Status

from ._backbones.towers import ClipFrames, clip_text
from ._cosines import caption, cosines
from ._fast import backend, seen_by

_FRAMES = seen_by(ClipFrames(own=True))
_WEIGHT = 2.5
LICENCE = "CLIP ViT-B/32; weights MIT"


class ClipScore(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "clip_score",
            unit="cosine",
            direction=Direction.UP,
            low=-1.0,
            high=1.0,
            summary="mean cosine of every frame and the video caption, of which the first 75 tokens count",
            source=f"as JavisBench, there of 48 frames (Liu et al. 2025); {LICENCE}",
        ),
        Column(
            "clip_score_scaled",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=2.5,
            summary="2.5 times the cosine, cosines below 0 as 0; Harmony's values would fit this scale",
            source=f"Hessel et al. 2021; {LICENCE}",
        ),
        Column(
            "clip_score_percent",
            unit="%",
            direction=Direction.UP,
            low=0.0,
            high=100.0,
            summary="100 times the mean cosine, at least 0: the scale of torchmetrics, whose default network differs",
            source=f"torchmetrics CLIPScore; {LICENCE}",
            decimals=2,
        ),
        Column(
            "clip_score_shifted",
            unit="1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="half of 1 plus the mean cosine: the other scale that would fit Harmony's values",
            source=f"avbench; {LICENCE}",
        ),
        Column(
            "appearance_style",
            unit="cosine",
            direction=Direction.UP,
            low=-1.0,
            high=1.0,
            summary="mean cosine of every frame and the style in the prompt's tag, such as `style:oil_painting`",
            source=f"VBench appearance_style (Huang et al. 2024); {LICENCE}",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.WRONG_CAPTION,), ignores=(*SOUND, Fault.REPLACE_WORDS)),
        "appearance_style": Answers(ignores=(*SOUND, *TEXT)),
    }
    least: ClassVar[str] = "1 frame"
    weights: ClassVar[tuple[str, ...]] = ("imagebind_bpe",)
    needs = (_FRAMES,)
    backend: ClassVar[str] = backend("clip_vit_b_32")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        frames = features[_FRAMES]
        answer: dict[str, float | Score] = {}
        try:
            match = cosines(frames, clip_text(caption(clip.prompt)))
            answer["clip_score"] = float(match.mean())
            answer["clip_score_scaled"] = float(_WEIGHT * match.clip(min=0).mean())
            answer["clip_score_percent"] = max(0.0, 100 * float(match.mean()))
            answer["clip_score_shifted"] = (1 + float(match.mean())) / 2
        except NotApplicable as error:
            names = [column.name for column in self.columns if column.name.startswith("clip_score")]
            answer |= {name: self._missing(name, str(error)) for name in names}
        style = (clip.prompt.tag("style") or "").replace("_", " ")  # a tag holds no spaces
        answer["appearance_style"] = (
            float(cosines(frames, clip_text(style)).mean())
            if style
            else self._missing("appearance_style", "the prompt has no tag style:…")
        )
        return answer

    def _missing(self, name: str, reason: str) -> Score:
        return Score(name, self.backend, None, Status.NOT_APPLICABLE, reason)
