"""MANIQA: the quality of crops of 224 x 224 (Yang et al. 2022, IIGROUP/MANIQA; Apache-2.0).

Official file `ckpt_koniq10k.pt`; its keys load as they are. The last two blocks of its ViT, which nothing looks at, are
not run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, softmax

from ._state import build
from ._vit import Block, Mlp

CROP = 224
CROPS = 20
UNUSED = (
    "vit.blocks.10.*",
    "vit.blocks.11.*",
    "vit.norm.*",
    "vit.head.*",
    "swintransformer*.downsample.*",
    "*.relative_position_index",
    "*.attn_mask",
)
_LOOKED_AT = (6, 7, 8, 9)  # blocks of the ViT whose outputs count
_SIDE, _WINDOW, _HEADS, _SCALE = 28, 4, 4, 0.8


@dataclass(frozen=True, slots=True)
class ManiqaConfig:
    """Sizes; the defaults are the official ones."""

    vit: int = 768
    vit_heads: int = 12
    dim: int = 768
    hidden: int = 768


class Maniqa(nn.Module):
    """Crops (N, 3, 224, 224) in -1..1 to scores and weights (N, 784) of their patches."""

    def __init__(self, config: ManiqaConfig | None = None) -> None:
        super().__init__()
        config = config or ManiqaConfig()
        self.vit = _Vit(config)
        half = config.dim // 2
        self.tablock1 = nn.ModuleList(_ChannelAttention() for _ in range(2))
        self.conv1 = nn.Conv2d(config.vit * len(_LOOKED_AT), config.dim, 1)
        self.swintransformer1 = _Swin(config.dim, config.hidden)
        self.tablock2 = nn.ModuleList(_ChannelAttention() for _ in range(2))
        self.conv2 = nn.Conv2d(config.dim, half, 1)
        self.swintransformer2 = _Swin(half, config.hidden)
        # index 2 is the official dropout
        self.fc_score = nn.Sequential(nn.Linear(half, half), nn.ReLU(), nn.Identity(), nn.Linear(half, 1), nn.ReLU())
        self.fc_weight = nn.Sequential(
            nn.Linear(half, half), nn.ReLU(), nn.Identity(), nn.Linear(half, 1), nn.Sigmoid()
        )

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        x = self.vit(crops).transpose(1, 2)
        for block in self.tablock1:
            x = block(x)
        x = self.swintransformer1(self.conv1(x.unflatten(2, (_SIDE, _SIDE)))).flatten(2)
        for block in self.tablock2:
            x = block(x)
        x = self.swintransformer2(self.conv2(x.unflatten(2, (_SIDE, _SIDE)))).flatten(2).transpose(1, 2)
        return self.fc_score(x).squeeze(-1), self.fc_weight(x).squeeze(-1)


def load(state: Mapping[str, Tensor], source: str, config: ManiqaConfig | None = None) -> Maniqa:
    """The network with the official weights `state`, read from `source`."""
    return build(lambda: Maniqa(config), state, source, UNUSED)


def pooled(scores: Tensor, weights: Tensor) -> Tensor:
    """pyiqa's: the weighted mean over the patches of all crops together."""
    return (scores * weights).sum() / (weights.sum() + 1e-8)


def crop_mean(scores: Tensor, weights: Tensor) -> Tensor:
    """Verse-Bench's: the weighted mean over the patches of each crop, and the mean of those."""
    return ((scores * weights).sum(dim=1) / (weights.sum(dim=1) + 1e-8)).mean()


def prepared(picture: Tensor) -> Tensor:
    """(3, H, W) in 0..1 to -1..1, as the network takes it."""
    return (picture - 0.5) / 0.5


def enlarged(picture: Tensor) -> Tensor:
    """pyiqa's: (3, H, W), prepared, with both sides above 224 px, if need be bilinearly to 225 of the shorter one."""
    shorter = min(picture.shape[1:])
    if shorter > CROP:
        return picture
    factor = (CROP + 1) / shorter
    return interpolate(picture[None], scale_factor=factor, mode="bilinear")[0]


