"""Is what was asked for what is said? Error rates of a transcript against the prompt's lines, by any recogniser.

A clip in which silero-vad finds no speech has nothing to transcribe: every word is a deletion (rate 1), and the
recogniser, which may invent words on silence, is not asked. The rate of a set is that of the pooled counts, not the
mean of its items (`_error_rate.pool`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.parts import AudioBackbone, Features
from avbench.records import JSON, Clip, Column, Direction, Prompt, Score, SetScore, Status
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary

from ._backbones.transcript import Heard, Transcript
from ._backbones.vad import VoiceActivity
from ._error_rate import corpus, corpus_name, corpus_statistic, packed
from ._text import TextHandling


class SpokenWords(SetMetric):
    """Error rates by one recogniser. `by_language` says which columns a language has and how its texts are read."""

    by_language: ClassVar[Mapping[str, Mapping[str, TextHandling]]]
    recogniser: ClassVar[AudioBackbone[Heard]]

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        language, reference = asked(clip.prompt, self.by_language)
        handlings = self.by_language[language]
        others = [column.name for column in self.columns if column.name not in handlings]
        foreign = self._without(others, Status.NOT_APPLICABLE, f"the speech is in {language}")
        try:
            heard = self._heard(features, language)
            text = heard.text if heard else ""
            counts = {name: handling.count(reference, text) for name, handling in handlings.items()}
        except Unscored as reason:
            return {**foreign, **self._without(handlings, Status.UNSCORED, str(reason))}
        if not all(found.reference for found in counts.values()):
            raise NotApplicable("the prompt's lines hold no words")
        shared: dict[str, JSON] = {"language": language, "speech_found": heard is not None}
        shared |= {"asked": reference, "heard": text}
        if heard:
            shared |= {"log_probability": heard.log_probability}
            if heard.no_speech_probability is not None:
                shared |= {"no_speech_probability": heard.no_speech_probability}
        rates = {
            name: Score(name, self.backend, found.rate, detail=handlings[name].facts(reference, text, found))
            for name, found in counts.items()
        }
        first = next(iter(rates))
        rates[first] = replace(rates[first], detail={**shared, **(rates[first].detail or {})})
        return {**foreign, **rates}

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[np.int64]]:
        """The counts of edits, by column."""
        language, reference = asked(clip.prompt, self.by_language)
        heard = self._heard(features, language)
        text = heard.text if heard else ""
        counts = {name: handling.count(reference, text) for name, handling in self.by_language[language].items()}
        if not all(found.reference for found in counts.values()):
            raise NotApplicable("the prompt's lines hold no words")
        return {name: packed(found) for name, found in counts.items()}

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        return {corpus_name(c.name): corpus(materials, c.name, self.backend) for c in self.columns}

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return {corpus_name(c.name): corpus_statistic(materials, c.name) for c in self.columns}

    def _heard(self, features: Features, language: str) -> Transcript | None:
        """What is said; None where there is no speech. Raises Unscored without the recogniser."""
        return features[self.recogniser].transcript(language) if features[VoiceActivity()].segments else None

    def _without(self, names: Iterable[str], status: Status, reason: str) -> dict[str, Score]:
        return {name: Score(name, self.backend, None, status, reason) for name in names}


def rate_column(name: str, summary: str, source: str) -> Column:
    """The column of an error rate."""
    return Column(
        name,
        unit="1",
        direction=Direction.DOWN,
        low=0.0,
        high=float("inf"),
        summary=f"{summary}; for prompts with speech",
        source=f"{source}; edits by jiwer 4",
    )


def asked(prompt: Prompt, known: Collection[str]) -> tuple[str, str]:
    """Language and text of the prompt's lines, in order. Raises NotApplicable without speech or with two languages."""
    languages = sorted({line.language for line in prompt.speech})
    if not languages:
        raise NotApplicable("the prompt asks for no speech")
    if len(languages) > 1:
        raise NotApplicable(f"the prompt's lines are in {' and '.join(languages)}; a transcript has one language")
    if languages[0] not in known:
        raise NotApplicable(f"no text handling for language {languages[0]}; known: {', '.join(known)}")
    return languages[0], " ".join(line.text for line in prompt.speech)
