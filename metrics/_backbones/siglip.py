"""SigLIP's picture tower and aesthetic-predictor-v2-5's head on it (discus0434; AGPL-3.0, its code is not used).

Official files: `model.safetensors` of google/siglip-so400m-patch14-384, of which the vision half is read, and
`aesthetic_predictor_v2_5.pth`; their keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from ._state import build
from ._vit import attend

UNUSED = ("text_model.*", "logit_scale", "logit_bias")


@dataclass(frozen=True, slots=True)
class SiglipConfig:
    """Sizes; the defaults are those of so400m at 384 px."""

    dim: int = 1152
    heads: int = 16
    blocks: int = 27
    hidden: int = 4304
    side: int = 27


class Siglip(nn.Module):
    """(N, 3, H, W) in -1..1 to (N, dim): what a learned probe finds among the patches."""

    def __init__(self, config: SiglipConfig | None = None) -> None:
        super().__init__()
        self.vision_model = _Vision(config or SiglipConfig())

    def forward(self, pixels: Tensor) -> Tensor:
        return self.vision_model(pixels)


class Head(nn.Module):
    """(N, dim) unit vectors to (N,) scores, nominally 1..10. No activation between the layers: it is an affine map."""

    def __init__(self, dim: int = 1152) -> None:
        super().__init__()
        sizes = (dim, 1024, 128, 64, 16, 1)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.Identity()]  # the official one drops values out in training
        self.scoring_head = nn.Sequential(*layers[:-1])

    def forward(self, features: Tensor) -> Tensor:
        return self.scoring_head(normalize(features, dim=-1)).squeeze(-1)


def load(state: Mapping[str, Tensor], source: str, config: SiglipConfig | None = None) -> Siglip:
    """The tower with the official weights `state`, read from `source`."""
    return build(lambda: Siglip(config), state, source, UNUSED)


def load_head(state: Mapping[str, Tensor], source: str, dim: int = 1152) -> Head:
    """The head with the official weights `state`, in full precision; they are stored as bfloat16."""
    return build(lambda: Head(dim), {name: value.float() for name, value in state.items()}, source)


class _Vision(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        self.encoder = _Encoder(config)
        self.post_layernorm = nn.LayerNorm(config.dim, eps=1e-6)
        self.head = _Pooling(config)

    def forward(self, pixels: Tensor) -> Tensor:
        patches = self.embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2)
        x = patches + self.embeddings.position_embedding.weight
        for layer in self.encoder.layers:
            x = layer(x)
        return self.head(self.post_layernorm(x))


class _Embeddings(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.patch_embedding = nn.Conv2d(3, config.dim, 14, 14)
        self.position_embedding = nn.Embedding(config.side**2, config.dim)


class _Encoder(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.blocks))


class _Layer(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(config.dim, eps=1e-6)
        self.self_attn = _Attention(config.dim, config.heads)
        self.layer_norm2 = nn.LayerNorm(config.dim, eps=1e-6)
        self.mlp = _Mlp(config.dim, config.hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class _Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.out_proj(attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads))


class _Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(gelu(self.fc1(x), approximate="tanh"))


class _Pooling(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.probe = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.attention = nn.MultiheadAttention(config.dim, config.heads, batch_first=True)
        self.layernorm = nn.LayerNorm(config.dim, eps=1e-6)
        self.mlp = _Mlp(config.dim, config.hidden)

    def forward(self, x: Tensor) -> Tensor:
        found = self.attention(self.probe.expand(len(x), -1, -1), x, x, need_weights=False)[0]
        return (found + self.mlp(self.layernorm(found)))[:, 0]
