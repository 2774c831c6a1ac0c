"""How pleasant and how well made is the sound? AudioBox-Aesthetics, which looks at the sound alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, PICTURE, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score
from avbench.weights import backend

from ._backbones.audiobox import AudioBox


def _column(name: str, direction: Direction, summary: str) -> Column:
    return Column(
        name,
        unit="1-10",
        direction=direction,
        low=float("-inf"),  # the regression is not clipped
        high=float("inf"),
        summary=summary,
        source="AudioBox-Aesthetics (Tjandra et al. 2025), package audiobox_aesthetics; weights CC-BY 4.0, Meta",
        decimals=2,
    )


class AudioBoxAesthetics(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        _column("audiobox_pq", Direction.UP, "production quality"),
        _column(
            "audiobox_pc",
            Direction.NONE,
            "production complexity, that is how many components the sound has: a description. Papers do not agree "
            "which way is better",
        ),
        _column("audiobox_ce", Direction.UP, "content enjoyment"),
        _column("audiobox_cu", Direction.UP, "content usefulness"),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=(*PICTURE, *TEXT))}
    least: ClassVar[str] = "any sound"
    needs = (AudioBox(),)
    backend: ClassVar[str] = backend("audiobox-aesthetics")
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        found = features[AudioBox()]
        return {"audiobox_pq": found.pq, "audiobox_pc": found.pc, "audiobox_ce": found.ce, "audiobox_cu": found.cu}
