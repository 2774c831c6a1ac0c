"""Is it who the reference picture shows? Cosines of DINOv3 of every frame and the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.towers import Dinov3Frames, dinov3_picture
from ._cosines import cosines
from ._fast import backend, seen_by

_FRAMES = seen_by(Dinov3Frames())
LICENCE = "DINOv3 ViT-L/16; weights under the DINOv3 licence"


def _column(name: str, summary: str, source: str) -> Column:
    return Column(name, "cosine", Direction.UP, -1.0, 1.0, summary, f"{source}; {LICENCE}")


class IdDinov3(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        _column(
            "id_dinov3_cls",
            "class tokens of whole frames and of the prompt's reference image, mean over frames",
            "Harmony, whose token and model size are not public",
        ),
        _column(
            "id_dinov3_versebench",
            "the same of the last patch but one, which is what Verse-Bench's code takes: a corner of the picture",
            "Verse-Bench, JoVA",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(worse=(Fault.WRONG_FACE,), ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "1 frame"
    needs = (_FRAMES,)
    backend: ClassVar[str] = backend("dinov3_vitl16")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        if clip.prompt.reference_image is None:
            raise NotApplicable("the prompt has no reference image")
        means = cosines(features[_FRAMES], dinov3_picture(clip.prompt.reference_image)).mean(axis=0)
        return {"id_dinov3_cls": float(means[0]), "id_dinov3_versebench": float(means[1])}
