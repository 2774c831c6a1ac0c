"""DeSync: how far sound and picture are apart for Synchformer, in seconds.

`desync` is av-benchmark's (Harmony, MMAudio): the mean |offset| of the first and the last 4.8 s. A uniformly random
answer scores 1.048 s, so values about 1 say nothing. What differs from the references: docs/paper_metrics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from avbench.answers import ALL, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import JSON, Clip, Column, Direction, Score, Status
from avbench.weights import backend

from ._backbones.synchformer_tower import SynchformerAudio, SynchformerVideo, compare

LICENCE = "weights MIT"


class DeSync(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "desync",
            unit="s",
            direction=Direction.DOWN,
            low=0.0,
            high=2.0,
            summary="mean |offset| of the first and the last 4.8 s; chance is 1.048; not applicable under 4.8 s",
            source=f"av-benchmark; Iashin et al. 2024 (Synchformer); {LICENCE}",
        ),
        Column(
            "desync_signed",
            unit="s",
            direction=Direction.ZERO,
            low=-2.0,
            high=2.0,
            summary="the same offsets with their signs, above 0 when the sound is early",
            source=f"avbench; Synchformer; {LICENCE}",
        ),
        Column(
            "desync_verse",
            unit="s",
            direction=Direction.ZERO,
            low=-2.0,
            high=2.0,
            summary="signed offset of the first 4.8 s, so that a set's mean cancels (Verse-Bench's AV-A looks at 4 s, "
            "with a position table that the public weights do not have)",
            source=f"Verse-Bench; Synchformer; {LICENCE}",
        ),
        Column(
            "desync_javis",
            unit="s",
            direction=Direction.DOWN,
            low=0.0,
            high=2.0,
            summary="mean |offset| of all blocks of 4.8 s; a shorter clip's segments are repeated; needs 0.64 s",
            source=f"JavisBench (Liu et al. 2025); Synchformer; {LICENCE}",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(ignores=TEXT),
        "desync": Answers(worse=(Fault.SHIFT_AUDIO,), ignores=TEXT),
        "desync_javis": Answers(worse=(Fault.SHIFT_AUDIO,), ignores=TEXT),
    }
    least: ClassVar[str] = "4.8 s; 0.64 s for desync_javis"
    needs = (SynchformerVideo(), SynchformerAudio())
    backend: ClassVar[str] = backend("synchformer")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        from ._backbones.synchformer_input import COMPARED, FPS, STEP_FRAMES, first_and_last, javis_blocks, offsets

        video, audio = features[SynchformerVideo()], features[SynchformerAudio()]
        count = min(len(video), len(audio))
        if count < 1:
            raise NotApplicable("too_short: at least 0.64 s of sound and picture needed")
        blocks = javis_blocks(count)
        known = dict(zip(map(bytes, blocks), offsets(compare(video, audio, blocks)), strict=True))
        javis = float(np.mean(np.abs(list(known.values()))))
        found = [  # where a block begins on the clip's time axis and how early its sound is, both in seconds
            {"start": int(block[0]) * STEP_FRAMES / FPS, "offset": float(known[bytes(block)])} for block in blocks
        ]
        facts: dict[str, JSON] = {"segments": count, "blocks": found}
        if count < COMPARED:
            reason = f"too_short: {count} segments, at least {COMPARED} (4.8 s) needed"
            names = ("desync", "desync_signed", "desync_verse")
            short = {name: Score(name, self.backend, None, Status.NOT_APPLICABLE, reason) for name in names}
            return {**short, "desync_javis": Score("desync_javis", self.backend, javis, detail=facts)}
        first, last = (float(known[bytes(pick)]) for pick in first_and_last(count))
        value = (abs(first) + abs(last)) / 2
        return {
            "desync": Score("desync", self.backend, value, detail={**facts, "first": first, "last": last}),
            "desync_signed": (first + last) / 2,
            "desync_verse": first,
            "desync_javis": javis,
        }
