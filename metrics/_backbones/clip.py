"""CLIP: pictures and text in one space (Radford et al. 2021, openai/CLIP; MIT).

Official files `ViT-B-32.pt` and `ViT-L-14.pt`, TorchScript archives; their keys load as they are. Their numbers are of
half precision; the network runs in full, where the references' runs at half on a GPU (about 1e-3 apart).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ._state import build
from ._vit import ClipTransformer

CONTEXT = 77
UNUSED = ("input_resolution", "context_length", "vocab_size")


@dataclass(frozen=True, slots=True)
class ClipConfig:
    """Sizes. `side` is the number of patches along a picture's side."""

    out: int
    width: int
    blocks: int
    patch: int
    side: int
    text_width: int
    text_heads: int
    text_blocks: int = 12
    vocabulary: int = 49408


B_32 = ClipConfig(512, 768, 12, 32, 7, 512, 8)
L_14 = ClipConfig(768, 1024, 24, 14, 16, 768, 12)
L_14_336 = ClipConfig(768, 1024, 24, 14, 24, 768, 12)


class Clip(nn.Module):
    """Two encoders. Cosines of their outputs compare; the outputs' lengths mean nothing."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.visual = _Vision(config)
        self.transformer = ClipTransformer(config.text_width, config.text_heads, config.text_blocks, causal=True)
        self.token_embedding = nn.Embedding(config.vocabulary, config.text_width)
        self.positional_embedding = nn.Parameter(torch.zeros(CONTEXT, config.text_width))
        self.ln_final = nn.LayerNorm(config.text_width)
        self.text_projection = nn.Parameter(torch.zeros(config.text_width, config.out))
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def image(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W) normalised to (N, out)."""
        return self.visual(pixels)

    def text(self, tokens: Tensor) -> Tensor:
        """(N, 77) token ids to (N, out)."""
        x = self.ln_final(self.transformer(self.token_embedding(tokens) + self.positional_embedding))
        return x[torch.arange(len(x)), tokens.argmax(dim=-1)] @ self.text_projection  # the end token is the largest


def load(state: Mapping[str, Tensor], source: str, config: ClipConfig) -> Clip:
    """The network with the official weights `state`, read from `source`."""
    whole = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    return build(lambda: Clip(config), whole, source, UNUSED)


def load_b_32(state: Mapping[str, Tensor], source: str) -> Clip:
    return load(state, source, B_32)


def load_l_14(state: Mapping[str, Tensor], source: str) -> Clip:
    return load(state, source, L_14)


def load_l_14_336(state: Mapping[str, Tensor], source: str) -> Clip:
    return load(state, source, L_14_336)


class _Vision(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        width = config.width
        self.conv1 = nn.Conv2d(3, width, config.patch, config.patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(1 + config.side**2, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = ClipTransformer(width, width // 64, config.blocks)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.zeros(width, config.out))

    def forward(self, pixels: Tensor) -> Tensor:
        patches = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(patches), 1, -1), patches], dim=1)
        x = self.transformer.first(self.ln_pre(x + self.positional_embedding))
        return self.ln_post(x) @ self.proj
