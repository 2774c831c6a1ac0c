"""What a prompt's references give a model: a picture, a voice, a driver, a beginning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avbench.errors import UsageError
from avbench.media.load import load_audio
from avbench.records import Prompt

from .sampling import Given

MODES = ("joint", "audio_driven", "video_driven", "continuation")


@dataclass(frozen=True, slots=True)
class Desk:
    """How a model reads references.

    `picture` and `film` load uint8 RGB as the model wants it, (H, W, 3) and (T, H, W, 3); `see` and `hear` encode
    (1, 3, T, H, W) in [-1, 1], and (1, S) samples at `rate` Hz to so many tokens; `tokens` says how many frames have.
    `pictured` and `voice` (seconds at most) are what the model was trained with; `begins`: a picture is the first
    latent as well.
    """

    picture: Callable[[Path], NDArray[np.uint8]]
    film: Callable[[Path], NDArray[np.uint8]]
    see: Callable[[Tensor], Tensor]
    hear: Callable[[Tensor, int], Tensor]
    tokens: Callable[[float], int]
    rate: int
    fps: float
    pictured: bool
    voice: float
    begins: bool = False


def given_of(desk: Desk, prompt: Prompt, frames: int) -> Given:
    """What a prompt's references give, by its tag `mode:…` (`joint` without one).

    `joint`: a reference image and a reference voice, for models that were trained with them (others leave them out).
    `audio_driven`: the reference audio is the sound. `video_driven`: the reference video is the picture.
    `continuation`: the clip begins with the first half of the reference video, sound included. Raises UsageError.
    """
    mode, given = prompt.tag("mode") or "joint", Given()
    if mode not in MODES:
        raise UsageError(f"prompt {prompt.id!r}: tag mode:{mode}; known: {', '.join(MODES)}")
    if prompt.reference_image and desk.pictured:
        z = desk.see(_tensor(desk.picture(prompt.reference_image)[None]))
        given = replace(given, picture=z, first_video=z if desk.begins else None)
    if mode == "audio_driven":
        return replace(given, audio=_heard(desk, _need(prompt, "reference_audio", mode), frames))
    if prompt.reference_audio and desk.voice:
        samples = torch.from_numpy(load_audio(prompt.reference_audio, desk.rate))[None, : round(desk.voice * desk.rate)]
        given = replace(given, voice=desk.hear(samples, max(1, desk.tokens(samples.shape[1] / desk.rate * desk.fps))))
    if mode == "joint":
        return given
    path = _need(prompt, "reference_video", mode)
    video = desk.see(_tensor(_long(desk.film(path), frames)))
    if mode == "video_driven":
        return replace(given, video=video)
    audio, known = _heard(desk, path, frames), video.shape[2] // 2
    first = audio[:, : round(known / video.shape[2] * audio.shape[1])]
    return replace(given, first_video=video[:, :, :known], first_audio=first)


def _need(prompt: Prompt, field: str, mode: str) -> Path:
    path: Path | None = getattr(prompt, field)
    if path is None:
        raise UsageError(f"prompt {prompt.id!r}: mode:{mode} needs {field}")
    return path


def _heard(desk: Desk, path: Path, frames: int) -> Tensor:
    samples = torch.from_numpy(load_audio(path, desk.rate))[None, : round(frames * desk.rate / desk.fps)]
    return desk.hear(samples, desk.tokens(frames))


def _long(shown: NDArray[np.uint8], frames: int) -> NDArray[np.uint8]:
    """So many frames: the last picture stays."""
    if len(shown) < frames:
        shown = np.concatenate([shown, np.repeat(shown[-1:], frames - len(shown), 0)])
    return shown[:frames]


def _tensor(frames: NDArray[np.uint8]) -> Tensor:
    """(T, H, W, 3) uint8 to (1, 3, T, H, W) in [-1, 1]."""
    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
