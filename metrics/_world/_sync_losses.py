"""What a Synchformer is trained to do: say what happens, bring together what happens at once, tell an offset."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from .._backbones import synchformer_input as protocol
from .._backbones.synchformer_input import FPS, SEGMENT_FRAMES

WARMTH = 0.1  # temperature of the contrast
SEGMENT = SEGMENT_FRAMES / FPS  # seconds
SEEN = (torch.arange(8) + 0.5) * SEGMENT / 8  # the middle of what a video token covers, two frames
HEARD = 0.08 + 0.1 * torch.arange(6)  # the same of an audio token, 16 mel columns


def truth(tokens: Tensor, known: Tensor) -> Tensor:
    """How wrong the first numbers of projected tokens (B, S, L, dim) are about what happens around them."""
    return (tokens[..., : known.shape[-1]].float() - known).square().mean()


def contrast(seen: Tensor, heard: Tensor) -> Tensor:
    """The loss of the first stage for (B, S, 8, dim) and (B, S, 6, dim) projected tokens of the same segments."""
    alike = _likeness(seen.mean(2).flatten(0, 1), heard.mean(2).flatten(0, 1))
    at, centres = SEEN / SEGMENT, HEARD / SEGMENT
    share = (1 - (at[:, None] - centres).abs() * SEGMENT / 0.1).clamp(min=0)
    share = (share / share.sum(1, keepdim=True)).to(heard)
    moments = _likeness(seen.flatten(1, 2), (share @ heard).flatten(1, 2))
    time = ((torch.arange(seen.shape[1])[:, None] / 2) * SEGMENT + SEEN).flatten()
    twins = ((time[:, None] - time).abs() < 0.06) & ~torch.eye(len(time), dtype=torch.bool)
    moments = moments.masked_fill(twins.to(moments.device), -torch.inf).flatten(0, 1)
    own = torch.arange(len(time), device=moments.device).repeat(len(seen))
    whole = torch.arange(len(alike), device=alike.device)
    return (cross_entropy(alike, whole) + cross_entropy(alike.T, whole)) / 2 + cross_entropy(moments, own)


def _likeness(a: Tensor, b: Tensor) -> Tensor:
    """Cosines (..., N, N) of vectors (..., N, dim), over the temperature."""
    return normalize(a.float(), dim=-1) @ normalize(b.float(), dim=-1).mT / WARMTH


def between(offset: Tensor) -> Tensor:
    """(N,) seconds to (N, 21): each offset shared by the two classes that it lies between."""
    grid = torch.from_numpy(protocol.grid())
    apart = (offset.clamp(-2, 2)[:, None] - grid).abs() / 0.2
    return (1 - apart).clamp(min=0)
