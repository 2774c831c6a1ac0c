"""PaSST-S: an AudioSet transformer, 527 logits and a 768-d feature (kkoutini/PaSST, as in hear21passt).

Official file `passt-s-f128-p16-s10-ap.476-swa.pt`; its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ._state import build
from ._vit import Block

RATE = 32000
SAMPLES = 320000  # av-benchmark cuts or zero-pads every clip to 10 s
UNUSED = ("head_dist.*",)

_BANDS, _FFT, _HOP, _WINDOW, _TOP = 128, 1024, 320, 800, 15000


@dataclass(frozen=True, slots=True)
class PasstConfig:
    """Sizes; the defaults are the official ones. Tokens at most: bands * times."""

    dim: int = 768
    heads: int = 12
    blocks: int = 12
    bands: int = 12
    times: int = 99
    classes: int = 527


@dataclass(frozen=True, slots=True)
class Tags:
    """(N, 768) features, the mean of class and distillation token, and (N, 527) logits."""

    features: Tensor
    logits: Tensor


class Passt(nn.Module):
    """A vision transformer on 16 x 16 patches, ten apart, of a mel spectrogram of up to 10 s."""

    def __init__(self, config: PasstConfig | None = None) -> None:
        super().__init__()
        config = config or PasstConfig()
        dim = config.dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, 2, dim))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, dim, config.bands, 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, dim, 1, config.times))
        self.patch_embed = _Patches(dim)
        self.blocks = nn.ModuleList(Block(dim, config.heads) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, config.classes))

    def forward(self, waves: Tensor) -> Tags:
        """(N, n) samples at 32 kHz, n at most 320000."""
        patches = self.patch_embed.proj(mel(waves)[:, None])
        patches = patches + self.time_new_pos_embed[..., : patches.shape[-1]] + self.freq_new_pos_embed
        special = torch.cat([self.cls_token, self.dist_token], dim=1) + self.new_pos_embed
        x = torch.cat([special.expand(len(waves), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        for block in self.blocks:
            x = block(x)
        features = self.norm(x[:, :2]).mean(dim=1)
        return Tags(features, self.head(features))


def load(state: Mapping[str, Tensor], source: str) -> Passt:
    """The network with the official weights `state`, read from `source`."""
    return build(Passt, state, source, UNUSED)


def ten_seconds(wave: Tensor) -> Tensor:
    """(..., n) at 32 kHz, cut or padded with zeros to 10 s."""
    return pad(wave, (0, SAMPLES - wave.shape[-1]))  # a negative pad cuts


def mel(waves: Tensor) -> Tensor:
    """(N, n) samples at 32 kHz to (N, 128, frames) normalised log mel."""
    sharpened = waves[:, 1:] - 0.97 * waves[:, :-1]
    hann = torch.hann_window(_WINDOW, periodic=False, device=waves.device)
    spectrum = torch.stft(sharpened, _FFT, _HOP, _WINDOW, hann, pad_mode="reflect", return_complex=True)
    bands = _mel_filters().to(waves.device) @ spectrum.abs().square()
    return (torch.log(bands + 1e-5) + 4.5) / 5


class _Patches(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, dim, 16, 10)


@lru_cache(maxsize=1)
def _mel_filters() -> Tensor:
    """(128, 513) Kaldi triangles up to 15 kHz; the last FFT bin counts for nothing."""
    from torchaudio.compliance.kaldi import get_mel_banks

    banks, _ = get_mel_banks(_BANDS, _FFT, RATE, 0.0, _TOP, 100.0, -500.0, 1.0)
    return pad(banks, (0, 1))
