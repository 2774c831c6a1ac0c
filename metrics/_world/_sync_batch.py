"""A training example of the Synchformer: a stretch of a clip, its sound from before to after it, and what happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from .._backbones import synchformer_input as protocol
from .._backbones._synchformer_trunks import SynchformerConfig
from .._backbones.synchformer_input import FPS, RATE, SEGMENT_FRAMES, SEGMENT_SAMPLES, STEP_FRAMES, STEP_SAMPLES
from ._sync_losses import HEARD, SEEN

FURTHEST = 2.1  # seconds; a shift beyond 2 counts as 2
SPREAD = (0.2, 0.2)  # about what aperture and onset vary by: what is said of them is told in these units
AROUND = np.array([-0.16, -0.08, 0.0, 0.08, 0.16])  # seconds from a token at which it says what happens
Clips = Mapping[str, list[NDArray[np.generic]]]


@dataclass(frozen=True, slots=True)
class Batch:
    """`video` (B, S, 16, 3, H, W); `audio` (B, S + 2 * beyond, 128, 66), of which the segments `first` (B, K) + 0 ..
    S - 1 are early by `offset` (B, K) seconds; `seen` (B, S, 8, 15) and `heard` (B, S, 6, 15) are
    aperture, onset and motion, or aperture, onset and loudness, around each token.
    """

    video: Tensor
    audio: Tensor
    first: Tensor
    offset: Tensor
    seen: Tensor
    heard: Tensor


def cut(
    clips: Clips, config: SynchformerConfig, shifts: int, index: int, source: torch.Generator, beyond: int, filled: bool
) -> Batch:
    """One clip from a random frame on, without the batch axis; `beyond` segments of sound to either side."""
    frames, samples = clips["frames"][index], np.asarray(clips["audio"][index])
    length = SEGMENT_FRAMES + STEP_FRAMES * (config.segments - 1)
    start = int(torch.randint(len(frames) - length + 1, (1,), generator=source))
    film = protocol.frames(np.array(frames[start : start + length]), config.pixels)
    film, sound = tint(film, source), disturb(torch.from_numpy(samples.astype(np.float32) / 32767), source)
    begin, end, whole = start * RATE // FPS, (start + length) * RATE // FPS, len(sound)
    if filled:
        sound = pad(sound[begin:end], (begin, whole - end))
    phase = int(torch.randint(STEP_SAMPLES, (1,), generator=source)) - STEP_SAMPLES // 2 if beyond else 0
    first = begin + phase - beyond * STEP_SAMPLES
    last = first + (config.segments + 2 * beyond - 1) * STEP_SAMPLES + SEGMENT_SAMPLES
    span = pad(sound[max(0, first) : max(0, last)], (max(0, -first), max(0, last - whole)))
    offset = (phase + (torch.arange(2 * beyond + 1) - beyond) * STEP_SAMPLES) / RATE
    there = (offset * RATE + begin >= 0) & (offset * RATE + end <= whole) | filled
    chosen = torch.multinomial(((offset.abs() <= FURTHEST) & there).float(), shifts, replacement=True, generator=source)
    at = start / FPS + 0.32 * torch.arange(config.segments)[:, None]
    both = happening(clips, index)
    curves = (np.concatenate([both, more], 1) for more in (moving(frames), sounding(samples)))
    known = [around(curve, at + moments) for curve, moments in zip(curves, (SEEN, HEARD), strict=True)]
    return Batch(protocol.video_segments(film), protocol.audio_segments(span), chosen, offset[chosen], *known)


def happening(clips: Clips, index: int) -> NDArray[np.float64]:
    """By frame (T, 2) aperture and onset, softened to 0.1 s, in units of `SPREAD`."""
    aperture, onsets = (np.asarray(clips[name][index], np.float64) for name in ("aperture", "onsets"))
    soft = np.minimum(1, np.convolve(onsets, [0.3, 0.8, 1, 0.8, 0.3], "same"))
    return np.stack([aperture, soft], 1) / SPREAD


def moving(frames: NDArray[np.generic]) -> NDArray[np.float64]:
    """By frame (T, 1) how much changes from the last one, on a scale of its own for each clip."""
    few = np.asarray(frames)[:, ::2, ::2].astype(np.int16)
    change = np.abs(np.diff(few, axis=0)).mean((1, 2, 3))
    return standard(np.log(np.concatenate([change[:1], change]) + 0.3))


def sounding(samples: NDArray[np.generic]) -> NDArray[np.float64]:
    """By frame (T, 1) how loud it is, on a scale of its own for each clip."""
    hop = RATE // FPS
    pieces = samples[: len(samples) // hop * hop].reshape(-1, hop).astype(np.float64) / 32767
    return standard(np.log(pieces.std(1) + 1e-3))


def standard(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((curve - curve.mean()) / (curve.std() + 0.1))[:, None]


def around(curves: NDArray[np.float64], seconds: Tensor) -> Tensor:
    """Curves (T, C) by frame, at any moments and `AROUND` them: (..., 5 C)."""
    moments = seconds.numpy()[..., None] + AROUND
    frames = (np.arange(len(curves)) + 0.5) / FPS
    return torch.from_numpy(np.concatenate([np.interp(moments, frames, curve) for curve in curves.T], -1)).float()


def tint(film: Tensor, source: torch.Generator) -> Tensor:
    """(T, 3, H, W) in -1..1, brighter or darker, mirrored half the time, sometimes with noise."""
    draw = torch.rand(6, generator=source)
    if draw[0] < 0.5:
        film = film.flip(-1)
    film = film * (0.7 + 0.6 * draw[1]) + 0.4 * (draw[2] - 0.5)
    if draw[3] < 0.3:
        film = film + 0.15 * draw[4] * torch.randn(film.shape, generator=source)
    return film.clamp(-1, 1)


def disturb(sound: Tensor, source: torch.Generator) -> Tensor:
    """Louder or softer by up to 10 dB, sometimes with white noise 10 to 50 dB below the sound."""
    draw = torch.rand(3, generator=source)
    sound = sound * 10 ** (draw[0] - 0.5)
    if draw[1] < 0.3:
        power = sound.square().mean().sqrt() * 10 ** (-(10 + 40 * draw[2]) / 20)
        sound = sound + power * torch.randn(sound.shape, generator=source)
    return sound
