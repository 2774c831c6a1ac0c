"""Rotary position embedding on adjacent channel pairs, theta 10000; Wan's axis split of the head width."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

THETA = 10000.0


@dataclass(frozen=True)
class Rotation:
    """`cos` and `sin` (L, d), constant within a pair; the sign of `sin` alternates."""

    cos: Tensor
    sin: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Rotates (B, L, heads, d)."""
        swapped = x.view(*x.shape[:-1], -1, 2).flip(-1).flatten(-2)
        return x * self.cos.to(x.dtype)[:, None] + swapped * self.sin.to(x.dtype)[:, None]

    def then(self, still: int) -> Rotation:
        """The same, followed by so many tokens that keep still."""
        cos, sin = (F.pad(x, (0, 0, 0, still), value=v) for x, v in ((self.cos, 1.0), (self.sin, 0.0)))
        return Rotation(cos, sin)

    def to(self, device: torch.device) -> Rotation:
        return Rotation(self.cos.to(device), self.sin.to(device))


def axis_widths(d: int) -> tuple[int, int, int]:
    """Channels of a head that turn with time, y and x (Wan: 44, 42, 42 of 128)."""
    return d - 4 * (d // 6), 2 * (d // 6), 2 * (d // 6)


def _angles(positions: Tensor, width: int) -> Tensor:
    frequencies = THETA ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return positions.double()[:, None] * frequencies


def _rotation(angles: Tensor, d: int) -> Rotation:
    still = angles.new_zeros(len(angles), d // 2 - angles.shape[1])  # pairs without an axis keep still
    turned = torch.cat([angles, still], 1)
    cos = turned.cos().repeat_interleave(2, 1)
    sin = torch.stack([-turned.sin(), turned.sin()], -1).flatten(1)
    return Rotation(cos.float(), sin.float())


def video_rotation(times: Tensor, rows: int, columns: int, d: int) -> Rotation:
    """3-D rotation of a latent grid at the (F,) `times`; tokens run over time, then rows, then columns."""
    t, y, x = torch.meshgrid(times, torch.arange(rows).to(times), torch.arange(columns).to(times), indexing="ij")
    pairs = zip((t, y, x), axis_widths(d), strict=True)
    return _rotation(torch.cat([_angles(axis.flatten(), width) for axis, width in pairs], 1), d)


def audio_rotation(positions: Tensor, d: int) -> Rotation:
    """1-D rotation over the whole head width."""
    return _rotation(_angles(positions, d), d)


def temporal_rotation(positions: Tensor, d: int) -> Rotation:
    """Only the time band of the 3-D split turns: what aligned cross-modal attention uses on both sides."""
    return _rotation(_angles(positions, axis_widths(d)[0]), d)


def released_rotation(positions: Tensor, d: int) -> Rotation:
    """The time band turns with the first frequencies of the whole head: keys of UniAVGen's released windows."""
    return _rotation(_angles(positions, d)[:, : axis_widths(d)[0] // 2], d)
