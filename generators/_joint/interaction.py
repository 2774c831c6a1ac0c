"""Where the streams meet by cross-attention: windows in time, interpolation, global style, and the face mask."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .axes import Meeting
from .config import Interaction
from .layers import EPS, Attention, attend, weigh


class CrossModal(nn.Module):
    """One direction of the interaction: target tokens attend the source's, as the windows of `Meeting` allow.

    The output projection starts at zero, so a fresh interaction changes nothing.
    """

    def __init__(self, width: int, source_width: int, heads: int, config: Interaction) -> None:
        super().__init__()
        self.attention = Attention(width, source_width, heads, zero=True)
        self.pre_norm, self.residual = config.pre_norm, config.residual_in_wo

    def forward(self, x: Tensor, source: Tensor, at: Meeting, mask: Tensor | None = None) -> Tensor:
        """(B, L, D) target and (B, S, D') source states to the target's update (B, L, D).

        A `mask` (B, L, 1) is put before the output projection where there are windows, as UniAVGen's code has it.
        """
        held = x if self.residual else None
        if self.pre_norm:
            x, source = _norm(x), _norm(source)
        if at.windows is not None:
            return self._windowed(x, source, at, at.windows, mask)
        if at.ramp is None:
            return self.attention(x, source, at.query, at.key, at.bias, held)
        return self._interpolated(x, source, at, at.ramp, held)

    def looks(self, x: Tensor, source: Tensor, at: Meeting, cells: int) -> Tensor:
        """How the target attends the cells of the source's pictures, at all times: (B, L, cells), rows sum to 1."""
        if self.pre_norm:
            x, source = _norm(x), _norm(source)
        if at.ramp is None:
            weights = weigh(self.attention.query(x, at.query), self.attention.offer(source, at.key)[0], at.bias)
            return weights.mean(1).unflatten(-1, (-1, cells)).sum(-2)
        query, key, _ = self._spread(x, source, at, at.ramp)
        return weigh(query, key).mean(1).view(*x.shape[:2], cells)

    def _windowed(self, x: Tensor, source: Tensor, at: Meeting, windows: Tensor, mask: Tensor | None) -> Tensor:
        """The cells of latent i attend the tokens of its own window, which turn by their places in it."""
        module, latents = self.attention, len(windows)
        query = module.query(x, at.query).unflatten(1, (latents, -1)).flatten(0, 1)
        key, value = (y[:, windows].flatten(0, 1) for y in module.offer(source))
        y = attend(query, at.key(key) if at.key else key, value).unflatten(0, (-1, latents)).flatten(1, 2)
        return module.close(y if mask is None else y * mask.unsqueeze(-1))

    def _interpolated(self, x: Tensor, source: Tensor, at: Meeting, ramp: Tensor, held: Tensor | None) -> Tensor:
        """Every target token attends the N cells of a picture of its own, interpolated between latents."""
        y = attend(*self._spread(x, source, at, ramp))
        return self.attention.close(y.squeeze(1).unflatten(0, x.shape[:2]), held)

    def _spread(self, x: Tensor, source: Tensor, at: Meeting, ramp: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B L, 1, heads, d), keys and values (B L, N, heads, d).

        Keys and values are projected first and interpolated after: exact, since both are linear before the key's norm.
        """
        module, latents = self.attention, ramp.shape[1]

        def spread(y: Tensor) -> Tensor:
            return torch.einsum("lf,bfnd->blnd", ramp.to(y.dtype), y.unflatten(1, (latents, -1)))

        norm = module.norm_k
        key = F.rms_norm(spread(module.k(source)), norm.normalized_shape, norm.weight.to(x.dtype), norm.eps)
        key, value = (y.flatten(0, 1).unflatten(-1, (module.heads, -1)) for y in (key, spread(module.v(source))))
        query = module.query(x).flatten(0, 1).unsqueeze(1)
        return query, at.key(key) if at.key else key, value


class StyleAlignment(nn.Module):
    """The audio prefix attends the whole video, so that the voice can follow the face; no positions."""

    def __init__(self, width: int, source_width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width, source_width, heads, zero=True)

    def forward(self, prefix: Tensor, video: Tensor) -> Tensor:
        return self.attention(_norm(prefix), _norm(video))


class FaceMask(nn.Module):
    """UniAVGen's face-aware modulation: where in the picture sound matters, in (0, 1) for every video token.

    `affine` is the paper's eq. 8; `adaln` (their code) shifts and scales by the embedded noise level.
    """

    def __init__(self, width: int, head: str) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, EPS) if head == "affine" else None
        self.modulation = nn.Parameter(torch.zeros(1, 1, 2, width)) if head == "adaln" else None
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        """(B, L, D) states and (B, 1 or L, D) embedded levels to (B, L, 1)."""
        if self.norm is not None:
            normed = F.layer_norm(x, x.shape[-1:], self.norm.weight.to(x.dtype), self.norm.bias.to(x.dtype), EPS)
        else:
            assert self.modulation is not None
            shift, scale = (self.modulation + e.unsqueeze(2)).to(x.dtype).unbind(2)
            normed = torch.addcmul(shift, _norm(x), 1 + scale)
        return torch.sigmoid(self.head(normed))


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=EPS)


def square(width: int, init: str) -> nn.Linear:
    """The map after a second attention that is added: `default`, `identity` or `zero` at the start."""
    layer = nn.Linear(width, width)
    if init != "default":
        nn.init.zeros_(layer.bias)
        nn.init.eye_(layer.weight) if init == "identity" else nn.init.zeros_(layer.weight)
    return layer
