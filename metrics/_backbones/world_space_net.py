"""Three small towers into one space: pictures, sound and captions of the world."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import cast
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from .world_mel import BANDS

SIZE = 64  # pixels of a frame
WORDS, BUCKETS = 40, 4096  # of a caption; of all words
MOMENTS, FEWEST = 9, 4  # evenly over a clip, at which its pictures and sound are compared; frames that show them


@dataclass(frozen=True, slots=True)
class SpaceConfig:
    """Sizes: of the common space, of each tower's features, of the first picture and sound layers, of a moment."""

    out: int = 256
    width: int = 256
    picture: int = 32
    sound: int = 160
    moment: int = 24


class Space(nn.Module):
    """Cosines of the towers' outputs compare; the outputs are unit vectors."""

    def __init__(self, config: SpaceConfig) -> None:
        super().__init__()
        self.config = config
        self.picture, self.sound, self.text = _Picture(config), _Sound(config), _Text(config)
        self.log_scale = nn.Parameter(torch.tensor(2.6))

    def video(self, frames: Tensor) -> Tensor:
        """(B, T, 64, 64, 3) uint8, from one frame on, to (B, out)."""
        return _unit(self.picture(frames))

    def audio(self, mel: Tensor) -> Tensor:
        """(B, 80, M) of `log_mel` to (B, out)."""
        return _unit(self.sound(mel))

    def read(self, words: Tensor) -> Tensor:
        """(B, 40) of `word_ids` to (B, out)."""
        return _unit(self.text(words))

    def agree(self, one: Tensor, other: Tensor) -> Tensor:
        """Symmetric InfoNCE of (B, out) and (B, out): row i of one belongs to row i of the other."""
        scores = self.log_scale.exp().clamp(max=50) * one @ other.T
        right = torch.arange(len(one), device=one.device)
        return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2


class _Pooled(nn.Module):
    """Features (B, N, in), the mean and the largest over N, and what happens when, to (B, out)."""

    def __init__(self, inside: int, config: SpaceConfig, timed: int = 0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(2 * inside)
        self.widen, self.narrow = nn.Linear(2 * inside, 2 * config.width), nn.Linear(2 * config.width, config.out)
        self.moment = nn.Linear(timed, config.moment) if timed else None
        self.when = nn.Linear(MOMENTS * config.moment, 2 * config.width) if timed else None

    def forward(self, x: Tensor, timed: Tensor | None = None) -> Tensor:
        """`timed` (B, M, timed) lasts from the clip's begin to its end."""
        wide = self.widen(self.norm(torch.cat([x.mean(1), x.amax(1)], -1)))
        if timed is not None and self.moment is not None and self.when is not None:
            moments = F.interpolate(self.moment(timed).transpose(1, 2), MOMENTS, mode="linear", align_corners=True)
            wide = wide + self.when(moments.flatten(1))
        return cast(Tensor, self.narrow(F.gelu(wide)))


class _Picture(nn.Module):
    def __init__(self, config: SpaceConfig) -> None:
        super().__init__()
        c = config.picture
        sizes = (3, c, 2 * c, 4 * c, 6 * c)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, 2, padding=1), nn.GroupNorm(4, b), nn.ReLU())
                for a, b in pairwise(sizes)
            )
        )
        self.look = nn.Linear(16 * 6 * c, config.width)  # 4 x 4 places, each by itself
        self.pool = _Pooled(config.width, config, config.width)

    def forward(self, frames: Tensor) -> Tensor:
        pixels = frames.flatten(0, 1).permute(0, 3, 1, 2).float() / 127.5 - 1
        seen = F.gelu(self.look(self.layers(pixels).flatten(1))).unflatten(0, frames.shape[:2])
        return cast(Tensor, self.pool(seen, seen if frames.shape[1] >= FEWEST else None))


class _Sound(nn.Module):
    def __init__(self, config: SpaceConfig) -> None:
        super().__init__()
        c = config.sound
        self.stem = nn.Conv1d(BANDS, c, 8, 4, padding=2)
        self.layers = nn.Sequential(
            nn.Sequential(nn.GroupNorm(4, c), nn.ReLU(), nn.Conv1d(c, c, 5, padding=2)),
            nn.Sequential(nn.GroupNorm(4, c), nn.ReLU(), nn.Conv1d(c, config.width, 5, 2, padding=2)),
            nn.Sequential(nn.GroupNorm(4, config.width), nn.ReLU(), nn.Conv1d(config.width, config.width, 5, 2, 2)),
        )
        self.pool = _Pooled(config.width, config, c)

    def forward(self, mel: Tensor) -> Tensor:
        early = self.layers[0](self.stem(mel))  # a column each 40 ms
        late = self.layers[2](self.layers[1](early))
        return cast(Tensor, self.pool(F.relu(late).transpose(1, 2), F.relu(early).transpose(1, 2)))


class _Text(nn.Module):
    def __init__(self, config: SpaceConfig) -> None:
        super().__init__()
        self.embed = nn.Embedding(BUCKETS, config.width)
        nn.init.normal_(self.embed.weight, std=0.3)
        self.phrase = nn.Conv1d(config.width, config.width, 3, padding=1)
        self.pool = _Pooled(config.width, config)

    def forward(self, words: Tensor) -> Tensor:
        there = (words > 0)[..., None]
        x = self.embed(words) * there
        x = (x + F.relu(self.phrase(x.transpose(1, 2))).transpose(1, 2)) * there
        count = there.sum(1).clamp_min(1)
        x = x * (WORDS / count)[:, None]  # so that the mean over all 40 places is that over the words
        return cast(Tensor, self.pool(x))


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x.float(), dim=-1)


def word_ids(text: str) -> NDArray[np.int64]:
    """(40,): every word, or Chinese character, as one of BUCKETS - 1 numbers; 0 is padding. The first 40 count."""
    words = re.findall(r"[a-z0-9']+|[\u4e00-\u9fff]", text.lower())[:WORDS]
    ids = [1 + crc32(word.encode()) % (BUCKETS - 1) for word in words]
    return np.array(ids + [0] * (WORDS - len(ids)), np.int64)
