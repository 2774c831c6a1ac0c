"""Does the whole video match its caption? VBench's two dimensions by ViCLIP, which differ in their prompts only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, Answers, Fault
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score
from avbench.weights import backend

from ._backbones.towers import ViclipVideo, viclip_text
from ._cosines import caption, cosines


def _column(name: str, summary: str) -> Column:
    source = f"VBench {name} (Huang et al. 2024); ViCLIP-L/14; licence of the weights not stated"
    return Column(name, "cosine", Direction.UP, -1.0, 1.0, summary, source)


class OverallConsistency(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        _column(
            "overall_consistency",
            "cosine of eight frames and the video caption, of which the first 30 tokens count",
        ),
        _column("temporal_style", "the same number; VBench takes it over prompts of its own"),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.WRONG_CAPTION,), ignores=(*SOUND, Fault.REPLACE_WORDS))
    }
    least: ClassVar[str] = "1 frame"
    weights: ClassVar[tuple[str, ...]] = ("imagebind_bpe",)
    needs = (ViclipVideo(),)
    backend: ClassVar[str] = backend("viclip_l_14")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        text = caption(clip.prompt)
        match = float(cosines(features[ViclipVideo()], viclip_text(text)))
        return {"overall_consistency": match, "temporal_style": match}
