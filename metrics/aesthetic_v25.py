"""How good frames look: aesthetic-predictor-v2-5, as Verse-Bench and JoVA use it (and most likely Harmony)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.towers import SiglipScores
from ._fast import backend, seen_by

_FRAMES = seen_by(SiglipScores())


class AestheticV25(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "aesthetic_v25",
            unit="of 10",
            direction=Direction.UP,
            low=-float("inf"),
            high=float("inf"),
            summary="mean over frames of the score, nominally 1..10 (papers print a tenth); in full precision, where "
            "Verse-Bench has bfloat16 (about 1e-3 apart)",
            source="Verse-Bench; aesthetic-predictor-v2-5 on SigLIP so400m; weights AGPL-3.0 and Apache-2.0",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "1 frame"
    needs = (_FRAMES,)
    backend: ClassVar[str] = backend("aesthetic_v2_5")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"aesthetic_v25": float(features[_FRAMES].mean(dtype=float))}
