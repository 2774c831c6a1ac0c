"""What encodes the texts: learned from nothing at the tiny sizes, umT5's features and F5's letters at full size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import ModelConfig
from .text import AUDIO_WORDS, LETTERS, VIDEO_WORDS, Condition, letter_ids, symbols

LETTER_TABLES = ("speech.embed.weight", "durations.embed.weight")  # a row for each symbol of `text`
F5_LETTERS, F5_WIDTH = 2546, 512  # F5-TTS's characters and pinyin, and the filler


@dataclass(frozen=True, slots=True)
class Features:
    """Encoded text of a batch: what each stream reads (B, Lt, D), and what is added to the audio tokens (B, La, D).

    The first `letters` rows of `audio` are a transcript, the rest a caption. `shown` (B, 1, 1, Lt) is -inf for rows of
    `audio` that are none of a sample's, where samples of other lengths are together.
    """

    video: Tensor | None
    audio: Tensor | None = None
    aligned: Tensor | None = None
    letters: int = 0
    shown: Tensor | None = None

    def repeat(self, n: int) -> Features:
        video, audio, aligned = (None if x is None else x.repeat(n, 1, 1) for x in self._texts)
        return Features(
            video, audio, aligned, self.letters, None if self.shown is None else self.shown.repeat(n, 1, 1, 1)
        )

    def then(self, other: Features) -> Features:
        """The rows of this batch, then those of another, whose texts for the sound may be longer or shorter."""
        pairs = zip(self._texts, other._texts, strict=True)
        if self.audio is not None and other.audio is not None and self.audio.shape[1] != other.audio.shape[1]:
            longest = max(self.audio.shape[1], other.audio.shape[1])
            return self._padded(longest).then(other._padded(longest))
        video, audio, aligned = (x if x is None or y is None else torch.cat([x, y]) for x, y in pairs)
        shown = self.shown if self.shown is None or other.shown is None else torch.cat([self.shown, other.shown])
        return Features(video, audio, aligned, self.letters, shown)

    def _padded(self, length: int) -> Features:
        """With as many rows for the sound; the new ones are not shown."""
        assert self.audio is not None and self.shown is None
        rows, there, width = self.audio.shape
        shown = self.audio.new_zeros(rows, 1, 1, length)
        shown[..., there:] = -torch.inf
        audio = torch.cat([self.audio, self.audio.new_zeros(rows, length - there, width)], 1)
        return Features(self.video, audio, self.aligned, self.letters, shown)

    @property
    def _texts(self) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        return self.video, self.audio, self.aligned


class Texts(nn.Module):
    """The encoders of the tiny sizes, trained with the model."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config.audio
        self.captions = CaptionEncoder(config.words, config.width)
        letters = symbols(config.audio.spelling)
        self.speech = SpeechEncoder(letters, config.audio_width)
        self.durations = DurationPredictor(letters, config.words)
        same = config.audio_width == config.width
        self.narrow: nn.Module = nn.Identity() if same else nn.Linear(config.width, config.audio_width)

    def picture(self, words: Tensor) -> Features:
        """For the video stream alone: (B, 40) word ids."""
        return Features(self.captions(words))

    def forward(self, condition: Condition) -> Features:
        video = self.captions(condition.video_words)
        captions = self.narrow(self.captions(condition.audio_words))
        if self.config.speech == "aligned":
            return Features(video, captions, self.speech(condition))
        letters = self.speech.read(condition.letters)
        return Features(video, torch.cat([letters, captions], 1), None, LETTERS)


@dataclass(frozen=True, slots=True)
class WanCondition:
    """Texts at full size: umT5 features (B, 512, 4096), zero beyond their ends; F5's letter ids (B, Lt) from 1 up.

    `null` are those of empty texts, for guidance away from them.
    """

    video: Tensor
    audio: Tensor | None = None
    letters: Tensor | None = None
    null: WanCondition | None = None

    def empty(self) -> WanCondition:
        if self.null is None:
            raise ValueError("this condition does not know the features of empty texts")
        return self.null

    def to(self, device: torch.device) -> WanCondition:
        parts = (None if x is None else x.to(device) for x in (self.audio, self.letters, self.null))
        audio, letters, null = parts
        return WanCondition(self.video.to(device), audio, letters, null)  # type: ignore[arg-type]


