"""What goes into a pass of the joint model and what comes out, and which rows of a batch meet what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .axes import Axes, Shape
from .config import ModelConfig
from .encoders import Features
from .layers import attend, weigh
from .stream import States
from .timemap import STRIDE, Timeline


@dataclass(frozen=True, slots=True)
class Content:
    """One modality of a batch: latents `z` at noise levels `s`.

    Video is (B, C, F, h, w), audio (B, La, C); `s` is (B,), or one a latent: (B, F) or (B, La). The leading `known`
    latents are given: clean, whatever `s` says. `reference` is a picture's latents (B, C, 1, h, w), or a voice's
    (B, Lr, C).
    """

    z: Tensor
    s: Tensor
    known: int = 0
    reference: Tensor | None = None

    def repeat(self, n: int) -> Content:
        """The same n times along the batch."""
        reference = None if self.reference is None else torch.cat([self.reference] * n)
        return Content(torch.cat([self.z] * n), torch.cat([self.s] * n), self.known, reference)

    def levels(self) -> Tensor:
        """The noise levels as they are, (B, 1) or one a latent."""
        if self.s.ndim == 1 and not self.known:
            return self.s[:, None]
        length = self.z.shape[2 if self.z.ndim == 5 else 1]
        s = self.s if self.s.ndim == 2 else self.s[:, None].expand(-1, length)
        return torch.cat([torch.zeros_like(s[:, : self.known]), s[:, self.known :]], 1)


@dataclass(frozen=True, slots=True)
class Drivers:
    """What a clean stream offers the other, by layer: its states (B, L, D), or keys and values (B, 2, L, heads, d)."""

    offers: Mapping[int, Tensor]
    shape: Shape

    def then(self, other: Drivers) -> Drivers:
        """The rows of these, then those of others."""
        return Drivers({i: torch.cat([x, other.offers[i]]) for i, x in self.offers.items()}, self.shape)


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of a batch meet the other stream as it is: the first `live` (None: all).

    The others meet `audio` and `video`, the offers of clean drivers (SyncCFG's negatives, driven sampling), or nothing
    where there are none (UniAVGen's negatives). `skip` (layer, row): rows from that one on leave out that block.
    """

    live: int | None = None
    audio: Drivers | None = None
    video: Drivers | None = None
    skip: tuple[int, int] | None = None

    def met(self, count: int, offer: Tensor | None, drivers: Drivers | None, layer: int) -> Tensor | None:
        """What the leading rows of `count` meet in a layer; rows beyond it meet nothing."""
        live = count if self.live is None else self.live
        offer = None if offer is None else offer[:live]
        if drivers is None or live == count:
            return offer if live else None
        states = drivers.offers[layer]
        return states if offer is None or not live else torch.cat([offer, states])


@dataclass(frozen=True, slots=True)
class Estimate:
    """Clean estimates, None of a stream that was not run, and the face masks (B, L) by layer."""

    video: Tensor | None
    audio: Tensor | None
    masks: Mapping[int, Tensor]

    @property
    def both(self) -> tuple[Tensor, Tensor]:
        assert self.video is not None and self.audio is not None
        return self.video, self.audio


@dataclass(slots=True)
class Pass:
    """One pass on its way through the layers: the streams' states, which take from the other, and what is kept."""

    video: States | None
    audio: States | None
    axes: Axes
    shape: Shape
    a2v: bool
    v2a: bool
    rows: Rows
    masks: dict[int, Tensor]
    offers: dict[int, Tensor] | None = None


