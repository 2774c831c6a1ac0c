"""The rotations, windows and interpolations of one clip's geometry."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .config import Interaction, ModelConfig
from .rope import Rotation, audio_rotation, released_rotation, temporal_rotation, video_rotation
from .timemap import STRIDE, Timeline


@dataclass(frozen=True, slots=True)
class Shape:
    """What the geometry depends on: the token grid, audio tokens, and tokens that stand before or after them."""

    latents: int
    rows: int
    columns: int
    tokens: int
    pictures: int = 0
    prefix: int = 0
    suffix: int = 0


@dataclass(frozen=True, slots=True)
class Meeting:
    """One direction of the interaction: rotations of queries and keys, and an additive `bias` (L, S), a `ramp`, or the
    `windows` (F, W) of source tokens that the queries of each latent attend; keys then turn by their place in these.
    """

    query: Rotation | None = None
    key: Rotation | None = None
    bias: Tensor | None = None
    ramp: Tensor | None = None
    windows: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Axes:
    """The streams' own rotations (prefix and suffix included) and both directions of the interaction."""

    video: Rotation
    audio: Rotation
    a2v: Meeting
    v2a: Meeting

    def to(self, device: torch.device) -> Axes:
        def moved(x: Meeting) -> Meeting:
            parts = (getattr(x, f.name) for f in fields(x))
            return Meeting(*(None if part is None else part.to(device) for part in parts))

        return Axes(self.video.to(device), self.audio.to(device), moved(self.a2v), moved(self.v2a))


def axes(config: ModelConfig, shape: Shape) -> Axes:
    line = Timeline(STRIDE * (shape.latents - 1) + 1, shape.tokens)
    d, audio_d = config.width // config.heads, config.audio_width // config.audio_heads
    meeting = config.interaction
    times = torch.arange(-shape.pictures, shape.latents)
    ahead = torch.arange(-shape.prefix, 0)
    if config.mixed:  # one softmax over both streams: audio turns in the time band, on the video's clock
        tokens, before = torch.arange(shape.tokens).double(), ahead.double()
        if meeting.rope == "aligned":
            tokens = line.audio_positions(meeting.time_map)
            before = before * shape.latents / shape.tokens
        audio = temporal_rotation(torch.cat([before, tokens]) * (meeting.rope != "none"), audio_d)
    else:
        audio = audio_rotation(torch.arange(-shape.prefix, shape.tokens), audio_d)
    return Axes(
        video_rotation(times, shape.rows, shape.columns, d),
        audio.then(shape.suffix),
        _a2v(meeting, line, shape, d),
        _v2a(meeting, line, shape, audio_d),
    )


def _a2v(meeting: Interaction, line: Timeline, shape: Shape, d: int) -> Meeting:
    cells = shape.rows * shape.columns
    if meeting.compat:
        windows = line.released_windows()
        query = video_rotation(torch.zeros(line.latents), shape.rows, shape.columns, d)
        return Meeting(query, released_rotation(torch.arange(windows.shape[1]), d), windows=windows)
    bias = {"window": lambda: line.a2v_bias(meeting.window), "segment": line.segment_bias}.get(meeting.a2v)
    spread = None if bias is None else bias().repeat_interleave(cells, 0)
    if meeting.rope == "none":
        return Meeting(bias=spread)
    latents = torch.arange(line.latents)
    heard = line.audio_positions(meeting.time_map) if meeting.rope == "aligned" else torch.arange(line.audio_tokens)
    if meeting.xattn_rope == "wan3d":
        query = video_rotation(latents, shape.rows, shape.columns, d)
    else:
        query = temporal_rotation(latents.repeat_interleave(cells), d)
    return Meeting(query, temporal_rotation(heard, d), spread)


def _v2a(meeting: Interaction, line: Timeline, shape: Shape, d: int) -> Meeting:
    cells = shape.rows * shape.columns
    if meeting.v2a == "interp":  # all keys of a query are of its own time: nothing to rotate but their place
        still = video_rotation(torch.zeros(1), shape.rows, shape.columns, d)
        placed = meeting.xattn_rope == "wan3d" and meeting.rope != "none"
        return Meeting(key=still if placed else None, ramp=line.ramp(meeting.v2a_interp))
    bias = None
    if meeting.v2a in ("window", "segment"):
        near = line.v2a_bias(meeting.v2a_margin if meeting.v2a == "window" else 0)
        bias = near.T.repeat_interleave(cells, 0).T.contiguous()
    if meeting.rope == "none":
        return Meeting(bias=bias)
    seen = line.latent_positions(meeting.time_map) if meeting.rope == "aligned" else torch.arange(line.latents)
    if meeting.xattn_rope == "wan3d":
        key = video_rotation(seen, shape.rows, shape.columns, d)
    else:
        key = temporal_rotation(seen.repeat_interleave(cells), d)
    return Meeting(temporal_rotation(torch.arange(line.audio_tokens), d), key, bias)
