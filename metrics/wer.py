"""Is what was asked for what is said? Error rates of a transcript by Whisper against the prompt's lines.

Scored as `_spoken` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, PICTURE, Answers, Fault
from avbench.records import Column
from avbench.weights import backend

from ._backbones.vad import VoiceActivity
from ._backbones.whisper import Whisper
from ._error_rate import corpus_column
from ._spoken import SpokenWords, rate_column
from ._text import CHINESE, VERSE_BENCH, WHISPER_ENGLISH, WHISPER_ENGLISH_CHARACTERS, TextHandling

ASR = "openai-whisper large-v3, beam 5, temperature 0, language of the prompt; silero-vad gates silence"


def _column(name: str, summary: str, text: str) -> Column:
    return rate_column(name, summary, f"{ASR}; {text}")


class Wer(SpokenWords):
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
    by_language: ClassVar[Mapping[str, Mapping[str, TextHandling]]] = {
        "en": {"wer": WHISPER_ENGLISH, "cer": WHISPER_ENGLISH_CHARACTERS},
        "zh": {"cer": CHINESE, "wer_zh_char": CHINESE, "wer_zh_whitespace": VERSE_BENCH},
    }
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(
            worse=(Fault.SWAP_AUDIO, Fault.MUTE, Fault.DROP_WORDS, Fault.REPLACE_WORDS),
            ignores=(*PICTURE, Fault.WRONG_CAPTION),
        )
    }
    recogniser = Whisper()
    least: ClassVar[str] = "0.25 s of sound"
    weights: ClassVar[tuple[str, ...]] = ("whisper_large_v3",)
    set_columns = tuple(map(corpus_column, columns))
    needs = (VoiceActivity(), recogniser)
    backend: ClassVar[str] = backend("whisper-large-v3")
    core = False
