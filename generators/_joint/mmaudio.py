"""MMAudio's audio autoencoder (Cheng et al. 2025), read from its official checkpoint: log-mel to latents and back.

A 1-D convolutional network that preserves magnitudes (Karras et al. 2024, EDM2: eqs. 47, 66, 81, 88).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPS, CLIP, MIX = 1e-4, 256.0, 0.3
DEEP, DOWN = (1, 2, 4), 0  # widths of the levels, and the level after which the encoder halves the rate


class AudioVae(nn.Module):
    """`mels` bands at a rate to `channels` latents at half of it. Widths are told by a checkpoint (`of`)."""

    data_mean: Tensor
    data_std: Tensor

    def __init__(self, mels: int, channels: int, width: int) -> None:
        super().__init__()
        self.register_buffer("data_mean", torch.zeros(1, mels, 1))
        self.register_buffer("data_std", torch.ones(1, mels, 1))
        self.encoder, self.decoder = Encoder(mels, channels, width), Decoder(mels, channels, width)

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> AudioVae:
        """From an official state dict, whose weights are not normalised yet. Raises RuntimeError for another's."""
        width, mels, _ = state["encoder.conv_in.weight"].shape
        made = cls(mels, state["decoder.conv_in.weight"].shape[1], width)
        made.load_state_dict({name: _settled(t) if name.endswith("weight") else t for name, t in state.items()})
        return made.eval().requires_grad_(False)

    def encode(self, mel: Tensor) -> Tensor:
        """(B, mels, T) log-mel, T even, to the mean latents (B, channels, T / 2)."""
        return self.encoder((mel - self.data_mean) / self.data_std).chunk(2, 1)[0]

    def decode(self, latents: Tensor) -> Tensor:
        """(B, channels, L) to (B, mels, 2 L)."""
        return self.decoder(latents) * self.data_std + self.data_mean


def _settled(weight: Tensor) -> Tensor:
    """A weight with rows of unit magnitude, over the square root of their length: what the layer multiplies by."""
    length = math.prod(weight.shape[1:])
    norm = weight.float().flatten(1).norm(dim=1).view(-1, *[1] * (weight.ndim - 1))
    return (weight.float() / (EPS + norm / math.sqrt(length)) / math.sqrt(length)).to(weight.dtype)


def _unit(x: Tensor, axis: int) -> Tensor:
    """Every vector along the axis at magnitude 1 a number."""
    norm = torch.linalg.vector_norm(x, dim=axis, keepdim=True, dtype=torch.float32)
    return x / (EPS + norm / math.sqrt(x.shape[axis])).to(x.dtype)


def _silu(x: Tensor) -> Tensor:
    return F.silu(x) / 0.596


def _sum(x: Tensor, y: Tensor) -> Tensor:
    return x.lerp(y, MIX) / math.sqrt((1 - MIX) ** 2 + MIX**2)


def _conv(into: int, out: int, kernel: int) -> nn.Conv1d:
    return nn.Conv1d(into, out, kernel, padding=kernel // 2, bias=False)


class Residual(nn.Module):
    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(into, out, 3), _conv(out, out, 3)
        if into != out:
            self.nin_shortcut = _conv(into, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = _unit(x, 1)
        y = self.conv2(_silu(self.conv1(_silu(x))))
        return _sum(self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x, y)


class SelfAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.proj_out = _conv(width, 3 * width, 1), _conv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = _unit(self.qkv(x).unflatten(1, (-1, 3)), 1).transpose(1, 3).unbind(2)  # (B, L, 3, C): one head
        y = F.scaled_dot_product_attention(q, k, v)
        return _sum(x, self.proj_out(y.transpose(1, 2)))


class Middle(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = Residual(width, width), SelfAttention(width), Residual(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x))).clamp(-CLIP, CLIP)


class Level(nn.Module):
    """Residual blocks, then a change of rate where it has one."""

    def __init__(self, into: int, out: int, blocks: int, downsample: bool = False, upsample: bool = False) -> None:
        super().__init__()
        self.block = nn.ModuleList(Residual(into if i == 0 else out, out) for i in range(blocks))
        if downsample:
            self.downsample = nn.ModuleDict({"conv1": _conv(out, out, 1), "conv2": _conv(out, out, 1)})
        if upsample:
            self.upsample = nn.ModuleDict({"conv": _conv(out, out, 3)})

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block:
            x = block(x).clamp(-CLIP, CLIP)
        if hasattr(self, "downsample"):
            x = self.downsample["conv2"](F.avg_pool1d(self.downsample["conv1"](x), 2))
        if hasattr(self, "upsample"):
            x = self.upsample["conv"](x.repeat_interleave(2, 2))
        return x


class Encoder(nn.Module):
    def __init__(self, mels: int, channels: int, width: int) -> None:
        super().__init__()
        widths = (width, *(width * n for n in DEEP))
        self.conv_in = _conv(mels, width, 3)
        self.down = nn.ModuleList(Level(widths[i], widths[i + 1], 2, downsample=i == DOWN) for i in range(len(DEEP)))
        self.mid, self.conv_out = Middle(widths[-1]), _conv(widths[-1], 2 * channels, 3)
        self.learnable_gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(_silu(self.mid(x))) * (self.learnable_gain + 1)


class Decoder(nn.Module):
    def __init__(self, mels: int, channels: int, width: int) -> None:
        super().__init__()
        widths = [*(width * n for n in DEEP), width * DEEP[-1]]
        self.conv_in, self.mid = _conv(channels, widths[-1], 3), Middle(widths[-1])
        self.up = nn.ModuleList(Level(widths[i + 1], widths[i], 3, upsample=i == DOWN + 1) for i in range(len(DEEP)))
        self.conv_out = _conv(width, mels, 3)
        self.learnable_gain = nn.Parameter(torch.zeros(()))

    def forward(self, z: Tensor) -> Tensor:
        x = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(_silu(x)) * (self.learnable_gain + 1)
