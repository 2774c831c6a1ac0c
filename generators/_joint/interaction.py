"""Where the streams meet: frame-wise local cross-attention with aligned positions, and global style alignment."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from .layers import EPS, Attention
from .rope import Rotation


class LocalAttention(nn.Module):
    """One direction of Harmony's local interaction: each target token attends a window of the source in time.

    The output projection starts at zero, so a fresh interaction changes nothing.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width, width, heads, zero=True)

    def forward(self, x: Tensor, source: Tensor, turn: Rotation, source_turn: Rotation, bias: Tensor) -> Tensor:
        return self.attention(_norm(x), _norm(source), turn, source_turn, bias)  # type: ignore[no-any-return]


class StyleAlignment(nn.Module):
    """The audio prefix attends the whole video, so that the voice can follow the face; no positions."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width, width, heads, zero=True)

    def forward(self, prefix: Tensor, video: Tensor) -> Tensor:
        return self.attention(_norm(prefix), _norm(video))  # type: ignore[no-any-return]


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=EPS)
