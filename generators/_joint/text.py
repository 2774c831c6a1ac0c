"""What the streams read: captions as hashed words, the transcript as letters stretched over the audio timeline.

Mandarin is spelled in pinyin. English is spelled in its letters or, where a model's `audio.spelling` says `sounds`, in
the phonemes of espeak-ng: a small model reads words that it never met, and need not learn how English is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from zlib import crc32

import torch
from torch import Tensor

from avbench.records import Prompt

VIDEO_WORDS, AUDIO_WORDS, LETTERS = 40, 56, 96
_SEPARATOR = "|"
ALPHABET = "^ abcdefghijklmnopqrstuvwxyz'ABCDEFGHIJKLMNOPQRSTUVWXYZ12345"  # capitals and tone digits: pinyin
SOUNDS = (  # espeak-ng's mnemonics of American and British English
    "n", "t", "s", "I", "d", "k", "r", "l", "@", "m", "p", "E", "z", "a", "b", "eI", "f", "i", "i:", "aI", "a#", "3",
    "0", "I2", "V", "v", "w", "oU", "u:", "D", "N", "g", "S", "@L", "h", "dZ", "j", "@2", "I#", ";", "3:", "tS", "A@",
    "O@", "t#", "aU", "T", "O:", "U", "r-", "e@", "i@", "aa", "o@", "i@3", "O2", "OI", "A:", "U@", "aI@", "Z", "@-",
    "@5", "t2", "aI3", "n-", "?", "A~", "O", "x",
)  # fmt: skip
_SYMBOLS = {"letters": tuple(ALPHABET), "sounds": (*ALPHABET, *(f"/{sound}" for sound in SOUNDS))}
SPELLINGS = tuple(_SYMBOLS)
_IDS = {symbol: i for i, symbol in enumerate(_SYMBOLS["sounds"])}
SILENCE = _IDS["^"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Everything textual about a batch. Ids are int64 and 0 is padding (words) or silence (letters).

    `video_words` (B, 40), `audio_words` (B, 56), `letters` (B, 96); `reading` (B, La) is the index into `letters`
    that each audio token speaks and `phase` (B, La) in [0, 1) how far through it is.
    """

    video_words: Tensor
    audio_words: Tensor
    letters: Tensor
    reading: Tensor
    phase: Tensor

    def to(self, device: str | torch.device) -> Condition:
        return Condition(*(getattr(self, f.name).to(device) for f in fields(self)))

    def empty(self) -> Condition:
        """No captions and no transcript."""
        every = torch.ones(len(self.letters), dtype=torch.bool, device=self.letters.device)
        return self.drop(every, every)

    def drop(self, words: Tensor, letters: Tensor) -> Condition:
        """The condition without the captions, or without the transcript, where the masks (B,) are true."""
        return replace(
            self,
            video_words=self.video_words.masked_fill(words[:, None], 0),
            audio_words=self.audio_words.masked_fill(words[:, None], 0),
            letters=self.letters.masked_fill(letters[:, None], SILENCE),
            reading=self.reading.masked_fill(letters[:, None], 0),
            phase=self.phase.masked_fill(letters[:, None], 0),
        )


def caption_words(prompt: Prompt, buckets: int) -> tuple[list[int], list[int]]:
    """Word ids for the video and the audio stream; audio reads both captions, since a voice goes with a face."""
    seen, heard = _words(prompt.video_caption), _words(prompt.audio_caption)
    both = [*heard, _SEPARATOR, *seen]
    return _padded(_hashed(seen, buckets), VIDEO_WORDS), _padded(_hashed(both, buckets), AUDIO_WORDS)


def symbols(spelling: str) -> int:
    """How many there are of a spelling."""
    return len(_SYMBOLS[spelling])


def transcript(prompt: Prompt, spelling: str) -> list[str]:
    """The letters of all speech lines in order: Mandarin as toned pinyin in capitals, English as `spelling` has it."""
    found: list[str] = []
    for line in prompt.speech:
        spelled = sounded(line.text) if spelling == "sounds" else list(spell(line.text))
        found += [" ", *spelled] if found and spelled else spelled
    return found


def sounded(text: str) -> list[str]:
    """The phonemes of English and the pinyin of Chinese, each stretch of a text by itself; pauses are spaces."""
    from avbench.world.speech import phonemes

    found: list[str] = []
    for piece in re.findall(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff]*[^\W\u4e00-\u9fff][^\u4e00-\u9fff]*", text):
        chinese = "\u4e00" <= piece[0] <= "\u9fff"
        plain = re.sub(r"[^\w\s'’,.?!;:-]", " ", piece)  # espeak-ng names the marks that it does not know
        spelled = list(spell(piece)) if chinese else sounds(phonemes(plain))
        found += [" ", *spelled] if found else spelled
    return found


def sounds(phones: Iterable[str]) -> list[str]:
    """The symbols of phonemes; `_` is a pause. One that English lacks is left out."""
    named = (" " if phone == "_" else f"/{phone}" for phone in phones)
    return [symbol for symbol in named if symbol in _IDS]


def spell(text: str) -> str:
    """Words over the model's alphabet, one space between. Punctuation is dropped; letters it lacks are too."""
    words = []
    for piece in re.findall(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+(?:['’][^\W\u4e00-\u9fff]+)*", text):
        if "\u4e00" <= piece[0] <= "\u9fff":
            words += _pinyin(piece)
        else:
            words.append(piece.lower().replace("’", "'"))
    kept = ("".join(letter for letter in word if letter in _IDS) for word in words)
    return " ".join(word for word in kept if word)


def letter_ids(letters: Iterable[str]) -> list[int]:
    """Ids of `^` (leading silence) and the letters, cut and padded to 96."""
    return _padded([SILENCE, *(_IDS[letter] for letter in letters)], LETTERS)


def stretch(ends: Sequence[float], tokens: int, token_seconds: float) -> tuple[Tensor, Tensor]:
    """Which letter each audio token speaks, (La,) int64, and how far through it, (La,), from the letters' end times.

    Entry 0 of `ends` closes the leading silence; after the last end it is silent again (letter 0).
    """
    close = torch.tensor(list(ends), dtype=torch.float64)
    begin = torch.cat([torch.zeros(1, dtype=torch.float64), close[:-1]])
    centres = (torch.arange(tokens, dtype=torch.float64) + 0.5) * token_seconds
    index = torch.searchsorted(close, centres, right=True)
    silent = (index >= len(close)) | (index == 0)
    index = index.clamp_max(len(close) - 1)
    phase = (centres - begin[index]) / (close - begin)[index].clamp_min(1e-6)
    return index.masked_fill(silent, 0), phase.masked_fill(silent, 0).float()


def _pinyin(characters: str) -> list[str]:
    from pypinyin import Style, lazy_pinyin

    return [syllable.upper() for syllable in lazy_pinyin(characters, style=Style.TONE3, neutral_tone_with_five=True)]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+|[\u4e00-\u9fff]", text.lower())


def _hashed(words: Iterable[str], buckets: int) -> list[int]:
    return [1 + crc32(word.encode()) % (buckets - 1) for word in words]


def _padded(ids: list[int], length: int) -> list[int]:
    return (ids + [0] * length)[:length]
