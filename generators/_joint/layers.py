"""The stream block of both modalities: Wan's block with an AdaLN noise level a token."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .rope import Rotation

EPS = 1e-6
LONG = 1 << 22  # query-key pairs a head from which the scores are not worth their memory


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
        residual: Tensor | None = None,
    ) -> Tensor:
        """(B, L, D) queries over (B, S, D') keys; `bias` (L, S) is added to the scores, `residual` before W_o."""
        return self.close(attend(self.query(x, turn_q), *self.offer(source, turn_k), bias), residual)

    def query(self, x: Tensor, turn: Rotation | None = None) -> Tensor:
        """(B, L, D) to (B, L, heads, d)."""
        q = self._split(_rms(self.q(x), self.norm_q))
        return turn(q) if turn else q

    def offer(self, source: Tensor, turn: Rotation | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values of a source, each (B, S, heads, d)."""
        k = self._split(_rms(self.k(source), self.norm_k))
        return turn(k) if turn else k, self._split(self.v(source))

    def close(self, y: Tensor, residual: Tensor | None = None) -> Tensor:
        """(B, L, heads, d) to (B, L, D)."""
        y = y.flatten(2)
        return self.o(y if residual is None else y + residual)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Softmax attention of (B, L, heads, d) queries over (B, S, heads, d) keys and values."""
    if q.is_cuda or q.shape[1] * k.shape[1] > LONG:
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, None if bias is None else bias.to(q.dtype))
        return y.transpose(1, 2)
    # plain products: the fused CPU kernel is twice as slow backward at these lengths
    y = weigh(q, k, bias) @ v.transpose(1, 2)
    return y.transpose(1, 2)


def weigh(q: Tensor, k: Tensor, bias: Tensor | None = None) -> Tensor:
    """The weights (B, heads, L, S) of that attention; each row sums to 1."""
    scores = (q * (q.shape[-1] ** -0.5)).transpose(1, 2) @ k.permute(0, 2, 3, 1)
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    return scores.softmax(-1)


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
    """Self-attention, cross-attention to text, feed-forward; the noise level shifts, scales and gates.

    The steps are called one by one, since streams may meet before each. A block of a text stream, or of one that has
    its text among its own tokens, reads none: `reads` is false.
    """

    def __init__(self, width: int, heads: int, ffn: int, reads: bool = True) -> None:
        super().__init__()
        self.self_attn = Attention(width, width, heads)
        if reads:
            self.cross_attn, self.norm3 = Attention(width, width, heads), nn.LayerNorm(width, EPS)
        self.ffn = nn.Sequential(nn.Linear(width, ffn), nn.GELU("tanh"), nn.Linear(ffn, width))
        # shift 0, scale 0, gate 1: the block starts as a plain pre-norm block, whatever the noise level
        self.modulation = nn.Parameter(torch.tensor([0.0, 0, 1, 0, 0, 1]).view(1, 1, 6, 1).repeat(1, 1, 1, width))

    def normed(self, x: Tensor, level: Tensor) -> Tensor:
        """What self-attention is given of (B, L, D) states at (B, 1 or L, 6, D) levels."""
        shift, scale = self._six(x, level)[:2]
        return torch.addcmul(shift, _norm(x), 1 + scale)

    def gated(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
        """Adds what self-attention gave."""
        return torch.addcmul(x, self._six(x, level)[2], y)

    def read(
        self,
        x: Tensor,
        text: Tensor,
        turn_q: Rotation | None = None,
        turn_k: Rotation | None = None,
        shown: Tensor | None = None,
    ) -> Tensor:
        """Cross-attention to text (B, Lt, D); `shown` (B, 1, 1, Lt) is -inf for rows that are none of a sample's."""
        normed = _norm(x, self.norm3.weight, self.norm3.bias)
        return x + self.cross_attn(normed, text, turn_q, turn_k, shown)

    def feed(self, x: Tensor, level: Tensor) -> Tensor:
        shift, scale, gate = self._six(x, level)[3:]
        return torch.addcmul(x, gate, self.ffn(torch.addcmul(shift, _norm(x), 1 + scale)))

    def _six(self, x: Tensor, level: Tensor) -> tuple[Tensor, ...]:
        return (self.modulation + level).to(x.dtype).unbind(2)


class Head(nn.Module):
    """Reads the clean latent (or the velocity) off the hidden states, shifted and scaled by the noise level.

    It starts at zero. With `skip` the noisy latent is added, gated per channel by the noise level (a learned form of
    EDM's skip): near s = 0 the answer is the input, which is wider than the hidden states.
    """

    def __init__(self, width: int, channels: int, skip: bool = True) -> None:
        super().__init__()
        self.modulation = nn.Parameter(torch.zeros(1, 1, 2, width))
        self.head = nn.Linear(width, channels)
        self.skip = nn.Linear(width, channels) if skip else None
        for layer in (self.head, self.skip):
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, e: Tensor, noisy: Tensor) -> Tensor:
        """(B, L, D) states, (B, 1 or L, D) embedded levels and the (B, L, C) input to the (B, L, C) clean estimate."""
        shift, scale = (self.modulation + e.unsqueeze(2)).to(x.dtype).unbind(2)
        read = self.head(torch.addcmul(shift, _norm(x), 1 + scale)).float()
        return read if self.skip is None else read + self.skip(F.silu(e)).float() * noisy


def _norm(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    if weight is not None and bias is not None:
        weight, bias = weight.to(x.dtype), bias.to(x.dtype)
    return F.layer_norm(x, x.shape[-1:], weight, bias, EPS)