def shape_of(
    config: ModelConfig, video: Content | None, audio: Content | None, features: Features, rows: Rows
) -> Shape:
    """The geometry of a batch. A stream that is not run is as its driver was, or as long as the other needs it."""
    latents, grid, pictures, tokens, prefix, suffix = 0, (1, 1), 0, 0, 0, 0
    if video is not None:
        latents, patch = video.z.shape[2], config.patch
        grid = (video.z.shape[3] // patch, video.z.shape[4] // patch)
        pictures = int(config.image_cond == "ref_frame" and video.reference is not None)
    elif rows.video is not None:
        latents, grid = rows.video.shape.latents, (rows.video.shape.rows, rows.video.shape.columns)
    if audio is not None:
        tokens = audio.z.shape[1]
        prefix = config.null_tokens if audio.reference is None else audio.reference.shape[1]
        suffix = 0 if config.audio.text != "concat" or features.audio is None else features.audio.shape[1]
    elif rows.audio is not None:
        tokens = rows.audio.shape.tokens
    tokens = tokens or math.ceil((STRIDE * latents - 3) * config.token_rate)
    latents = latents or 1 + round((tokens / config.token_rate - 1) / STRIDE)
    return Shape(latents, *grid, tokens, pictures, prefix, suffix)


def in_rows(x: Tensor, source: Tensor | None, update: Callable[[Tensor, Tensor], Tensor]) -> Tensor | None:
    """The update of (B, L, D) from what its leading rows meet; zero in the others."""
    if source is None:
        return None
    met = len(source)
    d = update(x[:met], source)
    return d if met == len(x) else torch.cat([d, d.new_zeros(len(x) - met, *d.shape[1:])])


def mixed(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    offer: Tensor | None,
    together: bool,
    linear: nn.Module | None,
    bias: Tensor | None = None,
) -> Tensor:
    """Self-attention that also reads an `offer` (B', 2, S, heads, d), in the leading B' rows.

    `together`: one softmax over both (JoVA), whose scores `bias` (heads, L, own + S) is added to; else two attentions,
    added, the second through `linear`.
    """
    if offer is None:
        return attend(q, k, v)
    met, (other_k, other_v) = len(offer), offer.unbind(1)
    if together:
        y = attend(q[:met], torch.cat([k[:met], other_k], 1), torch.cat([v[:met], other_v], 1), bias)
        return y if met == len(q) else torch.cat([y, attend(q[met:], k[met:], v[met:])])
    y, cross = attend(q, k, v), attend(q[:met], other_k, other_v)
    if linear is not None:
        cross = linear(cross.flatten(2)).unflatten(2, cross.shape[2:])
    if met < len(q):
        cross = torch.cat([cross, cross.new_zeros(len(q) - met, *cross.shape[1:])])
    return y + cross


def leaning(run: Pass, strength: float, heads: int, hears: bool) -> Tensor | None:
    """What a training adds to the scores of one softmax, (heads, L, own + S): in every second head `strength` where a
    picture meets the sound of its frames and two more a side (`hears`), or a sound its latent and one more a side.

    Zero in the other heads, which go on as they have learned, among a stream's own tokens and for words.
    """
    v, a = run.video, run.audio
    if not strength or v is None or a is None:
        return None
    x, y = (v, a) if hears else (a, v)
    near = strength * _near(run.shape.latents, run.shape.tokens, run.shape.rows * run.shape.columns, hears)
    own, others = (each.h.shape[1] + (0 if each.words is None else each.words.shape[1]) for each in (x, y))
    across, down = own + y.first, x.first
    bias = F.pad(near.to(x.h.device), (across, own + others - across - y.count, down, own - down - x.count))
    return bias * (torch.arange(heads, device=bias.device) % 2 == 0).view(-1, 1, 1)


@cache
def _near(latents: int, tokens: int, cells: int, hears: bool) -> Tensor:
    line = Timeline(STRIDE * (latents - 1) + 1, tokens)
    if hears:
        return line.a2v_bias(0.5).isfinite().float().repeat_interleave(cells, 0)
    return line.v2a_bias(1).isfinite().float().repeat_interleave(cells, 1)


def looks(q: Tensor, offer: Tensor, run: Pass) -> Tensor:
    """How the sound attends the picture's cells in a mixture, over all their times: (B, La, cells), rows sum to 1.

    What it spends on itself and on words is left out.
    """
    assert run.audio is not None
    cells, pictures = run.shape.rows * run.shape.columns, run.shape.pictures * run.shape.rows * run.shape.columns
    own = q[:, run.audio.first : run.audio.first + run.audio.count]
    keys = offer[:, 0, pictures : pictures + run.shape.latents * cells]
    return weigh(own, keys).mean(1).unflatten(-1, (-1, cells)).sum(-2)
