"""How much the picture moves: mean length of dense optical flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers, Fault
from avbench.errors import NotApplicable
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score

from ._backbones.flow import FlowCurve, SmallFlow


class MotionFlow(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "motion_flow",
            unit="px/s at 128",
            direction=Direction.NONE,
            low=0.0,
            high=float("inf"),
            summary="mean length of Farneback flow per second, on frames whose short side is 128 px; needs 2 frames",
            source="Farneback 2003 by OpenCV with AV-Align's parameters",
            decimals=2,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(rises=(Fault.SHUFFLE_FRAMES,), falls=(Fault.FREEZE,), ignores=(*SOUND, Fault.WRONG_FACE, *TEXT))
    }
    least: ClassVar[str] = "2 frames"
    needs = (SmallFlow(),)

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"motion_flow": flow_per_second(features[SmallFlow()])}


def flow_per_second(flow: FlowCurve) -> float:
    """Pixels a second: the path length of all frames over the time from the first to the last."""
    if len(flow.times) < 2:
        raise NotApplicable(f"too few frames: {len(flow.times)}, at least 2 needed")
    return float(flow.magnitude.sum() / (flow.times[-1] - flow.times[0]))
