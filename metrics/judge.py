"""Does the voice fit who is seen? UniAVGen's timbre and emotion consistency, as a multimodal model judges them.

Three independent calls a clip, and their mean. What is sent, to whom, and what it may cost: docs/judge.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from statistics import fmean, stdev
from typing import ClassVar

from avbench.answers import ALL, TEXT, Answers
from avbench.parts import Features, Metric
from avbench.records import JSON, Clip, Column, Direction, Score

from ._backbones.shown import FPS, ShownFrames, ShownSound
from ._judge_api import Shown
from ._judge_book import book
from ._judge_call import Judge as Judging
from ._judge_call import Verdict
from ._judge_settings import backend, settings
from ._lipsync_clip import check_speech

REPEATS = 3
SOURCE = "UniAVGen supplement (arXiv 2511.03334v2), there by Gemini-2.5-Pro"


def _mean(name: str, what: str) -> Column:
    summary = f"{what}, graded 0, 0.25, … 1 by a judge model from frames and sound; mean of three calls"
    return Column(name, "1", Direction.UP, 0.0, 1.0, summary, SOURCE)


def _spread(name: str, of: str) -> Column:
    summary = f"how far the three calls of {of} are apart on one clip: their sample standard deviation"
    return Column(name, "1", Direction.NONE, 0.0, 1.0, summary, "avbench")


class Judge(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        _mean("judge_timbre", "TC: does the voice fit the speaker's gender and age"),
        _mean("judge_emotion", "EC: does the emotion of the voice fit that of face and body"),
        _spread("judge_timbre_sd", "judge_timbre"),
        _spread("judge_emotion_sd", "judge_emotion"),
    )
    answers: ClassVar[Mapping[str, Answers]] = {ALL: Answers(ignores=TEXT)}  # the prompt is not shown to the judge
    least: ClassVar[str] = "1 frame and any sound"
    terms: ClassVar[str] = "those of the service that is asked"
    needs = (ShownFrames(), ShownSound())
    backend: ClassVar[str] = backend()
    core: ClassVar[bool] = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        check_speech(clip.prompt)
        frames, sound = features[ShownFrames()], features[ShownSound()]
        shown = Shown(frames, 1 / FPS, sound.wav, sound.seconds)
        verdicts = [self._judge.verdict(shown, repeat) for repeat in range(REPEATS)]
        timbre, emotion = means(verdicts)
        spreads = spread(verdicts)
        return {
            "judge_timbre": Score("judge_timbre", self.backend, timbre, detail=self._facts(shown, verdicts)),
            "judge_emotion": emotion,
            "judge_timbre_sd": spreads[0],
            "judge_emotion_sd": spreads[1],
        }

    @cached_property
    def _judge(self) -> Judging:
        return Judging(settings(), book())

    def _facts(self, shown: Shown, verdicts: Sequence[Verdict]) -> dict[str, JSON]:
        asked = self._judge.asked
        return {
            "model": asked.model,
            "interface": asked.api,
            "prompt_sha256": hashlib.sha256(asked.prompt.encode()).hexdigest(),
            "sampling": "the server's defaults",
            "frames": len(shown.frames),
            "seconds_of_sound": shown.seconds,
            "calls": [
                {
                    "grades": [verdict.grades.timbre, verdict.grades.emotion],
                    "rejected": len(verdict.answers) - 1,
                    "answers": [
                        {
                            "at": datetime.fromtimestamp(kept.at, UTC).isoformat(timespec="seconds"),
                            "model": kept.model,
                            "reply": kept.reply,
                        }
                        for kept in verdict.answers
                    ],
                }
                for verdict in verdicts
            ],
        }


def means(verdicts: Sequence[Verdict]) -> tuple[float, float]:
    """Mean timbre and emotion of a clip's calls."""
    return fmean(v.grades.timbre for v in verdicts), fmean(v.grades.emotion for v in verdicts)


def spread(verdicts: Sequence[Verdict]) -> tuple[float, float]:
    """Their sample standard deviations."""
    return stdev(v.grades.timbre for v in verdicts), stdev(v.grades.emotion for v in verdicts)
