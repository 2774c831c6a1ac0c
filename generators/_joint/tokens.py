"""Tokens of the two streams: audio's rate, and patches of video latents."""

from __future__ import annotations

import torch
from torch import Tensor

from .timemap import STRIDE

FPS, AUDIO_RATE, TOKEN_SAMPLES = 25, 16000, 512
TOKEN_SECONDS = TOKEN_SAMPLES / AUDIO_RATE


def audio_tokens(frames: int) -> int:
    """Audio tokens of a clip: 31.25 a second, the last one padded (127 for 101 frames)."""
    return -(-frames * AUDIO_RATE // (FPS * TOKEN_SAMPLES))


def patched(z: Tensor, p: int) -> Tensor:
    """(B, C, F, h, w) to (B, F h' w', p p C): patches over time, rows, columns."""
    grid: Tensor = z.unflatten(4, (-1, p)).unflatten(3, (-1, p))
    return grid.permute(0, 2, 3, 5, 4, 6, 1).flatten(4).flatten(1, 3)


def unpatched(tokens: Tensor, shape: torch.Size, p: int) -> Tensor:
    """The latents of a `shape` (B, C, F, h, w) from their patches."""
    _, c, f, h, w = shape
    grid: Tensor = tokens.unflatten(1, (f, h // p, w // p)).unflatten(4, (p, p, c))
    return grid.permute(0, 6, 1, 2, 4, 3, 5).flatten(5).flatten(3, 4)


def beside(z: Tensor, picture: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mask and picture channels beside the noise, as Wan2.1's image-to-video lays them out.

    A picture of one latent is followed by zeros; at full size give the latents of the padded clip.
    """
    mask = z.new_zeros(len(z), STRIDE, *z.shape[2:])
    shown = torch.zeros_like(z)
    if picture is not None:
        mask[:, :, 0] = 1
        shown[:, :, : picture.shape[2]] = picture
    return mask, shown
