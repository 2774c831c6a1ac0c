"""What the streams read: captions as hashed words, the transcript as letters stretched over the audio timeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from zlib import crc32

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avbench.records import Prompt

VIDEO_WORDS, AUDIO_WORDS, LETTERS = 40, 56, 96
_SEPARATOR = "|"
_ALPHABET = "^ abcdefghijklmnopqrstuvwxyz'ABCDEFGHIJKLMNOPQRSTUVWXYZ12345"  # capitals and tone digits: pinyin
_IDS = {letter: i for i, letter in enumerate(_ALPHABET)}
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

    def drop(self, words: Tensor, letters: Tensor) -> Condition:
        """The condition without the captions, or without the transcript, where the masks (B,) are true."""
        return replace(
            self,
            video_words=self.video_words.masked_fill(words[:, None], 0),
            audio_words=self.audio_words.masked_fill(words[:, None], 0),
            reading=self.reading.masked_fill(letters[:, None], 0),
            phase=self.phase.masked_fill(letters[:, None], 0),
        )


def caption_words(prompt: Prompt, buckets: int) -> tuple[list[int], list[int]]:
    """Word ids for the video and the audio stream; audio reads both captions, since a voice goes with a face."""
    seen, heard = _words(prompt.video_caption), _words(prompt.audio_caption)
    both = [*heard, _SEPARATOR, *seen]
    return _padded(_hashed(seen, buckets), VIDEO_WORDS), _padded(_hashed(both, buckets), AUDIO_WORDS)


def transcript(prompt: Prompt) -> str:
    """The letters of all speech lines in order: English in small letters, Mandarin as toned pinyin in capitals."""
    return " ".join(spelled for line in prompt.speech if (spelled := spell(line.text)))


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


def letter_ids(letters: str) -> list[int]:
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


class ConvNeXt(nn.Module):
    """A 1-D ConvNeXt block: depthwise convolution of 7, then an MLP, over (B, L, D)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mlp(self.mix(x.transpose(1, 2)).transpose(1, 2))  # type: ignore[no-any-return]


class CaptionEncoder(nn.Module):
    """Hashed words to features; padding rows act as learned constants, as in Wan."""

    def __init__(self, buckets: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(buckets, width)
        self.place = nn.Parameter(torch.zeros(max(VIDEO_WORDS, AUDIO_WORDS), width))
        self.encode = nn.Sequential(ConvNeXt(width), ConvNeXt(width), nn.LayerNorm(width))

    def forward(self, words: Tensor) -> Tensor:
        return self.encode(self.embed(words) + self.place[: words.shape[1]])  # type: ignore[no-any-return]


class SpeechEncoder(nn.Module):
    """Letters to features in context, laid out on the audio tokens (`audio.text: aligned`)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(_ALPHABET), width)
        self.encode = nn.Sequential(ConvNeXt(width), ConvNeXt(width), nn.LayerNorm(width))
        self.phase = nn.Linear(2, width)

    def forward(self, condition: Condition) -> Tensor:
        features = self.encode(self.embed(condition.letters))
        index = condition.reading[..., None].expand(-1, -1, features.shape[-1])
        ramp = torch.stack([condition.phase, 1 - condition.phase], -1)
        return torch.gather(features, 1, index) + self.phase(ramp)  # type: ignore[no-any-return]


class DurationPredictor(nn.Module):
    """Seconds of every letter, the leading silence first, learned from true word times."""

    WIDTH = 64

    def __init__(self, buckets: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(_ALPHABET), self.WIDTH)
        self.voice = nn.Embedding(buckets, self.WIDTH, padding_idx=0)
        self.encode = nn.Sequential(ConvNeXt(self.WIDTH), ConvNeXt(self.WIDTH), nn.LayerNorm(self.WIDTH))
        self.read = nn.Linear(self.WIDTH, 1)
        nn.init.constant_(self.read.bias, 1.0)  # log1p of 1.7 audio tokens, about a letter

    def forward(self, letters: Tensor, audio_words: Tensor) -> Tensor:
        """(B, 96) predictions of log(1 + audio tokens)."""
        voice = self.voice(audio_words).mean(1, keepdim=True)
        return self.read(self.encode(self.embed(letters) + voice)).squeeze(-1).float()  # type: ignore[no-any-return]

    def loss(self, letters: Tensor, audio_words: Tensor, tokens: Tensor, spoken: Tensor) -> Tensor:
        """Squared error of the log durations over the letters that are `spoken` (B, 96); 0 where nothing is."""
        error = F.mse_loss(self(letters, audio_words), torch.log1p(tokens), reduction="none")
        return (error * spoken).sum() / spoken.sum().clamp_min(1)

    @torch.no_grad()
    def ends(self, letters: str, audio_words: Tensor, seconds: float, token_seconds: float) -> list[float]:
        """End times of the leading silence and of each letter; squeezed where needed to fit `seconds`."""
        ids = torch.tensor([letter_ids(letters)], device=audio_words.device)
        count = min(len(letters) + 1, LETTERS)
        durations = torch.expm1(self(ids, audio_words[None])[0, :count]).clamp_min(0.05).double() * token_seconds
        ends = durations.cumsum(0)
        return (ends * min(1.0, seconds / float(ends[-1]))).tolist()
