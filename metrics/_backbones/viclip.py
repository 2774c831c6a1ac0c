"""ViCLIP: eight frames and text in one space (Wang et al. 2023, OpenGVLab/InternVid).

VBench's file `ViClip-InternVid-10M-FLT.pth`, entry `model`; its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ._state import build
from ._vit import ClipTransformer

CONTEXT = 32
FRAMES = 8
UNUSED = ("temp",)  # the temperature of training


@dataclass(frozen=True, slots=True)
class ViclipConfig:
    """Sizes; the defaults are the official ones (ViCLIP-L/14)."""

    out: int = 768
    width: int = 1024
    heads: int = 16
    blocks: int = 24
    side: int = 16
    text_width: int = 768
    text_heads: int = 12
    text_blocks: int = 12


class Viclip(nn.Module):
    """Two encoders; cosines of their outputs compare."""

    def __init__(self, config: ViclipConfig | None = None) -> None:
        super().__init__()
        config = config or ViclipConfig()
        self.vision_encoder = _Vision(config)
        self.text_encoder = _Text(config)

    def video(self, pixels: Tensor) -> Tensor:
        """(N, 8, 3, H, W) normalised to (N, out)."""
        return self.vision_encoder(pixels)

    def text(self, tokens: Tensor) -> Tensor:
        """(N, 32) token ids to (N, out)."""
        return self.text_encoder(tokens)


def load(state: Mapping[str, Tensor], source: str, config: ViclipConfig | None = None) -> Viclip:
    """The network with the official weights `state`, read from `source`."""
    return build(lambda: Viclip(config), state, source, UNUSED)


class _Vision(nn.Module):
    """All patches of all frames are one sequence, with a place in the picture and one in time each."""

    def __init__(self, config: ViclipConfig) -> None:
        super().__init__()
        width = config.width
        self.conv1 = nn.Conv3d(3, width, (1, 14, 14), (1, 14, 14), bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(1 + config.side**2, width))
        self.temporal_positional_embedding = nn.Parameter(torch.zeros(1, FRAMES, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = ClipTransformer(width, config.heads, config.blocks)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.zeros(width, config.out))

    def forward(self, pixels: Tensor) -> Tensor:
        patches = self.conv1(pixels.transpose(1, 2)).flatten(3).permute(0, 2, 3, 1)  # (N, frames, patches, width)
        where = self.positional_embedding
        patches = patches + where[1:] + self.temporal_positional_embedding[:, :, None]
        first = (self.class_embedding + where[0]).expand(len(patches), 1, -1)
        x = self.transformer.first(self.ln_pre(torch.cat([first, patches.flatten(1, 2)], dim=1)))
        return self.ln_post(x) @ self.proj


class _Text(nn.Module):
    def __init__(self, config: ViclipConfig) -> None:
        super().__init__()
        width = config.text_width
        self.transformer = ClipTransformer(width, config.text_heads, config.text_blocks, causal=True)
        self.token_embedding = nn.Embedding(49408, width)
        self.positional_embedding = nn.Parameter(torch.zeros(CONTEXT, width))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.zeros(width, config.out))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.ln_final(self.transformer(self.token_embedding(tokens) + self.positional_embedding))
        return x[torch.arange(len(x)), tokens.argmax(dim=-1)] @ self.text_projection
