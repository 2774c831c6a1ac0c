"""How much moves: Verse-Bench's MS, which JoVA and UniVerse-1 print. No quality: it has no better end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.flow_pairs import MeanFlow
from ._fast import backend, every

_FLOW = MeanFlow(every())


class MotionScore(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "motion_score",
            unit="px/frame",
            direction=Direction.UP,
            low=0.0,
            high=float("inf"),
            summary="mean |x|, |y| of the flow between neighbouring frames, halved to at most 640 px; depends on the "
            "frame rate and the size. Not motion smoothness, the other MS; needs 2 frames and 128 px a side",
            source="Verse-Bench (568efa4), JoVA; RAFT (Teed and Deng 2020); weights BSD-3-Clause",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(falls=(Fault.FREEZE,), ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "2 frames"
    needs = (_FLOW,)
    backend: ClassVar[str] = backend("raft_large")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        scores = features[_FLOW]
        if len(scores) == 0:
            raise NotApplicable("too_short: 1 frame, at least 2 needed")
        return {"motion_score": float(scores.mean())}
