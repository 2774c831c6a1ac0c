"""Is what was asked for what is said? Error rates of a transcript by the world's own recogniser: no download.

For the voices of the world, and of the bundled models that learned from it; numbers of other speech mean nothing.
Mandarin is compared as toned pinyin on both sides, since which of its homophones a syllable is cannot be heard: a
syllable is wrong where initial, final or tone is. Scored as `_spoken` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.answers import ALL, PICTURE, Answers, Fault
from avbench.errors import Unscored
from avbench.parts import Features
from avbench.records import Clip, Column, Score

from ._backbones._shipped import file_of, ships
from ._backbones.domain import WorldLook, check_world
from ._backbones.vad import VoiceActivity
from ._backbones.world_ear import WorldEar
from ._backbones.world_text import pinyin, spoken_letters
from ._error_rate import corpus_column, count_characters, count_words
from ._spoken import SpokenWords, rate_column
from ._text import TextHandling

ASR = "recogniser trained on espeak-ng in the world's noises (docs/scorers.md); silero-vad gates silence"


def _asked_letters(text: str) -> str:
    return spoken_letters(_spelled(text))


def _asked_pinyin(text: str) -> str:
    return pinyin(_spelled(text))


def _spelled(text: str) -> str:
    if any(letter.isdigit() for letter in text):
        raise Unscored("the prompt's lines hold digits, which the world's recogniser does not write; spell them out")
    return text


def _heard(text: str) -> str:
    return text


def _column(name: str, summary: str, text: str) -> Column:
    return rate_column(name, summary, f"{ASR}; {text}")


class WerWorld(SpokenWords):
    columns: ClassVar[tuple[Column, ...]] = (
        _column("wer", "word error rate of English speech, a fraction", "small letters and apostrophes"),
        _column(
            "cer",
            "character error rate, a fraction; Chinese: of toned pinyin syllables, one for each character",
            "English with spaces; Chinese by pypinyin on the reference",
        ),
        _column(
            "wer_zh_char",
            "word error rate of Chinese speech, every character a word: of toned pinyin syllables",
            "as for cer",
        ),
    )
    by_language: ClassVar[Mapping[str, Mapping[str, TextHandling]]] = {
        "en": {
            "wer": TextHandling("letters", _asked_letters, _heard, count_words),
            "cer": TextHandling("cer_letters", _asked_letters, _heard, count_characters),
        },
        "zh": {
            "cer": TextHandling("pinyin", _asked_pinyin, _heard, count_words),
            "wer_zh_char": TextHandling("pinyin", _asked_pinyin, _heard, count_words),
        },
    }
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.MUTE, Fault.DROP_WORDS, Fault.REPLACE_WORDS), ignores=PICTURE)
    }
    recogniser = WorldEar()
    least: ClassVar[str] = "0.25 s of sound"
    terms: ClassVar[str] = "the scorers that ship with avbench: Apache-2.0"
    set_columns = tuple(map(corpus_column, columns))
    needs = (WorldLook(), VoiceActivity(), recogniser)
    version: ClassVar[str] = "2"  # weights of a longer training
    backend: ClassVar[str] = "world-1"
    shipped: ClassVar[tuple[Path, ...]] = (file_of("domain"), file_of("asr"))
    core: ClassVar[bool] = ships("asr")

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        check_world(features)
        return super().score(clip, features)

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[np.int64]]:
        check_world(features)
        return super().material(clip, features)
