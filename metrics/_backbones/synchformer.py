"""Synchformer: how far sound and picture are apart, as a class out of 21 offsets (v-iashin/Synchformer).

Official file `synchformer_state_dict.pth` (as av-benchmark uses it); its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from ._state import build
from ._vit import Mlp, attend

UNUSED = ("vfeat_extractor.patch_embed.*",)  # the picture stem that the video stem was grown from


@dataclass(frozen=True, slots=True)
class SynchformerConfig:
    """Sizes; the defaults are the official ones. A segment is 0.64 s: 16 frames and 66 mel columns."""

    dim: int = 768
    heads: int = 12
    blocks: int = 12
    times: int = 8  # video tokens of a segment: times * side * side
    side: int = 14
    bands: int = 12  # audio tokens of a segment: bands * steps
    steps: int = 6
    segments: int = 14  # fixed by the learned positions of the head
    head_blocks: int = 3
    head_heads: int = 8
    offsets: int = 21


class Synchformer(nn.Module):
    """Both trunks look at one segment at a time; the head compares `segments` of them."""

    def __init__(self, config: SynchformerConfig | None = None) -> None:
        super().__init__()
        config = config or SynchformerConfig()
        self.config = config
        self.vfeat_extractor = _MotionFormer(config)
        self.afeat_extractor = _AudioTrunk(config)
        self.vproj = nn.Linear(config.dim, config.dim)
        self.aproj = nn.Linear(config.dim, config.dim)
        self.transformer = _Head(config)

    def video(self, segments: Tensor) -> Tensor:
        """(N, 16, 3, 224, 224) in -1..1 to (N, 8, 768)."""
        return self.vfeat_extractor(segments.transpose(1, 2))

    def audio(self, segments: Tensor) -> Tensor:
        """(N, 128, 66) normalised log mel to (N, 6, 768)."""
        return self.afeat_extractor(segments)

    def compare(self, video: Tensor, audio: Tensor) -> Tensor:
        """Features (N, 14, 8, 768) and (N, 14, 6, 768) of the same 14 segments to (N, 21) logits of the offset."""
        return self.transformer(self.vproj(video.flatten(1, 2)), self.aproj(audio.flatten(1, 2)))


def load(state: Mapping[str, Tensor], source: str) -> Synchformer:
    """The network with the official weights `state`, read from `source`."""
    return build(Synchformer, state, source, UNUSED)


class _MotionFormer(nn.Module):
    """Video trunk with attention over time and over space in turn, then one token for each time step."""

    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.side**2, dim))
        self.temp_embed = nn.Parameter(torch.zeros(1, config.times, dim))
        self.patch_embed_3d = _Stem(dim)
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
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(3, dim, (2, 16, 16), (2, 16, 16))

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


class _AudioTrunk(nn.Module):
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
        self.attention = _Projections(config.dim, config.heads)
        self.output = _Dense(config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.attention(x))


class _Projections(nn.Module):
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


class _Head(nn.Module):
    """A small GPT over all video and audio tokens of the segments; its first token tells the offset."""

    def __init__(self, config: SynchformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.OFF_tok = nn.Parameter(torch.zeros(1, 1, dim))
        self.MOD_tok = nn.Parameter(torch.zeros(1, 1, dim))
        self.vis_in_lnorm = nn.LayerNorm(dim)
        self.aud_in_lnorm = nn.LayerNorm(dim)
        self.pos_emb_cfg = _Positions(2 + config.segments * (config.times + config.steps), dim)
        self.blocks = nn.ModuleList(_HeadBlock(dim, config.head_heads) for _ in range(config.head_blocks))
        self.ln_f = nn.LayerNorm(dim)
        self.off_head = nn.Linear(dim, config.offsets)

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:
        off, mod = (token.expand(len(video), -1, -1) for token in (self.OFF_tok, self.MOD_tok))
        x = torch.cat([off, self.vis_in_lnorm(video), mod, self.aud_in_lnorm(audio)], dim=1) + self.pos_emb_cfg.pos_emb
        for block in self.blocks:
            x = block(x)
        return self.off_head(self.ln_f(x[:, 0]))


class _Positions(nn.Module):
    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.pos_emb = nn.Parameter(torch.zeros(1, length, dim))


class _HeadBlock(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(dim)
        self.ln2 = nn.LayerNorm(dim)
        self.attn = _HeadAttention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class _HeadAttention(_Projections):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(super().forward(x))
