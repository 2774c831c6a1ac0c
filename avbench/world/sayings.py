"""What is said to train on hearing and reading: sentences of the world's grammar, and words in a row that none made.

The words in a row keep a recogniser from becoming a model of that grammar, and teach a generator to read words that it
lacks. They come from wordfreq (extra `train`) and, in Mandarin, from pypinyin's phrases; common ones come often.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avbench.errors import UsageError
from avbench.world.sentences import sentence, words

COMMON = 12_000  # words trained on; rarer ones show how open the vocabulary is
_ENGLISH = re.compile(r"(?=.*[aeiouy])[a-z]{2,14}(?:'(?:s|t|re|ve|ll|d|m))?|[ai]|i'm|i'd|i'll|i've")
_CHINESE = re.compile(r"[\u4e00-\u9fff]{1,4}")


def draw(rng: np.random.Generator, language: str) -> str:
    """One text to be spoken, with a capital and punctuation."""
    if rng.random() < 0.3:
        return sentence(rng, language)
    bank, odds = _bank(language)
    if language == "zh":
        pieces = [bank[i] for i in rng.choice(len(bank), int(rng.integers(1, 7)), p=odds)]
        return "".join(pieces)[:14] + _end(rng, "。？")
    pieces = [bank[i] for i in rng.choice(len(bank), int(rng.integers(2, 12)), p=odds)]
    if len(pieces) > 4 and rng.random() < 0.3:
        pieces[len(pieces) // 2] += ","
    text = " ".join(pieces)
    return text[0].upper() + text[1:] + _end(rng, ".?")


def rare(rng: np.random.Generator) -> str:
    """Six English words that are not among those of `draw`."""
    bank = [word for word in frequent("en", 2 * COMMON)[COMMON:] if word not in _own("en") and "'" not in word]
    return " ".join(bank[i] for i in rng.integers(len(bank), size=6)).capitalize() + "."


def _end(rng: np.random.Generator, marks: str) -> str:
    return marks[0] if rng.random() < 0.7 else marks[1] if rng.random() < 0.5 else ""


@cache
def _bank(language: str) -> tuple[list[str], NDArray[np.float64]]:
    """Words and how likely each is: as one over the root of its rank; the world's own words are raised."""
    weight = {word: (rank + 3) ** -0.5 for rank, word in enumerate(frequent(language, COMMON))}
    if language == "zh":
        from pypinyin.phrases_dict import phrases_dict

        listed = sorted(phrase for phrase in phrases_dict if _CHINESE.fullmatch(phrase))
        weight |= {phrase: weight.get(phrase, 0.5 * COMMON**-0.5) for phrase in listed[::6]}
    for word in sorted(_own(language)):
        weight[word] = max(weight.get(word, 0.0), 2000**-0.5)
    odds = np.array(list(weight.values()))
    return list(weight), odds / odds.sum()


@cache
def _own(language: str) -> frozenset[str]:
    return frozenset(word.lower() for entries in words(language).values() for word in entries)


@cache
def frequent(language: str, count: int) -> tuple[str, ...]:
    fits = _ENGLISH if language == "en" else _CHINESE
    listed = _wordfreq().top_n_list(language, count * 2)
    return tuple([word for word in listed if fits.fullmatch(word)][:count])


def _wordfreq() -> Any:
    try:
        import wordfreq
    except ImportError as error:
        raise UsageError("this trains on words of the package wordfreq: pip install 'avbench[train]'") from error
    return wordfreq
