"""Synchformer: how far sound and picture are apart, as a class out of 21 offsets (v-iashin/Synchformer).

Official file `synchformer_state_dict.pth` (as av-benchmark uses it); its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ._state import build
from ._synchformer_trunks import AudioTrunk, MotionFormer, Projections, SynchformerConfig

UNUSED = ("vfeat_extractor.patch_embed.*",)  # the picture stem that the video stem was grown from


class Synchformer(nn.Module):
    """Both trunks look at one segment at a time; the head compares `segments` of them."""

    def __init__(self, config: SynchformerConfig | None = None) -> None:
        super().__init__()
        config = config or SynchformerConfig()
        self.config = config
        self.vfeat_extractor = MotionFormer(config)
        self.afeat_extractor = AudioTrunk(config)
        self.vproj = nn.Linear(config.dim, config.dim)
        self.aproj = nn.Linear(config.dim, config.dim)
        self.transformer = _Head(config)

    def video(self, segments: Tensor) -> Tensor:
        """(N, 16, 3, pixels, pixels) in -1..1 to (N, 8, dim)."""
        return self.vfeat_extractor(segments.transpose(1, 2))

    def audio(self, segments: Tensor) -> Tensor:
        """(N, 128, 66) normalised log mel to (N, 6, dim)."""
        return self.afeat_extractor(segments)

    def compare(self, video: Tensor, audio: Tensor) -> Tensor:
        """Features (N, S, 8, dim) and (N, S, 6, dim) of the same S segments to (N, 21) logits of the offset."""
        return self.votes(video, audio, 1)[:, 0]

    def votes(self, video: Tensor, audio: Tensor, voters: int) -> Tensor:
        """Of the same features (N, voters, 21): those logits, then what each video token makes of the offset."""
        return self.transformer(self.vproj(video.flatten(1, 2)), self.aproj(audio.flatten(1, 2)), voters)


def load(state: Mapping[str, Tensor], source: str) -> Synchformer:
    """The network with the official weights `state`, read from `source`."""
    return build(Synchformer, state, source, UNUSED)


def load_sized(state: Mapping[str, Tensor], source: str, sizes: Mapping[str, Any]) -> Synchformer:
    """The network of the `sizes` that are kept beside its weights."""
    return build(partial(Synchformer, SynchformerConfig(**sizes)), state, source)


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
        self.blocks = nn.ModuleList(HeadBlock(dim, config.head_heads) for _ in range(config.head_blocks))
        self.ln_f = nn.LayerNorm(dim)
        self.off_head = nn.Linear(dim, config.offsets)

    def forward(self, video: Tensor, audio: Tensor, voters: int) -> Tensor:
        off, mod = (token.expand(len(video), -1, -1) for token in (self.OFF_tok, self.MOD_tok))
        x = torch.cat([off, self.vis_in_lnorm(video), mod, self.aud_in_lnorm(audio)], dim=1) + self.pos_emb_cfg.pos_emb
        for block in self.blocks:
            x = block(x)
        return self.off_head(self.ln_f(x[:, :voters]))


class _Positions(nn.Module):
    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.pos_emb = nn.Parameter(torch.zeros(1, length, dim))


class HeadBlock(nn.Module):
    """Attention over all tokens, then an MLP."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(dim)
        self.ln2 = nn.LayerNorm(dim)
        self.attn = _HeadAttention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class _HeadAttention(Projections):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(super().forward(x))