class WanTexts(nn.Module):
    """Maps umT5's features to the streams' widths, as Wan does; letters go through F5-TTS's text encoder."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        audio = config.audio
        self.video = _mapped(config.text_width, config.width)
        self.audio = _mapped(config.text_width, config.audio_width) if audio.captioned else None
        self.speech = F5Texts(config.audio_width) if audio.speech == "text" else None

    def forward(self, condition: WanCondition) -> Features:
        parts = []
        letters = condition.letters if self.speech is not None else None
        if self.speech is not None and letters is not None:
            parts.append(self.speech(letters))
        if self.audio is not None and condition.audio is not None:
            parts.append(self.audio(condition.audio))
        audio = torch.cat(parts, 1) if parts else None
        return Features(self.video(condition.video), audio, None, 0 if letters is None else letters.shape[1])


class F5Texts(nn.Module):
    """F5-TTS's text encoder: embedding, sinusoidal positions, four ConvNeXtV2 blocks; padding (0) stays 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(F5_LETTERS, F5_WIDTH)
        self.blocks = nn.ModuleList(ConvNeXtV2(F5_WIDTH, 2 * F5_WIDTH) for _ in range(4))
        self.project = nn.Linear(F5_WIDTH, width, bias=False)

    def forward(self, letters: Tensor) -> Tensor:
        """(B, L) ids, 0 is padding, to (B, L, D)."""
        half = F5_WIDTH // 2
        frequencies = 10000.0 ** (-torch.arange(half, device=letters.device) / half)
        angles = torch.arange(letters.shape[1], device=letters.device)[:, None] * frequencies
        place = torch.cat([angles.cos(), angles.sin()], 1)
        there = (letters > 0).unsqueeze(-1)
        x = (self.embed(letters) + place) * there
        for block in self.blocks:
            x = block(x) * there
        return self.project(x)


class ConvNeXtV2(nn.Module):
    """Depthwise convolution of 7, then an MLP with global response normalisation (Woo et al. 2023), over (B, L, D)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, 1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.gamma, self.beta = (nn.Parameter(torch.zeros(1, 1, hidden)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.pwconv1(self.norm(self.dwconv(x.transpose(1, 2)).transpose(1, 2))))
        energy = y.norm(dim=1, keepdim=True)
        response = energy / (energy.mean(-1, keepdim=True) + 1e-6)
        return x + self.pwconv2(self.gamma * (y * response) + self.beta + y)


def _mapped(into: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(into, width), nn.GELU("tanh"), nn.Linear(width, width))


class ConvNeXt(nn.Module):
    """A 1-D ConvNeXt block: depthwise convolution of 7, then an MLP, over (B, L, D)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mlp(self.mix(x.transpose(1, 2)).transpose(1, 2))


class CaptionEncoder(nn.Module):
    """Hashed words to features; padding rows act as learned constants, as in Wan."""

    def __init__(self, buckets: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(buckets, width)
        self.place = nn.Parameter(torch.zeros(max(VIDEO_WORDS, AUDIO_WORDS), width))
        self.encode = nn.Sequential(ConvNeXt(width), ConvNeXt(width), nn.LayerNorm(width))

    def forward(self, words: Tensor) -> Tensor:
        return self.encode(self.embed(words) + self.place[: words.shape[1]])


class SpeechEncoder(nn.Module):
    """Letters to features in context, laid out on the audio tokens (`audio.text: aligned`)."""

    def __init__(self, letters: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(letters, width)
        self.encode = nn.Sequential(ConvNeXt(width), ConvNeXt(width), nn.LayerNorm(width))
        self.phase = nn.Linear(2, width)

    def read(self, letters: Tensor) -> Tensor:
        """(B, 96) letters to (B, 96, D), in context."""
        return self.encode(self.embed(letters))

    def forward(self, condition: Condition) -> Tensor:
        features = self.read(condition.letters)
        index = condition.reading[..., None].expand(-1, -1, features.shape[-1])
        ramp = torch.stack([condition.phase, 1 - condition.phase], -1)
        return torch.gather(features, 1, index) + self.phase(ramp)


class DurationPredictor(nn.Module):
    """Seconds of every letter, the leading silence first, learned from true word times."""

    WIDTH = 64

    def __init__(self, letters: int, buckets: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(letters, self.WIDTH)
        self.voice = nn.Embedding(buckets, self.WIDTH, padding_idx=0)
        self.encode = nn.Sequential(ConvNeXt(self.WIDTH), ConvNeXt(self.WIDTH), nn.LayerNorm(self.WIDTH))
        self.read = nn.Linear(self.WIDTH, 1)
        nn.init.constant_(self.read.bias, 1.0)  # log1p of 1.7 audio tokens, about a letter

    def forward(self, letters: Tensor, audio_words: Tensor) -> Tensor:
        """(B, 96) predictions of log(1 + audio tokens)."""
        voice = self.voice(audio_words).mean(1, keepdim=True)
        return self.read(self.encode(self.embed(letters) + voice)).squeeze(-1).float()

    def loss(self, letters: Tensor, audio_words: Tensor, tokens: Tensor, spoken: Tensor) -> Tensor:
        """Squared error of the log durations over the letters that are `spoken` (B, 96); 0 where nothing is."""
        error = F.mse_loss(self(letters, audio_words), torch.log1p(tokens), reduction="none")
        return (error * spoken).sum() / spoken.sum().clamp_min(1)

    @torch.no_grad()
    def ends(self, letters: Sequence[str], audio_words: Tensor, seconds: float, token_seconds: float) -> list[float]:
        """End times of the leading silence and of each letter; squeezed where needed to fit `seconds`."""
        ids = torch.tensor([letter_ids(letters)], device=audio_words.device)
        count = min(len(letters) + 1, LETTERS)
        durations = torch.expm1(self(ids, audio_words[None])[0, :count]).clamp_min(0.05).double() * token_seconds
        ends = durations.cumsum(0)
        return (ends * min(1.0, seconds / float(ends[-1]))).tolist()
