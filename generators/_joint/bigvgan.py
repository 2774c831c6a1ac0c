"""BigVGAN (Lee et al. 2023) as MMAudio's 16 kHz codec uses it: log-mel frames to a waveform, 256 samples a frame.

The official checkpoint is Make-An-Audio 2's `best_netG.pt`; its weights are folded from their normalised form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DILATIONS, TAPS = (1, 3, 5), 12


class BigVgan(nn.Module):
    """Every stage halves the channels and raises the rate; three blocks of other kernels are averaged after each."""

    def __init__(self, mels: int, width: int, rates: tuple[int, ...], kernels: tuple[int, ...]) -> None:
        super().__init__()
        widths = [width // 2**i for i in range(len(rates) + 1)]
        self.rates, self.kernels = rates, kernels
        self.conv_pre = nn.Conv1d(mels, width, 7, padding=3)
        self.ups = nn.ModuleList(
            nn.ModuleList([nn.ConvTranspose1d(widths[i], widths[i + 1], 2 * rate, rate, padding=rate // 2)])
            for i, rate in enumerate(rates)
        )
        self.resblocks = nn.ModuleList(Blocks(channels, kernel) for channels in widths[1:] for kernel in kernels)
        self.activation_post = Smooth(widths[-1])
        self.conv_post = nn.Conv1d(widths[-1], 1, 7, padding=3)

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> BigVgan:
        """From an official state dict; its shapes tell the widths. Raises RuntimeError when it is another's."""
        folded = fold(state)
        width, mels, _ = folded["conv_pre.weight"].shape
        stages = len({name.split(".")[1] for name in folded if name.startswith("ups.")})
        rates = tuple(folded[f"ups.{i}.0.weight"].shape[2] // 2 for i in range(stages))
        blocks = len({name.split(".")[1] for name in folded if name.startswith("resblocks.")}) // stages
        kernels = tuple(folded[f"resblocks.{j}.convs1.0.weight"].shape[2] for j in range(blocks))
        made = cls(mels, width, rates, kernels)
        made.load_state_dict(folded)
        return made.eval().requires_grad_(False)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, mels, T) to (B, T * product of the rates) in [-1, 1]."""
        x, each = self.conv_pre(mel), len(self.kernels)
        for i, stage in enumerate(self.ups):
            assert isinstance(stage, nn.ModuleList)
            x = stage[0](x)
            x = torch.stack([block(x) for block in self.resblocks[i * each : (i + 1) * each]]).mean(0)
        return torch.tanh(self.conv_post(self.activation_post(x))).squeeze(1)


class Blocks(nn.Module):
    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2) for d in DILATIONS
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in DILATIONS)
        self.activations = nn.ModuleList(Smooth(channels) for _ in range(2 * len(DILATIONS)))

    def forward(self, x: Tensor) -> Tensor:
        for i, (first, second) in enumerate(zip(self.convs1, self.convs2, strict=True)):
            x = x + second(self.activations[2 * i + 1](first(self.activations[2 * i](x))))
        return x


class Snake(nn.Module):
    """x + sin^2(a x) / b, with learned log a and log b a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        a, b = (y.exp()[None, :, None] for y in (self.alpha, self.beta))
        return x + (x * a).sin().square() / (b + 1e-9)


class Smooth(nn.Module):
    """The snake at twice the rate, so that its overtones do not alias."""

    taps: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.act = Snake(channels)
        self.register_buffer("taps", low_pass(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        channels, pad = x.shape[1], TAPS // 2 - 1
        taps = self.taps.to(x.dtype).expand(channels, 1, -1)
        up = F.conv_transpose1d(F.pad(x, (pad, pad), mode="replicate"), 2 * taps, stride=2, groups=channels)
        edge = 2 * pad + (TAPS - 2) // 2
        y = self.act(up[..., edge : up.shape[-1] - edge])
        return F.conv1d(F.pad(y, (pad, TAPS // 2), mode="replicate"), taps, stride=2, groups=channels)


def low_pass() -> Tensor:
    """(1, 1, 12) windowed sinc at half the band, transition 0.3 of it, of sum 1 (Kaiser's formula)."""
    attenuation = 2.285 * (TAPS // 2 - 1) * math.pi * 4 * 0.3 + 7.95
    beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)  # for 21 to 50 dB
    times = torch.arange(-TAPS // 2, TAPS // 2) + 0.5
    with torch.device("cpu"):
        taps = torch.kaiser_window(TAPS, periodic=False, beta=beta) * torch.sinc(0.5 * times)
    return (taps / taps.sum()).view(1, 1, -1)


def fold(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they multiply: direction times gain over norm, whichever way torch named them; filters left out."""
    folded: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name.endswith("filter"):
            continue
        base = re.sub(r"(\.parametrizations)?\.weight(_[gv]|\.original[01])$", ".weight", name)
        if name.endswith(("weight_v", "original1")):
            gain = state[name.replace("weight_v", "weight_g").replace("original1", "original0")]
            folded[base] = tensor * gain / tensor.flatten(1).norm(dim=1).view(-1, 1, 1)
        elif not name.endswith(("weight_g", "original0")):
            folded[name] = tensor
    return folded
