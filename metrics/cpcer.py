"""Does each speaker say their own lines? Character errors under the best assignment of heard to asked speakers.

Who said what comes from a transcript with speakers, which no model that ships can write: `CLIP.speakers.txt` beside the
clip (`a_s0.speakers.txt` beside `a_s0.mp4`), UTF-8, such as `[S01] Hello. [S02] Hi.`; MOSS-Transcribe-Diarize writes
this form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import ALL, PICTURE, SOUND, Answers, Fault
from avbench.errors import NotApplicable, Unscored
from avbench.parts import Features
from avbench.records import JSON, Clip, Column, Direction, Prompt, Score, SetScore
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary

from ._error_rate import best_speakers, corpus, corpus_column, corpus_name, corpus_statistic, packed
from ._text import by_speaker, mova


class CpCer(SetMetric):
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "cpcer",
            unit="1",
            direction=Direction.DOWN,
            low=0.0,
            high=float("inf"),
            summary="character error rate of each speaker's lines, speakers matched as suits best; for prompts with "
            "two or more speakers; needs CLIP.speakers.txt beside the clip",
            source="OpenMOSS/MOVA evaluation/metrics/cpcer, a fraction instead of percent",
        ),
    )
    least: ClassVar[str] = "any"
    set_columns = tuple(map(corpus_column, columns))
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.REPLACE_WORDS,), ignores=(*SOUND, *PICTURE, Fault.WRONG_CAPTION))
    }
    backend = "speakers.txt"
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        reference, heard = compared(clip)
        counts = best_speakers(reference, heard)
        detail: dict[str, JSON] = {"asked": reference, "heard": heard, **asdict(counts)}
        return {"cpcer": Score("cpcer", self.backend, counts.rate, detail=detail)}

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[np.int64]]:
        return {"cpcer": packed(best_speakers(*compared(clip)))}

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        return {corpus_name("cpcer"): corpus(materials, "cpcer", self.backend)}

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return {corpus_name("cpcer"): corpus_statistic(materials, "cpcer")}


def compared(clip: Clip) -> tuple[dict[str, str], dict[str, str]]:
    """Speaker to text, as asked and as heard. Raises NotApplicable or Unscored."""
    reference = asked(clip.prompt)
    return reference, {name: mova(text) for name, text in by_speaker(read(speakers_file(clip.path))).items()}


def asked(prompt: Prompt) -> dict[str, str]:
    """Speaker to all that they shall say. Raises NotApplicable with fewer than two speakers."""
    said: dict[str, str] = {}
    for line in prompt.speech:
        said[line.speaker] = said.get(line.speaker, "") + mova(line.text)
    if len(said) < 2:
        raise NotApplicable("the prompt does not have two speakers")
    if not any(said.values()):
        raise NotApplicable("the prompt's lines hold no words")
    return said


def speakers_file(clip: Path) -> Path:
    """Where the transcript with speakers of a clip lies."""
    return clip.with_name(f"{clip.stem}.speakers.txt")


def read(path: Path) -> str:
    """The transcript. Raises Unscored when it is absent, not text, or names no speaker though it has words."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Unscored(
            f"needs a transcript with speakers, {path.name} beside the clip: [S01] Hello. [S02] Hi."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unscored(f"{path.name} cannot be read as UTF-8 text: {error}") from error
    if text.strip() and not by_speaker(text):
        raise Unscored(f"{path.name} names no speaker; write [S01] before what the first one says")
    return text
