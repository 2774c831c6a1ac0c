"""Builds the recogniser's lexicon: which words there are, and how espeak-ng says them alone and beside others."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from avbench.world.sayings import draw, frequent

from .._backbones.world_lexicon import PIECE, VOICES, Entry, Lexicon
from .._backbones.world_text import pinyin, spoken_letters
from ._asr_espeak import Said, phonemes

WORDS = 20_000
SENTENCES = 3000  # from which it is learned how words are said beside others
LANGUAGE_OF = {voice: language for language, voices in VOICES.items() for voice in voices}
_SOUNDS = (  # phonemes to letters, the first that the mnemonic starts with
    ("tS", "ch"), ("dZ", "j"), ("S", "sh"), ("Z", "s"), ("T", "th"), ("D", "th"), ("N", "ng"), ("eI", "ai"),
    ("aI", "i"), ("OI", "oi"), ("aU", "ow"), ("oU", "o"), ("i", "ee"), ("u", "oo"), ("U", "oo"), ("O", "o"), ("0", "o"),
    ("A", "a"), ("a", "a"), ("V", "u"), ("E", "e"), ("e", "e"), ("I", "i"), ("3", "er"), ("@", "e"), ("j", "y"),
    ("r", "r"),
)  # fmt: skip


def build(seed: int = 0, words: int = WORDS, sentences: int = SENTENCES) -> Lexicon:
    """From wordfreq's words, pypinyin's characters and espeak-ng. Needs the packages of training."""
    said = {voice: _english(voice, words, sentences, seed) for voice in VOICES["en"]}
    said |= {voice: _mandarin(voice, words) for voice in VOICES["zh"]}
    symbols = ("_", *sorted({phone for found in said.values() for one, _ in found for phone in one.phones}))
    number = {symbol: i for i, symbol in enumerate(symbols)}
    entries = {}
    for voice, found in said.items():
        listed = [
            Entry(text, tuple(number[phone] for phone in one.phones), one.tones, weight)
            for (one, text), weight in found.items()
        ]
        if LANGUAGE_OF[voice] == "en":
            used = sorted({phone for entry in listed for phone in entry.phones})
            listed += [Entry(PIECE + _letters(symbols[phone]), (phone,), (0,), 0.0) for phone in used]
        entries[voice] = tuple(listed)
    return Lexicon(symbols, entries)


Found = dict[tuple[Said, str], float]


def _english(voice: str, words: int, sentences: int, seed: int) -> Found:
    """Every word alone, and how it was said, alone or run together with its neighbours, in drawn sentences."""
    ranked = frequent("en", words)
    weight = {word: -float(np.log(rank + 8)) for rank, word in enumerate(ranked)}
    last = min(weight.values())
    found: Found = {}
    for word in ranked:
        found[Said.together(phonemes(word, voice)), word] = weight[word]
    rng = np.random.default_rng((seed, 0x1E))
    counts: Counter[tuple[Said, str]] = Counter()
    for _ in range(sentences):
        text = draw(rng, "en")
        pieces = spoken_letters(text).split()
        for said, piece in _aligned(phonemes(text, voice), pieces, found):
            counts[said, piece] += 1
    for (said, piece), count in counts.items():
        if (said, piece) in found or count < 2:
            continue
        parts = piece.split()
        found[said, piece] = sum(weight.get(part, last) for part in parts) - (0.7 if len(parts) == 1 else 0.0)
    return found


def _aligned(groups: list[Said], pieces: list[str], known: Found) -> list[tuple[Said, str]]:
    """Which words each group is; nothing where that is not clear. espeak-ng says `of the` as one."""
    if len(groups) == len(pieces):
        return list(zip(groups, pieces, strict=True))
    out: list[tuple[Said, str]] = []
    at = 0
    for i, group in enumerate(groups):
        spare = len(pieces) - at - (len(groups) - i)
        alone = at < len(pieces) and (group, pieces[at]) in known
        if not alone and (spare < 1 or i + 1 == len(groups) or at + 2 >= len(pieces)):
            break
        take = 1 if alone else 2
        if take == 2 and (groups[i + 1], pieces[at + 2]) not in known:
            break
        out.append((group, " ".join(pieces[at : at + take])))
        at += take
    return out


def _mandarin(voice: str, words: int) -> Found:
    """Every syllable that pypinyin knows of a character in use, and words of more than one, as espeak-ng says them."""
    from pypinyin.constants import PINYIN_DICT

    found: Found = {}
    counts: Counter[tuple[Said, str]] = Counter()
    for code in PINYIN_DICT:
        if 0x4E00 <= code <= 0x9FA5:
            groups = phonemes(chr(code), voice)
            syllable = pinyin(chr(code))
            if len(groups) == 1 and groups[0].tones[0] and re.fullmatch(r"[a-z]+[1-5]", syllable):
                counts[groups[0], syllable] += 1
    rng = np.random.default_rng(0x1F)
    for _ in range(SENTENCES):
        text = draw(rng, "zh")
        groups, syllables = phonemes(text, voice), pinyin(text).split()
        if len(groups) == len(syllables):
            counts.update(zip(groups, syllables, strict=True))
    total = sum(counts.values())
    for pair, count in counts.items():
        if count >= 3 or not any(other == pair[0] for other, _ in counts if other is not pair[0]):
            found[pair] = float(np.log(count / total))
    for rank, word in enumerate(frequent("zh", words)):
        groups, text = phonemes(word, voice), pinyin(word)
        if len(word) > 1 and len(groups) == len(text.split()) and all(said.tones[0] for said in groups):
            found.setdefault((Said.together(groups), text), -float(np.log(rank + 8)))
    return found


def _letters(symbol: str) -> str:
    spelled = next((letters for start, letters in _SOUNDS if symbol.startswith(start)), "")
    return spelled or re.sub(r"[^a-z]", "", symbol) or "e"
