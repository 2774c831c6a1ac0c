"""The stream block of both modalities: Wan's block with an AdaLN noise level a token."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .rope import Rotation

EPS = 1e-6


class Attention(nn.Module):
    """Multi-head attention; queries and keys are RMS-normalised over the full width, then rotated."""

    def __init__(self, width: int, source_width: int, heads: int, zero: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = nn.Linear(width, width), nn.Linear(source_width, width), nn.Linear(source_width, width)
        self.o = nn.Linear(width, width)
        self.norm_q, self.norm_k = nn.RMSNorm(width, EPS), nn.RMSNorm(width, EPS)
        if zero:
            nn.init.zeros_(self.o.weight)
            nn.init.zeros_(self.o.bias)

    def forward(
        self,
        x: Tensor,
        source: Tensor,
        turn_q: Rotation | None = None,
        turn_k: Rotation | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        """(B, L, D) queries over (B, S, D') keys; `bias` (L, S) is added to the scores."""
        q, k = (self._split(_rms(*pair)) for pair in ((self.q(x), self.norm_q), (self.k(source), self.norm_k)))
        v = self._split(self.v(source))
        q, k = turn_q(q) if turn_q else q, turn_k(k) if turn_k else k
        # plain products: the fused CPU kernel is twice as slow backward at these lengths
        scores = (q * (q.shape[-1] ** -0.5)).transpose(1, 2) @ k.permute(0, 2, 3, 1)
        if bias is not None:
            scores = scores + bias.to(scores.dtype)
        y = scores.softmax(-1) @ v.transpose(1, 2)
        return self.o(y.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1)


def _rms(x: Tensor, norm: nn.RMSNorm) -> Tensor:
    return F.rms_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), norm.eps)


class NoiseLevel(nn.Module):
    """Embeds the noise level: sinusoid of width 256, MLP to D, and the six AdaLN vectors of every block."""

    WIDTH = 256

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(self.WIDTH, width), nn.SiLU(), nn.Linear(width, width))
        self.project = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """`s` (B, L), or (B, 1) where a sample has one level: the embedding (B, L, D) and (B, L, 6, D)."""
        half = self.WIDTH // 2
        frequencies = 10000.0 ** (-torch.arange(half, dtype=torch.float64, device=s.device) / half)
        angles = 1000 * s.double()[..., None] * frequencies
        e = self.embed(torch.cat([angles.cos(), angles.sin()], -1).float()).float()
        return e, self.project(F.silu(e)).float().unflatten(-1, (6, -1))


class Block(nn.Module):
    """Self-attention, cross-attention to text, feed-forward; the noise level shifts, scales and gates."""

    def __init__(self, width: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.self_attn, self.cross_attn = Attention(width, width, heads), Attention(width, width, heads)
        self.norm3 = nn.LayerNorm(width, EPS)
        self.ffn = nn.Sequential(nn.Linear(width, ffn * width), nn.GELU("tanh"), nn.Linear(ffn * width, width))
        # shift 0, scale 0, gate 1: the block starts as a plain pre-norm block, whatever the noise level
        self.modulation = nn.Parameter(torch.tensor([0.0, 0, 1, 0, 0, 1]).view(1, 1, 6, 1).repeat(1, 1, 1, width))

    def forward(self, x: Tensor, level: Tensor, text: Tensor, turn: Rotation) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = (self.modulation + level).to(x.dtype).unbind(2)
        normed = torch.addcmul(shift1, _norm(x), 1 + scale1)
        x = torch.addcmul(x, gate1, self.self_attn(normed, normed, turn, turn))
        x = x + self.cross_attn(_norm(x, self.norm3.weight, self.norm3.bias), text)
        return torch.addcmul(x, gate2, self.ffn(torch.addcmul(shift2, _norm(x), 1 + scale2)))


class Head(nn.Module):
    """Reads the clean latent off the hidden states, shifted and scaled by the noise level; starts at zero.

    The noisy latent is added, gated per channel by the noise level (a learned form of EDM's skip): near s = 0 the
    answer is the input, which is wider than the hidden states.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.modulation = nn.Parameter(torch.zeros(1, 1, 2, width))
        self.head = nn.Linear(width, channels)
        self.skip = nn.Linear(width, channels)
        for layer in (self.head, self.skip):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, e: Tensor, noisy: Tensor) -> Tensor:
        """(B, L, D) states, (B, 1 or L, D) embedded levels and the (B, L, C) input to the (B, L, C) clean estimate."""
        shift, scale = (self.modulation + e.unsqueeze(2)).to(x.dtype).unbind(2)
        return self.head(torch.addcmul(shift, _norm(x), 1 + scale)).float() + self.skip(F.silu(e)).float() * noisy  # type: ignore[no-any-return]


def _norm(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    if weight is not None and bias is not None:
        weight, bias = weight.to(x.dtype), bias.to(x.dtype)
    return F.layer_norm(x, x.shape[-1:], weight, bias, EPS)
