"""MUSIQ: the quality of a picture of any size, looked at in three sizes (Ke et al. 2021; pyiqa's conversions).

Files `musiq_spaq_ckpt-358bb6af.pth` and `musiq_koniq_ckpt-e95806b9.pth`; their keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, max_pool2d, pad

from ._state import build
from ._vit import Mlp, attend

LONGER = (224, 384)  # pixels of the longer side in the two sizes besides the picture's own
_PATCH, _GRID, _DIM, _HEADS, _BLOCKS = 32, 10, 384, 6, 14


@dataclass(frozen=True, slots=True)
class Patches:
    """`pixels` (N, L, 3, 32, 32) of all three sizes; their `places` (L,) on a grid of 10 x 10 and `sizes` (L,) 0..2.

    The reference fills the first two sizes up with masked patches, which weigh exactly nothing: they are left out.
    """

    pixels: Tensor
    places: Tensor
    sizes: Tensor


class Musiq(nn.Module):
    """(N, 3, H, W) in 0..1 to (N,) scores, about 0..100."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_root = _Standardised(3, 64, 7, stride=2)
        self.gn_root = nn.GroupNorm(32, 64, eps=1e-6)
        self.block1 = _Bottleneck()
        self.embedding = nn.Linear(8 * 8 * 256, _DIM)
        self.transformer_encoder = _Encoder()
        self.head = nn.Linear(_DIM, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        seen = patches(pictures)
        x = self.gn_root(self.conv_root(seen.pixels.flatten(0, 1))).relu()
        x = self.block1(max_pool2d(pad(x, (0, 1, 0, 1)), 3, 2))
        tokens = self.embedding(x.permute(0, 2, 3, 1).flatten(1)).unflatten(0, seen.pixels.shape[:2])
        return self.head(self.transformer_encoder(tokens, seen))[:, 0]


def load(state: Mapping[str, Tensor], source: str) -> Musiq:
    """The network with the official weights `state`, read from `source`."""
    net = build(Musiq, state, source)
    for module in net.modules():
        if isinstance(module, _Standardised):
            module.standardise()
    return net


def patches(pictures: Tensor) -> Patches:
    """What the network sees of pictures (N, 3, H, W) in 0..1."""
    x = (pictures - 0.5) * 2
    height, width = x.shape[-2:]
    scales = []
    for longer in LONGER:
        ratio = longer / max(height, width)
        scales.append(interpolate(x, (round(height * ratio), round(width * ratio)), mode="bicubic"))
    found, places, sizes = [], [], []
    for i, scale in enumerate([*scales, x]):
        tiles, place = _tiles(scale)
        found.append(tiles)
        places.append(place)
        sizes.append(torch.full_like(place, i))
    return Patches(torch.cat(found, dim=1), torch.cat(places), torch.cat(sizes))


def _tiles(x: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 3, H, W) to (N, L, 3, 32, 32), zeros around to fill the last row and column, and their places."""
    rows, columns = (-(-side // _PATCH) for side in x.shape[-2:])
    below, right = rows * _PATCH - x.shape[-2], columns * _PATCH - x.shape[-1]
    x = pad(x, (right // 2, right - right // 2, below // 2, below - below // 2))
    tiles = x.unfold(2, _PATCH, _PATCH).unfold(3, _PATCH, _PATCH).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
    row, column = (torch.arange(count, device=x.device) * _GRID // count for count in (rows, columns))
    return tiles, (_GRID * row[:, None] + column).flatten()


class _Standardised(nn.Module):
    """A convolution whose filters have mean 0 and deviation 1, with TensorFlow's padding."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, size, size))
        self.stride, self.around = stride, size - stride

    def standardise(self) -> None:
        """Once, after loading: the filters do not change."""
        flat = self.weight.flatten(1)
        mean, deviation = (x[:, None, None, None] for x in (flat.mean(dim=1), flat.std(dim=1) + 1e-5))
        self.weight = nn.Parameter((self.weight - mean) / deviation, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        before, after = self.around // 2, self.around - self.around // 2
        return conv2d(pad(x, (before, after, before, after)), self.weight, stride=self.stride)


class _Bottleneck(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.gn1 = _Standardised(64, 64, 1), nn.GroupNorm(32, 64, eps=1e-4)
        self.conv2, self.gn2 = _Standardised(64, 64, 3), nn.GroupNorm(32, 64, eps=1e-4)
        self.conv3, self.gn3 = _Standardised(64, 256, 1), nn.GroupNorm(32, 256, eps=1e-4)
        self.conv_proj, self.gn_proj = _Standardised(64, 256, 1), nn.GroupNorm(32, 256, eps=1e-4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.gn1(self.conv1(x)).relu()
        y = self.gn3(self.conv3(self.gn2(self.conv2(y)).relu()))
        return (y + self.gn_proj(self.conv_proj(x))).relu()


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cls = nn.Parameter(torch.zeros(1, 1, _DIM))
        self.posembed_input = _Places()
        self.scaleembed_input = _Sizes()
        self.transformer = nn.ModuleDict({f"encoderblock_{i}": _Block() for i in range(_BLOCKS)})
        self.encoder_norm = nn.LayerNorm(_DIM, eps=1e-6)

    def forward(self, tokens: Tensor, seen: Patches) -> Tensor:
        tokens = tokens + self.posembed_input.position_emb[0, seen.places] + self.scaleembed_input.scale_emb[seen.sizes]
        x = torch.cat([self.cls.expand(len(tokens), -1, -1), tokens], dim=1)
        for block in self.transformer.values():
            x = block(x)
        return self.encoder_norm(x[:, 0])


class _Places(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position_emb = nn.Parameter(torch.zeros(1, _GRID**2, _DIM))


class _Sizes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale_emb = nn.Parameter(torch.zeros(1 + len(LONGER), _DIM))


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(_DIM, eps=1e-6)
        self.attention = _Attention()
        self.norm2 = nn.LayerNorm(_DIM, eps=1e-6)
        self.mlp = Mlp(_DIM, 3 * _DIM)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(_DIM, _DIM) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(attend(self.query(x), self.key(x), self.value(x), _HEADS))
