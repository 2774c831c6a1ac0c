"""Text handling of error rates: what each protocol makes of a transcript before it counts.

Sources: openai/whisper (whisper/normalizers), Dorniwang/Verse-Bench (wer/wer_inferencer.py),
BytedanceSpeech/seed-tts-eval (run_wer.py), SWivid/F5-TTS (utils_eval.py), OpenMOSS/MOVA (evaluation/metrics/cpcer).
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, partial

from avbench.records import JSON

from ._backbones._paper import library
from ._error_rate import Counts, count_characters, count_words

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_OR_RUN = re.compile(rf"[{_HAN}]|[^\s{_HAN}]+")
_SPEAKER = re.compile(r"\[S(\d+)\]", re.IGNORECASE)
_MOVA_DROPS = frozenset(
    " \t\r\n!,?、。！，；？：「」︰『』《》.-|()[]{}\"'…·—～【】〔〕〈〉﹃﹄﹁﹂‘’“”"
)  # the list of speaker_timestamp_utils.py


@dataclass(frozen=True, slots=True)
class TextHandling:
    """A protocol by name: what it makes of the reference and of the hypothesis, and what it counts."""

    name: str
    reference: Callable[[str], str]
    hypothesis: Callable[[str], str]
    compare: Callable[[str, str], Counts]

    def count(self, reference: str, hypothesis: str) -> Counts:
        """Edits between two raw texts."""
        return self.compare(self.reference(reference), self.hypothesis(hypothesis))

    def facts(self, reference: str, hypothesis: str, counts: Counts) -> dict[str, JSON]:
        """What was compared, as this protocol reads the two raw texts, and the edits counted."""
        texts = {"reference": self.reference(reference), "hypothesis": self.hypothesis(hypothesis)}
        return {"text_handling": self.name, **texts, **asdict(counts)}


def whisper_english(text: str) -> str:
    """OpenAI's English normaliser: numbers to digits, contractions apart, British spelling to American."""
    return str(_english()(text)).strip()


def whisper_basic(text: str, split_letters: bool = False) -> str:
    """OpenAI's normaliser for any language; `split_letters` puts a space after every letter."""
    return str(_basic(split_letters)(text))


def chinese(text: str) -> str:
    """NFKC, simplified script, OpenAI's basic normaliser, no spaces: one token a character.

    Numbers stay as they are written: 二十 against 20 is two edits, and 5.5 becomes 55.
    """
    return "".join(_simplified_basic(text).split())


def mixed(text: str) -> str:
    """As `chinese`, with Chinese characters one by one and everything between them as words."""
    return " ".join(_HAN_OR_RUN.findall(_simplified_basic(text)))


def verse_bench(text: str) -> str:
    """Lower case only: punctuation counts, and an unsegmented Chinese clause is one word."""
    return text.strip().lower()


def seed_tts(text: str, *, chinese: bool, keep: str = "'", simplify: bool = False) -> str:
    """No Chinese or ASCII punctuation but `keep`; lower-case words in English, every character a word in Chinese."""
    if simplify:
        text = _simplified(text)
    text = "".join(c for c in text if c in keep or c not in _all_punctuation()).replace("  ", " ")
    return " ".join(text) if chinese else text.lower()


def mova(text: str) -> str:
    """No white space, no punctuation, lower case."""
    return "".join(c for c in text if c not in _MOVA_DROPS).lower()


def by_speaker(tagged: str) -> dict[str, str]:
    """Speaker to all that they say, of a transcript such as `[S01] Hello. [S02] Hi. [S01] Sit down.`"""
    said: dict[str, str] = {}
    _, *parts = _SPEAKER.split(tagged)
    for number, text in zip(parts[::2], parts[1::2], strict=True):
        said[f"S{int(number):02d}"] = said.get(f"S{int(number):02d}", "") + text.strip()
    return said


def _verse_bench_heard(text: str) -> str:
    """Nothing but ASCII punctuation counts as silence there."""
    text = verse_bench(text)
    return "" if all(c in string.punctuation for c in text) else text


def _simplified_basic(text: str) -> str:
    return whisper_basic(_simplified(unicodedata.normalize("NFKC", text)))


def _simplified(text: str) -> str:
    return str(library("zhconv").convert(text, "zh-cn"))


@cache
def _english() -> Callable[[str], str]:
    return library("whisper.normalizers").EnglishTextNormalizer()  # type: ignore[no-any-return]


@cache
def _basic(split_letters: bool) -> Callable[[str], str]:
    return library("whisper.normalizers").BasicTextNormalizer(split_letters=split_letters)  # type: ignore[no-any-return]


@cache
def _all_punctuation() -> frozenset[str]:
    return frozenset(library("zhon.hanzi").punctuation + string.punctuation)


def _same(name: str, normalise: Callable[[str], str], compare: Callable[[str, str], Counts]) -> TextHandling:
    return TextHandling(name, normalise, normalise, compare)


def _seed_tts(name: str, chinese: bool, keep: str) -> TextHandling:
    """Only the hypothesis is put into simplified script, which costs a traditional reference dearly."""
    reference = partial(seed_tts, chinese=chinese, keep=keep)
    return TextHandling(name, reference, partial(reference, simplify=chinese), count_words)


WHISPER_ENGLISH = _same("whisper_english", whisper_english, count_words)
WHISPER_ENGLISH_CHARACTERS = _same("cer_whisper_english", whisper_english, count_characters)
WHISPER_BASIC = _same("whisper_basic_unsegmented", whisper_basic, count_words)
WHISPER_BASIC_LETTERS = _same("whisper_basic_split_letters", partial(whisper_basic, split_letters=True), count_words)
CHINESE = _same("recommended_zh", chinese, count_characters)
MIXED = _same("mixed_tokens", mixed, count_words)
VERSE_BENCH = TextHandling("verse_bench", verse_bench, _verse_bench_heard, count_words)
SEED_TTS = {"en": _seed_tts("seed_tts_eval", False, "'"), "zh": _seed_tts("seed_tts_eval", True, "'")}
F5_TTS = {"en": _seed_tts("f5_tts", False, ""), "zh": _seed_tts("f5_tts", True, "")}
HANDLINGS = {
    "en": (WHISPER_ENGLISH, WHISPER_ENGLISH_CHARACTERS, VERSE_BENCH, SEED_TTS["en"], F5_TTS["en"]),
    "zh": (WHISPER_BASIC, WHISPER_BASIC_LETTERS, CHINESE, MIXED, VERSE_BENCH, SEED_TTS["zh"], F5_TTS["zh"]),
}
