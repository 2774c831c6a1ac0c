"""DINOv3 ViT-L/16: a picture as class, register and patch tokens (Siméoni et al. 2025; DINOv3 licence).

Official file `model.safetensors` of facebook/dinov3-vitl16-pretrain-lvd1689m; its keys load as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from ._state import build

UNUSED = ("embeddings.mask_token",)
_REGISTERS, _BASE = 4, 100.0


@dataclass(frozen=True, slots=True)
class Dinov3Config:
    """Sizes; the defaults are those of ViT-L."""

    dim: int = 1024
    heads: int = 16
    blocks: int = 24
    hidden: int = 4096


class Dinov3(nn.Module):
    """(N, 3, H, W) normalised to (N, 5 + patches, dim): class token, four registers, patches row by row."""

    def __init__(self, config: Dinov3Config | None = None) -> None:
        super().__init__()
        config = config or Dinov3Config()
        self._size = config.dim // config.heads
        self.embeddings = _Embeddings(config.dim)
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, pixels: Tensor) -> Tensor:
        patches = self.embeddings.patch_embeddings(pixels)
        rows, columns = patches.shape[-2:]
        turns = _turns(rows, columns, self._size, pixels.device)
        special = torch.cat([self.embeddings.cls_token, self.embeddings.register_tokens], dim=1)
        x = torch.cat([special.expand(len(patches), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        for layer in self.layer:
            x = layer(x, turns)
        return self.norm(x)


def load(state: Mapping[str, Tensor], source: str, config: Dinov3Config | None = None) -> Dinov3:
    """The network with the official weights `state`, read from `source`."""
    return build(lambda: Dinov3(config), state, source, UNUSED)


class _Embeddings(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.register_tokens = nn.Parameter(torch.zeros(1, _REGISTERS, dim))
        self.patch_embeddings = nn.Conv2d(3, dim, 16, 16)


class _Layer(nn.Module):
    def __init__(self, config: Dinov3Config) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.dim)
        self.attention = _Attention(config.dim, config.heads)
        self.layer_scale1 = _Scale(config.dim)
        self.norm2 = nn.LayerNorm(config.dim)
        self.mlp = _Mlp(config.dim, config.hidden)
        self.layer_scale2 = _Scale(config.dim)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.layer_scale1(self.attention(self.norm1(x), turns))
        return x + self.layer_scale2(self.mlp(self.norm2(x)))


class _Attention(nn.Module):
    """Queries and keys of patches are turned by their place in the picture."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.size = dim // heads
        self.q_proj = nn.Linear(dim, dim)
        self.k_proj = nn.Linear(dim, dim, bias=False)
        self.v_proj = nn.Linear(dim, dim)
        self.o_proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        q, k, v = (
            proj(x).unflatten(-1, (-1, self.size)).transpose(1, 2) for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        out = scaled_dot_product_attention(_turned(q, turns), _turned(k, turns), v)
        return self.o_proj(out.transpose(1, 2).flatten(2))


class _Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.up_proj = nn.Linear(dim, hidden)
        self.down_proj = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(nn.functional.gelu(self.up_proj(x)))


class _Scale(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.lambda1 = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.lambda1


def _turns(rows: int, columns: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine (patches, size) of each patch's angles: its row's, then its column's, twice over."""
    y, x = (2 * (torch.arange(count, device=device) + 0.5) / count - 1 for count in (rows, columns))
    places = torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1).flatten(0, 1)
    periods = _BASE ** torch.arange(0, 1, 4 / size, device=device)
    angles = (2 * math.pi * places[:, :, None] / periods).flatten(1).repeat(1, 2)
    return angles.cos(), angles.sin()


def _turned(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = turns
    special, patches = x.split([x.shape[-2] - len(cos), len(cos)], dim=-2)
    first, second = patches.chunk(2, dim=-1)
    return torch.cat([special, patches * cos + torch.cat([-second, first], dim=-1) * sin], dim=-2)
