"""Does anything move? VBench's decision on RAFT's flow; a set's mean is the share of its clips that do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, SOUND, TEXT, Answers, Fault
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score
from avbench.weights import backend

from ._backbones.flow_pairs import DynamicFlow


class DynamicDegree(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "dynamic_degree",
            unit="0/1",
            direction=Direction.UP,
            low=0.0,
            high=1.0,
            summary="1 when in a quarter of the pairs, 8 frames a second, the fastest 5 % of the pixels move more than "
            "6 px per 256 px of the shorter side; a clip of 2 such frames always is, as in VBench; needs 128 px a side",
            source="VBench dynamic_degree (Huang et al. 2024); RAFT (Teed and Deng 2020); weights BSD-3-Clause",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(falls=(Fault.FREEZE,), ignores=(*SOUND, *TEXT))}
    least: ClassVar[str] = "2 frames at 8 a second"
    needs = (DynamicFlow(),)
    backend: ClassVar[str] = backend("raft_large")
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        return {"dynamic_degree": float(features[DynamicFlow()].moving)}
