"""Synchformer's two trunks: one segment of video or audio to one token for each of its time steps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from ._vit import Mlp, attend


@dataclass(frozen=True, slots=True)
class SynchformerConfig:
    """Sizes; the defaults are the official ones. A segment is 0.64 s: 16 frames and 66 mel columns."""

    pixels: int = 224  # side of a frame
    patch: int = 16  # side of a video token
    dim: int = 768
    heads: int = 12
    blocks: int = 12
    times: int = 8  # video tokens of a segment: times * side * side
    bands: int = 12  # audio tokens of a segment: bands * steps
    steps: int = 6
    segments: int = 14  # fixed by the learned positions of the head
    head_blocks: int = 3
    head_heads: int = 8
    offsets: int = 21

    @property
    def side(self) -> int:
        return self.pixels // self.patch


class MotionFormer(nn.Module):
    """Video trunk with attention over time and over space in turn, then one token for each time step."""

    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.side**2, dim))
        self.temp_embed = nn.Parameter(torch.zeros(1, config.times, dim))
        self.patch_embed_3d = _Stem(dim, config.patch)
        self.blocks = nn.ModuleList(_DividedBlock(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.spatial_attn_agg = _Aggregate(config)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patch_embed_3d(x).flatten(3).permute(0, 2, 3, 1)  # N, times, side * side, dim
        patches = patches + self.pos_embed[:, None, 1:] + self.temp_embed[:, :, None]
        token = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        tokens = torch.cat([token, patches.flatten(1, 2)], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.spatial_attn_agg(self.norm(tokens[:, 1:]).unflatten(1, patches.shape[1:3]))


class _Stem(nn.Module):
    def __init__(self, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(3, dim, (2, patch, patch), (2, patch, patch))

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class _DividedAttention(nn.Module):
    """Patches see the class token and their own group of patches; the class token sees all."""

    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        self.heads, self.times = config.heads, config.times
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.proj = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor, over_time: bool) -> Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # N, heads, L, d
        token = scaled_dot_product_attention(query[:, :, :1], key, value)
        queries, keys, values = (self._groups(part[:, :, 1:], over_time) for part in (query, key, value))
        first = (part[:, :, None, :1].expand(-1, -1, keys.shape[2], -1, -1) for part in (key, value))
        keys, values = (torch.cat(pair, dim=3) for pair in zip(first, (keys, values), strict=True))
        q, k, v = (part.flatten(1, 2) for part in (queries, keys, values))  # groups as heads: the fast kernels are 4-d
        patches = scaled_dot_product_attention(q, k, v).unflatten(1, queries.shape[1:3])
        if over_time:
            patches = patches.transpose(2, 3)
        joined = torch.cat([token, patches.flatten(2, 3)], dim=2)
        return self.proj(joined.transpose(1, 2).flatten(2))

    def _groups(self, patches: Tensor, over_time: bool) -> Tensor:
        """(N, heads, times * places, d) to (N, heads, groups, members, d)."""
        by_time = patches.unflatten(2, (self.times, -1))
        return by_time.transpose(2, 3) if over_time else by_time


class _DividedBlock(nn.Module):
    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = _DividedAttention(config)
        self.timeattn = _DividedAttention(config)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, 4 * dim)
        self.norm3 = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.timeattn(self.norm3(x), over_time=True)
        x = x + self.attn(self.norm1(x), over_time=False)
        return x + self.mlp(self.norm2(x))


class _Aggregate(nn.TransformerEncoderLayer):
    """(N, G, L, dim) to (N, G, dim): a class token's view of each group."""

    def __init__(self, config: SynchformerConfig) -> None:
        dim = config.dim
        super().__init__(dim, config.heads, 4 * dim, 0.0, gelu, 1e-6, batch_first=True, norm_first=True)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        groups = x.flatten(0, 1)
        tokens = torch.cat([self.cls_token.expand(len(groups), -1, -1), groups], dim=1)
        return super().forward(tokens)[:, 0].unflatten(0, x.shape[:2])


class AudioTrunk(nn.Module):
    """Audio spectrogram transformer, then one token for each time step."""

    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        self.ast = _Ast(config)
        self.freq_attn_agg = _Aggregate(config)

    def forward(self, mel: Tensor) -> Tensor:
        return self.freq_attn_agg(self.ast(mel).transpose(1, 2))


class _Ast(nn.Module):
    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        self.grid = (config.bands, config.steps)
        self.embeddings = _AstEmbeddings(config)
        self.encoder = _AstEncoder(config)
        self.layernorm = nn.LayerNorm(config.dim, eps=1e-12)

    def forward(self, mel: Tensor) -> Tensor:
        """(N, mels, frames) to (N, bands, steps, dim)."""
        tokens = self.layernorm(self.encoder(self.embeddings(mel)))
        return tokens[:, 2:].unflatten(1, self.grid)


class _AstEmbeddings(nn.Module):
    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.distillation_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 2 + config.bands * config.steps, dim))
        self.patch_embeddings = _AstPatches(dim)

    def forward(self, mel: Tensor) -> Tensor:
        patches = self.patch_embeddings.projection(mel[:, None]).flatten(2).transpose(1, 2)
        special = torch.cat([self.cls_token, self.distillation_token], dim=1).expand(len(mel), -1, -1)
        return torch.cat([special, patches], dim=1) + self.position_embeddings


class _AstPatches(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(1, dim, 16, 10)


class _AstEncoder(nn.Module):
    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_AstLayer(config) for _ in range(config.blocks))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layer:
            x = layer(x)
        return x


class _AstLayer(nn.Module):
    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.attention = _AstAttention(config)
        self.intermediate = _Dense(dim, 4 * dim)
        self.output = _Dense(4 * dim, dim)
        self.layernorm_before = nn.LayerNorm(dim, eps=1e-12)
        self.layernorm_after = nn.LayerNorm(dim, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.layernorm_before(x))
        return x + self.output(gelu(self.intermediate(self.layernorm_after(x))))


class _AstAttention(nn.Module):
    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        self.attention = Projections(config.dim, config.heads)
        self.output = _Dense(config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.attention(x))


class Projections(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return attend(self.query(x), self.key(x), self.value(x), self.heads)


class _Dense(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(x)
