"""AudioCLIP's ears: 1024 numbers of a sound (Guzhov et al. 2021; AndreyGuzhov/AudioCLIP; MIT).

File `AudioCLIP-Full-Training.pt`, of which the keys `audio.*` are read. JavisBench's FAD is of these features, before
they are made unit vectors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, linear, max_pool2d, pad

from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView
from avbench.products import inference

from ._checkpoint import down, network, up
from ._state import build
from .sound import finite

SECONDS = 4.0  # JavisBench's: longer sounds are cut, shorter ones filled with zeros
FULL = 32768.0  # the network takes samples of 16 bits as whole numbers
UNUSED = ("fbsp.bias",)  # empty
_FFT, _HOP, _WINDOW, _BANDS = 2048, 561, 1654, 3
_FLOOR, _EPS = 1e-18, 1e-8
_LAYERS = ((1, 64, 3), (2, 128, 4), (3, 256, 6), (4, 512, 3))  # number, width, blocks


@dataclass(frozen=True)
class AudioclipSound(AudioBackbone[NDArray[np.float32]]):
    """(1024,) of the first 4 s, as the network was trained: at 44.1 kHz, in whole numbers."""

    view: ClassVar[AudioView] = AudioView(rate=44_100)
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("audioclip",)

    def extract(self, audio: Audio, info: MediaInfo) -> NDArray[np.float32]:
        return _heard(finite(audio) * np.float32(FULL), audio.rate)


@dataclass(frozen=True)
class AudioclipJavis(AudioBackbone[NDArray[np.float32]]):
    """(1024,) of the first 4 s as JavisBench plays them: at 16 kHz, and 32,768 times too quiet."""

    view: ClassVar[AudioView] = AudioView(rate=16_000)
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("audioclip",)

    def extract(self, audio: Audio, info: MediaInfo) -> NDArray[np.float32]:
        return _heard(finite(audio), audio.rate)


class Audioclip(nn.Module):
    """ESResNeXt: (N, n) samples to (N, 1024), a ResNeXt-50 with attention over a learned spectrogram."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.zeros(_WINDOW))
        self.fbsp = _Spectrum(_FFT // 2 + 1)
        self.conv1 = nn.Conv2d(_BANDS, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for number, width, blocks in _LAYERS:
            stride = 1 if number == 1 else 2
            first, *others = [_Block(before, width, stride), *(_Block(4 * width, width, 1) for _ in range(blocks - 1))]
            self.add_module(f"layer{number}", nn.Sequential(first, *others))
            self.add_module(f"att{number}", _Attention(before, 4 * width, (3, 1) if number % 2 else (1, 5)))
            before = 4 * width
        self.att5 = _Attention(before, before, (3, 5))
        self.fc = nn.Linear(before, 1024)

    def forward(self, samples: Tensor) -> Tensor:
        x = max_pool2d(self.bn1(self.conv1(self.decibels(samples))).relu(), 3, 2, 1)
        for number, _, _ in _LAYERS:
            seen = self.get_submodule(f"layer{number}")(x)
            x = seen * self.get_submodule(f"att{number}")(x, seen)
        mean = x.mean(dim=(2, 3), keepdim=True)
        return self.fc((mean * self.att5(x, mean)).flatten(1))

    def decibels(self, samples: Tensor) -> Tensor:
        """(N, n) to (N, 3, 341, frames): the thirds of the spectrum stand for colours."""
        scaled = (samples + FULL) * 2.0 / 65535.0 - 1.0  # in this order: quiet sounds lose most of their levels here
        spectrum = self.fbsp(_frames(scaled) * self.window)
        power = spectrum.square().sum(dim=0).transpose(1, 2)
        bands = power[:, : _BANDS * (power.shape[1] // _BANDS)].unflatten(1, (_BANDS, -1))
        return 10 * torch.log10(torch.where(bands > 0, bands, _FLOOR))


def load(state: Mapping[str, Tensor], source: str) -> Audioclip:
    """The network with the official weights `state`, read from `source`."""
    own = {name.removeprefix("audio."): value for name, value in state.items() if name.startswith("audio.")}
    return build(Audioclip, own, source, UNUSED)


class _Spectrum(nn.Module):
    """Frequency B-spline wavelets of learned order, width and centre: (N, F, 1654) to (2, N, F, bins)."""

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.m, self.fb, self.fc = (nn.Parameter(torch.zeros(bins)) for _ in range(3))

    def forward(self, frames: Tensor) -> Tensor:
        missing = _FFT - frames.shape[-1]
        frames = pad(frames, (missing // 2, missing - missing // 2))
        return torch.stack([linear(frames, part) for part in self._kernel()])

    def _kernel(self) -> tuple[Tensor, Tensor]:
        """In the reference's order of operations: the sound is near rounding, and so what is left of it."""
        time = torch.pi * torch.linspace(-1.0, 1.0, _FFT, device=self.m.device) + _EPS
        order, width, centre = (value[:, None] for value in (self.m, self.fb, self.fc))
        x = width * time / (order + _EPS)
        sinc = torch.where(x == 0, 1.0, torch.sin(x) / x)
        size = (sinc.square() ** 0.5).square() ** (0.5 * order)
        phase = order * torch.atan2(torch.zeros_like(sinc), sinc)
        real, imaginary = size * phase.cos(), size * phase.sin()
        cosine, sine = torch.cos(centre * time), -torch.sin(centre * time)
        parts = (real * cosine - imaginary * sine, real * sine + imaginary * cosine)
        return tuple(width.sqrt() * part / _FFT**0.5 for part in parts)


class _Block(nn.Module):
    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        width, outputs = 2 * planes, 4 * planes
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=32, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        changes = stride > 1 or inputs != outputs
        shortcut = (nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.downsample = nn.Sequential(*shortcut) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn3(self.conv3(self.bn2(self.conv2(y)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class _Attention(nn.Module):
    """Weights 0..1 for `seen`, of what it was made of."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        around = (kernel[0] // 2, kernel[1] // 2)
        self.conv_depth = nn.Conv2d(inputs, inputs, kernel, padding=around, groups=inputs)
        self.conv_point = nn.Conv2d(inputs, outputs, 1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        x = adaptive_max_pool2d(x, seen.shape[-2:])
        return self.bn(self.conv_point(self.conv_depth(x))).sigmoid()


def _frames(samples: Tensor) -> Tensor:
    """(N, n) to (N, F, 1654), zeros around so that the last frame is whole; the smaller half of them before."""
    length = samples.shape[-1]
    count = 1 if length <= _WINDOW else 1 + math.ceil((length - _WINDOW) / _HOP)
    missing = (count - 1) * _HOP + _WINDOW - length
    return pad(samples, (missing // 2, missing - missing // 2)).unfold(1, _WINDOW, _HOP)


def _heard(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    wanted = int(SECONDS * rate)
    whole = np.zeros((1, wanted), np.float32)
    whole[0, : len(samples)] = samples[:wanted]
    net = network(load, "audioclip")
    with inference():
        return down(net(up(whole, net)))[0]
