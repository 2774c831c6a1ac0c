"""Integrated loudness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, PICTURE, TEXT, Answers, Fault
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.loudness import Loudness as Meter


class Loudness(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "loudness_lufs",
            unit="LUFS",
            direction=Direction.NONE,
            low=-70.0,
            high=10.0,
            summary="integrated loudness, K-weighted and gated; needs 0.4 s; unscored for silence",
            source="ITU-R BS.1770-4 by pyloudnorm",
            decimals=1,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(
            rises=(Fault.CLIPPING,),
            falls=(Fault.LOW_PASS, Fault.DROP_WORDS),
            refuses=(Fault.MUTE,),
            ignores=(*PICTURE, *TEXT),
        )
    }
    least: ClassVar[str] = "0.4 s of sound"
    needs = (Meter(),)

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"loudness_lufs": features[Meter()]}
