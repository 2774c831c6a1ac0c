"""How much of the sound is speech."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, PICTURE, TEXT, Answers, Fault
from avbench.parts import Features, Metric
from avbench.records import JSON, Clip, Column, Direction, Score

from ._backbones.vad import VoiceActivity


class SpeechRatio(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "speech_ratio",
            unit="1",
            direction=Direction.NONE,
            low=0.0,
            high=1.0,
            summary="share of the audio in which a voice speaks; needs 0.25 s",
            source="silero-vad 6 with its defaults, at 16 kHz",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(falls=(Fault.DROP_WORDS,), ignores=(*PICTURE, *TEXT))}
    least: ClassVar[str] = "0.25 s of sound"
    terms: ClassVar[str] = "silero-vad, a package: MIT"
    needs = (VoiceActivity(),)

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        found = features[VoiceActivity()]
        segments: list[JSON] = [[round(start, 3), round(end, 3)] for start, end in found.segments]
        return {"speech_ratio": Score("speech_ratio", self.backend, found.ratio, detail={"segments": segments})}
