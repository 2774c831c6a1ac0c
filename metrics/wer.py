"""Is what was asked for what is said? Error rates of a transcript by Whisper against the prompt's lines.

A clip in which silero-vad finds no speech has nothing to transcribe: every word is a deletion (rate 1), and Whisper,
which writes stock phrases on silence, is not asked. The rate of a set is that of the pooled counts, not the mean of its
items (`_error_rate.pool`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import ALL, PICTURE, Answers, Fault
from avbench.errors import NotApplicable, Unscored
from avbench.parts import Features, Materials, SetMetric
from avbench.records import JSON, Clip, Column, Direction, Prompt, Score, SetScore, Status
from avbench.weights import backend

from ._backbones.vad import VoiceActivity
from ._backbones.whisper import Transcript, Whisper
from ._error_rate import corpus, corpus_column, corpus_name, packed
from ._text import CHINESE, VERSE_BENCH, WHISPER_ENGLISH, WHISPER_ENGLISH_CHARACTERS, TextHandling

BY_LANGUAGE: Mapping[str, Mapping[str, TextHandling]] = {
    "en": {"wer": WHISPER_ENGLISH, "cer": WHISPER_ENGLISH_CHARACTERS},
    "zh": {"cer": CHINESE, "wer_zh_char": CHINESE, "wer_zh_whitespace": VERSE_BENCH},
}
ASR = "openai-whisper large-v3, beam 5, temperature 0, language of the prompt; silero-vad gates silence"


def _column(name: str, summary: str, text: str) -> Column:
    return Column(
        name,
        unit="1",
        direction=Direction.DOWN,
        low=0.0,
        high=float("inf"),
        summary=f"{summary}; for prompts with speech",
        source=f"{ASR}; {text}; edits by jiwer 4",
    )


class Wer(SetMetric):
    columns: ClassVar[tuple[Column, ...]] = (
        _column("wer", "word error rate of English speech, a fraction", "OpenAI's English normaliser"),
        _column(
            "cer",
            "character error rate, a fraction",
            "English by OpenAI's normaliser, with spaces; Chinese by NFKC, zhconv zh-cn and OpenAI's basic normaliser",
        ),
        _column("wer_zh_char", "word error rate of Chinese speech, every character a word", "normalised as for cer"),
        _column(
            "wer_zh_whitespace",
            "legacy: word error rate of unsegmented Chinese, as some papers print it; a clause counts as one word",
            "Verse-Bench's text handling (lower case, punctuation counts)",
        ),
    )
    set_columns = tuple(map(corpus_column, columns))
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(
            worse=(Fault.SWAP_AUDIO, Fault.MUTE, Fault.DROP_WORDS, Fault.REPLACE_WORDS),
            ignores=(*PICTURE, Fault.WRONG_CAPTION),
        )
    }
    needs = (VoiceActivity(), Whisper())
    backend: ClassVar[str] = backend("whisper-large-v3")
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        language, reference = asked(clip.prompt)
        handlings = BY_LANGUAGE[language]
        others = [column.name for column in self.columns if column.name not in handlings]
        foreign = self._without(others, Status.NOT_APPLICABLE, f"the speech is in {language}")
        try:
            heard = heard_in(features, language)
            text = heard.text if heard else ""
            counts = {name: handling.count(reference, text) for name, handling in handlings.items()}
        except Unscored as reason:
            return {**foreign, **self._without(handlings, Status.UNSCORED, str(reason))}
        if not all(found.reference for found in counts.values()):
            raise NotApplicable("the prompt's lines hold no words")
        shared: dict[str, JSON] = {"language": language, "speech_found": heard is not None}
        shared |= {"asked": reference, "heard": text}
        if heard:
            shared |= {"log_probability": heard.log_probability, "no_speech_probability": heard.no_speech_probability}
        rates = {
            name: Score(name, self.backend, found.rate, detail=handlings[name].facts(reference, text, found))
            for name, found in counts.items()
        }
        first = next(iter(rates))
        rates[first] = replace(rates[first], detail={**shared, **(rates[first].detail or {})})
        return {**foreign, **rates}

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[np.int64]]:
        """The counts of edits, by column."""
        language, reference = asked(clip.prompt)
        heard = heard_in(features, language)
        text = heard.text if heard else ""
        counts = {name: handling.count(reference, text) for name, handling in BY_LANGUAGE[language].items()}
        if not all(found.reference for found in counts.values()):
            raise NotApplicable("the prompt's lines hold no words")
        return {name: packed(found) for name, found in counts.items()}

    def pool(self, materials: Materials, reference: Materials | None) -> Mapping[str, SetScore]:
        return {corpus_name(c.name): corpus(materials, c.name, self.backend) for c in self.columns}

    def _without(self, names: Iterable[str], status: Status, reason: str) -> dict[str, Score]:
        return {name: Score(name, self.backend, None, status, reason) for name in names}


def heard_in(features: Features, language: str) -> Transcript | None:
    """What is said; None where there is no speech. Raises Unscored without Whisper."""
    return features[Whisper()].transcript(language) if features[VoiceActivity()].segments else None


def asked(prompt: Prompt) -> tuple[str, str]:
    """Language and text of the prompt's lines, in order. Raises NotApplicable without speech or with two languages."""
    languages = sorted({line.language for line in prompt.speech})
    if not languages:
        raise NotApplicable("the prompt asks for no speech")
    if len(languages) > 1:
        raise NotApplicable(f"the prompt's lines are in {' and '.join(languages)}; a transcript has one language")
    if languages[0] not in BY_LANGUAGE:
        raise NotApplicable(f"no text handling for language {languages[0]}; known: {', '.join(BY_LANGUAGE)}")
    return languages[0], " ".join(line.text for line in prompt.speech)
