"""What the transformers here have in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention, silu


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, causal: bool = False) -> Tensor:
    """Multi-head attention over tokens, backwards only if `causal`; (N, L, D) each."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    return scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2)


class Mlp(nn.Module):
    """Two layers with an exact GELU between."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(gelu(self.fc1(x)))


class Attention(nn.Module):
    """Self-attention as timm names it: one layer for query, key and value."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        return self.proj(attend(query, key, value, self.heads))


class Block(nn.Module):
    """timm's block: norm before attention and before the layers after it."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


_STEEP = 1.702  # of OpenAI's stand-in for a GELU, x sigmoid(1.702 x)


class ClipMlp(nn.Module):
    """Two layers with that between them, which is silu(1.702 x) / 1.702: the products take the factors in passing."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(dim, 4 * dim)
        self.c_proj = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        into, out = self.c_fc, self.c_proj
        wide = torch.addmm(into.bias, x.flatten(0, -2), into.weight.t(), beta=_STEEP, alpha=_STEEP)
        narrow = torch.addmm(out.bias, silu(wide, inplace=True), out.weight.t(), alpha=1 / _STEEP)
        return narrow.unflatten(0, x.shape[:-1])


class _ClipAttention(nn.Module):
    """PyTorch's attention by the names of its parameters, whose own call takes up to 1.8 times as long on a CPU."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, asking: int | None, causal: bool) -> Tensor:
        """The first `asking` tokens, or all, ask all."""
        dim = x.shape[-1]
        if asking is None:
            query, key, value = linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        else:
            query = linear(x[:, :asking], self.in_proj_weight[:dim], self.in_proj_bias[:dim])
            key, value = linear(x, self.in_proj_weight[dim:], self.in_proj_bias[dim:]).chunk(2, dim=-1)
        return self.out_proj(attend(query, key, value, self.heads, causal))


class _ClipBlock(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attn = _ClipAttention(dim, heads)
        self.ln_1 = nn.LayerNorm(dim)
        self.mlp = ClipMlp(dim)
        self.ln_2 = nn.LayerNorm(dim)

    def forward(self, x: Tensor, asking: int | None = None, causal: bool = False) -> Tensor:
        x = self.attn(self.ln_1(x), asking, causal).add_(x[:, :asking])
        return self.mlp(self.ln_2(x)).add_(x)


class ClipTransformer(nn.Module):
    """OpenAI's transformer; a causal one looks back only."""

    def __init__(self, dim: int, heads: int, blocks: int, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal
        self.resblocks = nn.ModuleList(_ClipBlock(dim, heads) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.resblocks:
            x = block(x, causal=self.causal)
        return x

    def first(self, x: Tensor) -> Tensor:
        """(N, D): the first token alone, for which the last block need not work on the others."""
        *blocks, last = self.resblocks
        for block in blocks:
            x = block(x)
        return last(x, asking=1)[:, 0]
