"""DeSync of the world's clips: how far sound and picture are apart, by a small Synchformer trained on the world.

The code is that of `desync`. This network looks at 11 segments, 3.84 s, where the official one looks at 14, 4.8 s: the
world's clips last 4.04 s. The weights ship in the package (docs/scorers.md); numbers are comparable with others of this
backend alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones._shipped import file_of, ships
from ._backbones.domain import WorldLook, check_world
from ._backbones.synchformer_tower import WorldAudio, WorldVideo, small, told

SOURCE = "avbench; Iashin et al. 2024 (Synchformer); av-benchmark"


class DeSyncWorld(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "desync",
            unit="s",
            direction=Direction.DOWN,
            low=0.0,
            high=2.0,
            summary="mean |offset| of the first and the last 3.84 s; chance is 1.048; not applicable under 3.84 s",
            source=SOURCE,
        ),
        Column(
            "desync_signed",
            unit="s",
            direction=Direction.ZERO,
            low=-2.0,
            high=2.0,
            summary="the same offsets with their signs, above 0 when the sound is early",
            source=SOURCE,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(worse=(Fault.SHIFT_AUDIO,), ignores=TEXT)}
    least: ClassVar[str] = "3.84 s"
    terms: ClassVar[str] = "the scorers that ship with avbench: Apache-2.0"
    needs = (WorldLook(), WorldVideo(), WorldAudio())
    version: ClassVar[str] = "2"  # weights of one whole run of the recipe
    backend: ClassVar[str] = "world-1"
    shipped: ClassVar[tuple[Path, ...]] = (file_of("domain"), file_of("synchformer"))
    core: ClassVar[bool] = ships("synchformer")

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        from ._backbones.synchformer_input import first_and_last, offsets, seconds

        check_world(features)
        video, audio = features[WorldVideo()], features[WorldAudio()]
        count, compared = min(len(video), len(audio)), small().config.segments
        if count < compared:
            raise NotApplicable(f"too_short: {count} segments, at least {compared} ({seconds(compared):g} s) needed")
        first, last = map(float, offsets(told(small(), video, audio, first_and_last(count, compared))))
        return {"desync": (abs(first) + abs(last)) / 2, "desync_signed": (first + last) / 2}
