"""PANNs Cnn14: what AudioSet hears, as 527 logits and a 2048-d feature (qiuqiangkong/audioset_tagging_cnn).

Official files `Cnn14_16k_mAP=0.438.pth` and `Cnn14_mAP=0.431.pth` (32 kHz), entry `model`; keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from avbench.media.mel import slaney_filters

from ._state import build

UNUSED = ("spectrogram_extractor.*", "logmel_extractor.*")  # the front end below, as constants

_CHANNELS = (1, 64, 128, 256, 512, 1024, 2048)
_BANDS = 64


@dataclass(frozen=True, slots=True)
class Cnn14Config:
    """The front end: rate and frequencies in Hz, window and hop in samples."""

    rate: int
    window: int
    hop: int
    low: int
    high: int


AT_16K = Cnn14Config(16000, 512, 160, 50, 8000)
AT_32K = Cnn14Config(32000, 1024, 320, 50, 14000)


@dataclass(frozen=True, slots=True)
class Tags:
    """(N, 2048) features after the last ReLU, and (N, 527) logits before the sigmoid."""

    features: Tensor
    logits: Tensor


class Cnn14(nn.Module):
    """Six blocks of convolutions on a log mel spectrogram; any length of 32 frames and more."""

    def __init__(self, config: Cnn14Config) -> None:
        super().__init__()
        self.config = config
        self.bn0 = nn.BatchNorm2d(_BANDS)
        for i in range(1, len(_CHANNELS)):
            self.add_module(f"conv_block{i}", _Block(_CHANNELS[i - 1], _CHANNELS[i]))
        self.fc1 = nn.Linear(2048, 2048)
        self.fc_audioset = nn.Linear(2048, 527)

    def forward(self, waves: Tensor) -> Tags:
        """(N, n) samples at the config's rate."""
        x = log_mel(waves, self.config)[:, None]
        x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
        for i in range(1, len(_CHANNELS)):
            x = self.get_submodule(f"conv_block{i}")(x)
            if i < len(_CHANNELS) - 1:
                x = avg_pool2d(x, 2)
        x = x.mean(dim=3)  # over frequency
        features = self.fc1(x.amax(dim=2) + x.mean(dim=2)).relu()
        return Tags(features, self.fc_audioset(features))


def load(state: Mapping[str, Tensor], source: str, config: Cnn14Config) -> Cnn14:
    """The network with the official weights `state`, read from `source`."""
    return build(lambda: Cnn14(config), state, source, UNUSED)


def log_mel(waves: Tensor, config: Cnn14Config) -> Tensor:
    """(N, n) samples to (N, frames, 64) decibels."""
    hann = torch.hann_window(config.window, device=waves.device)
    spectrum = torch.stft(waves, config.window, config.hop, window=hann, pad_mode="reflect", return_complex=True)
    power = spectrum.abs().square().transpose(1, 2)
    return 10 * torch.log10((power @ _mel_filters(config).to(waves.device)).clamp(min=1e-10))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()


@lru_cache(maxsize=2)
def _mel_filters(config: Cnn14Config) -> Tensor:
    filters = slaney_filters(config.rate, config.window, _BANDS, config.low, config.high)
    return torch.from_numpy(filters.T.copy())
