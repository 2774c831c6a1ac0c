"""SyncCFG sampling: each modality is guided away from how it looks with the other one mute or still."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .codec import still
from .config import SampleConfig
from .flow import grid, guided, renoised
from .model import AUDIO_RATE, FPS, Anchors, JointModel, audio_tokens
from .text import Condition
from .timemap import Timeline
from .weights import Codecs


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of one clip: `video` (1, C, F, h, w) and `audio` (1, La, C), and the seed of what churn draws later."""

    video: Tensor
    audio: Tensor
    later: int

    @classmethod
    def of(cls, seed: int, model: JointModel, frames: int) -> Noise:
        """Drawn on the CPU, so that it is the same on every device."""
        source, config, cells = torch.Generator().manual_seed(seed), model.config, model.config.size // 8
        latents = Timeline(frames, 1).latents
        return cls(
            torch.randn(1, config.video_channels, latents, cells, cells, generator=source),
            torch.randn(1, audio_tokens(frames), config.audio_channels, generator=source),
            seed ^ 0x9E3779B9,
        )


@torch.inference_mode()
def sample(
    model: JointModel, condition: Condition, noise: Noise, silence: Tensor, config: SampleConfig
) -> tuple[Tensor, Tensor]:
    """From noise to clean latents on Wan's grid; texts are kept in the negative passes.

    One batched call a step holds the joint pass and both negative passes. The mute driver's states are computed once;
    the still driver is the first frame of the clean estimate, taken anew every `anchor_every` steps.
    """
    video, audio = noise.video.to(silence), noise.audio.to(silence)
    source = torch.Generator().manual_seed(noise.later)
    features = model.encode(condition)
    pair = features.repeat(2)
    mute, seen = model.drive_audio(silence, features), None
    levels = grid(config.steps, config.shift).to(video)
    for i, (s, following) in enumerate(pairwise(levels)):
        if i % config.anchor_every == 0:
            if i == 0:  # pure noise has no first frame yet: estimate one
                guess = model(video, audio, s[None], s[None], features)[0]
            seen = model.drive_video(still(guess), features)
        two = s.expand(2)
        anchors = Anchors(mute, seen) if seen is not None else None
        clean_v, clean_a = model(video.repeat(2, 1, 1, 1, 1), audio.repeat(2, 1, 1), two, two, pair, anchors=anchors)
        guess = guided(clean_v[:1], clean_v[1:], config.s_v)
        voice = guided(clean_a[:1], clean_a[1:], config.s_a)
        fresh_v, fresh_a = (torch.randn(z.shape, generator=source).to(z) for z in (video, audio))
        video = renoised(video, guess, s, following, fresh_v, config.churn)
        audio = renoised(audio, voice, s, following, fresh_a, config.churn)
    return video, audio


def pixels(codecs: Codecs, video: Tensor) -> NDArray[np.uint8]:
    """(1, C, F, h, w) latents to (T, H, W, 3) uint8 RGB."""
    frames = codecs.video.decode(video)[0].permute(1, 2, 3, 0)
    return ((frames + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def waveform(codecs: Codecs, audio: Tensor, frames: int) -> NDArray[np.float32]:
    """(1, La, C) latents to samples at 16 kHz, as long as the frames."""
    return codecs.audio.decode(audio, frames * AUDIO_RATE // FPS)[0].cpu().numpy()
