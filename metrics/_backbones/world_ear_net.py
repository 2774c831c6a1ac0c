"""The world's recogniser: mel bands and pitches to phoneme and tone of every 20 ms, by convolutions: any length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avbench.products import inference

from .world_mel import BANDS, log_mel
from .world_pitch import PITCHES, pitches
from .world_text import LANGUAGES

STRIDE = 4  # mel columns to a frame of 40 ms
SLOTS = 2  # answers a frame
TONES = 6  # none, and the five of Mandarin


@dataclass(frozen=True, slots=True)
class EarConfig:
    """Sizes of the network; `phones` as many as the lexicon has symbols."""

    phones: int
    width: int = 224
    blocks: int = 6
    kernel: int = 9
    expand: int = 3


class Ear(nn.Module):
    """The `features` of mono sound at 16 kHz, and a language, to what is said in every slot of 20 ms."""

    def __init__(self, config: EarConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.stem = nn.Conv1d(BANDS + PITCHES, width, 3 * STRIDE, STRIDE, padding=STRIDE)
        self.language = nn.Embedding(len(LANGUAGES), width)
        self.blocks = nn.Sequential(*(_Block(config) for _ in range(config.blocks)))
        self.norm = nn.LayerNorm(width)
        self.say = nn.Linear(width, SLOTS * (config.phones + TONES))
        self.prior: Tensor  # log of how often each phoneme was met in training; set when the training is done
        self.register_buffer("prior", torch.zeros(config.phones), persistent=False)

    def forward(self, heard: Tensor, languages: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 121, 4 F) of `features` to scores of phonemes (B, 2 F, phones) and of tones (B, 2 F, 6)."""
        x = self.stem(heard).transpose(1, 2) + self.language(languages)[:, None]
        scores = self.say(self.norm(self.blocks(x))).float()
        scores = scores.unflatten(-1, (SLOTS, -1)).flatten(1, 2)
        return scores[..., : self.config.phones], scores[..., self.config.phones :]

    @inference()
    def hear(self, sound: Tensor, language: str) -> tuple[Tensor, Tensor]:
        """Log probabilities of phonemes (N, phones) and of tones (N, 6) of (S,) samples."""
        of = torch.tensor([LANGUAGES.index(language)], device=sound.device)
        phones, tones = self(features(sound[None], torch.tensor([len(sound)], device=sound.device)), of)
        return phones[0].log_softmax(-1), tones[0].log_softmax(-1)


def features(sound: Tensor, lengths: Tensor) -> Tensor:
    """(B, S) at 16 kHz with `lengths` (B,) in samples to (B, 121, 4 F): 80 mel bands, 41 pitches, every 10 ms."""
    mel = log_mel(sound, lengths, STRIDE)
    return torch.cat((mel, pitches(sound, lengths, mel.shape[-1])), 1)


class _Block(nn.Module):
    """ConvNeXt in time: a convolution a channel, then an MLP."""

    def __init__(self, config: EarConfig) -> None:
        super().__init__()
        width, inner = config.width, config.expand * config.width
        self.mix = nn.Conv1d(width, width, config.kernel, padding=config.kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.mix(x.transpose(1, 2)).transpose(1, 2)
        return x + cast(Tensor, self.narrow(F.relu(self.widen(self.norm(mixed)))))
