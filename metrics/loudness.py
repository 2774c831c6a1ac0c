"""Integrated loudness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

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
    needs = (Meter(),)

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"loudness_lufs": features[Meter()]}
