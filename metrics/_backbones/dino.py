"""DINO ViT-B/16: what a picture shows, as its class token (Caron et al. 2021, facebookresearch/dino; Apache-2.0).

Official file `dino_vitbase16_pretrain.pth`; its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ._state import build
from ._vit import Block

PATCH = 16
_SIDE = 14  # patches a side of the pictures that it was trained on


@dataclass(frozen=True, slots=True)
class DinoConfig:
    """Sizes; the defaults are the official ones."""

    dim: int = 768
    heads: int = 12
    blocks: int = 12


class Dino(nn.Module):
    """Pictures of any size; rows and columns that fill no patch are not seen."""

    def __init__(self, config: DinoConfig | None = None) -> None:
        super().__init__()
        config = config or DinoConfig()
        dim = config.dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + _SIDE**2, dim))
        self.patch_embed = _Patches(dim)
        self.blocks = nn.ModuleList(Block(dim, config.heads) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W) normalised to (N, dim)."""
        patches = self.patch_embed.proj(pixels)
        places = self._places(*patches.shape[-2:])
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(patches), -1, -1)
        x = torch.cat([first, (patches + places).flatten(2).transpose(1, 2)], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, 0])

    def _places(self, rows: int, columns: int) -> Tensor:
        """(1, dim, rows, columns). The reference asks for a factor, a little too large, not for a size."""
        grid = self.pos_embed[:, 1:].unflatten(1, (_SIDE, _SIDE)).permute(0, 3, 1, 2)
        if rows == columns == _SIDE:
            return grid
        factor = ((rows + 0.1) / _SIDE, (columns + 0.1) / _SIDE)
        return interpolate(grid, scale_factor=factor, mode="bicubic")


def load(state: Mapping[str, Tensor], source: str, config: DinoConfig | None = None) -> Dino:
    """The network with the official weights `state`, read from `source`."""
    return build(lambda: Dino(config), state, source)


class _Patches(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, PATCH, PATCH)