def grid(height: int, width: int, count: int = CROPS) -> list[tuple[int, int]]:
    """pyiqa's: the upper left corners of the first `count` crops of a grid, row by row."""
    down, along = ((length - CROP) // math.isqrt(count) for length in (height, width))
    side = range(math.ceil(math.sqrt(count)))
    return [(row * down, column * along) for row in side for column in side][:count]


class _Vit(nn.Module):
    def __init__(self, config: ManiqaConfig) -> None:
        super().__init__()
        dim = config.vit
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + _SIDE**2, dim))
        self.patch_embed = _Patches(dim)
        self.blocks = nn.ModuleList(Block(dim, config.vit_heads) for _ in range(_LOOKED_AT[-1] + 1))

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patch_embed.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1) + self.pos_embed
        found = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in _LOOKED_AT:
                found.append(x[:, 1:])
        return torch.cat(found, dim=2)


class _Patches(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, 8, 8)


class _ChannelAttention(nn.Module):
    """(N, C, 784): channels look at channels. The result is transposed and read as if it were not, as in training."""

    def __init__(self) -> None:
        super().__init__()
        self.c_q, self.c_k, self.c_v = (nn.Linear(_SIDE**2, _SIDE**2) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        weights = softmax(self.c_q(x) @ self.c_k(x).transpose(1, 2) * _SIDE**-1, dim=-1)
        return (weights @ self.c_v(x)).transpose(1, 2).reshape(x.shape) + x


class _Swin(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(dim, hidden) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = _SCALE * layer(x) + x
        return x


class _Layer(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([_SwinBlock(dim, hidden, 0), _SwinBlock(dim, hidden, _WINDOW // 2)])
        self.conv = nn.Conv2d(dim, dim, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        for block in self.blocks:
            x = block(x)
        return self.conv(x.permute(0, 3, 1, 2)).relu()


class _SwinBlock(nn.Module):
    """(N, 28, 28, C): attention inside windows of 4 x 4, moved by `shift`."""

    def __init__(self, dim: int, hidden: int, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = _WindowAttention(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, hidden)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x).roll((-self.shift, -self.shift), (1, 2))
        apart = _apart(self.shift).to(x.device) if self.shift else None
        y = _joined(self.attn(_windows(y), apart), len(x)).roll((self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(self.norm2(x))


class _WindowAttention(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * _WINDOW - 1) ** 2, _HEADS))
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, apart: Tensor | None) -> Tensor:
        q, k, v = (part.unflatten(-1, (_HEADS, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        bias = self.relative_position_bias_table[_relative().to(x.device)].permute(2, 0, 1)[None]
        if apart is not None:
            bias = bias + apart.repeat(len(x) // len(apart), 1, 1)[:, None]
        # in the order of the reference: the fused kernel rounds otherwise, which the channels carry far
        seen = softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1) + bias, dim=-1)
        return self.proj((seen @ v).transpose(1, 2).flatten(2))


def _windows(x: Tensor) -> Tensor:
    """(N, 28, 28, C) to (N * 49, 16, C)."""
    return x.unflatten(1, (-1, _WINDOW)).unflatten(3, (-1, _WINDOW)).transpose(2, 3).flatten(3, 4).flatten(0, 2)


def _joined(x: Tensor, n: int) -> Tensor:
    """`_windows`, undone."""
    count = _SIDE // _WINDOW
    tiles = x.view(n, count, count, _WINDOW, _WINDOW, -1).transpose(2, 3)
    return tiles.reshape(n, _SIDE, _SIDE, -1)


@lru_cache(maxsize=1)
def _relative() -> Tensor:
    """(16, 16): which entry of the table belongs to each pair of places in a window."""
    places = torch.stack(torch.meshgrid(*[torch.arange(_WINDOW)] * 2, indexing="ij")).flatten(1)
    step = places[:, :, None] - places[:, None] + _WINDOW - 1
    return step[0] * (2 * _WINDOW - 1) + step[1]


@lru_cache(maxsize=1)
def _apart(shift: int) -> Tensor:
    """(49, 16, 16): -100 for pairs that only the moving around the edge has put into one window."""
    region = torch.zeros(_SIDE)
    region[-_WINDOW:] = 1
    region[-shift:] = 2
    areas = _windows((3 * region[:, None] + region)[None, :, :, None])[..., 0]
    return (areas[:, :, None] != areas[:, None]) * -100.0
