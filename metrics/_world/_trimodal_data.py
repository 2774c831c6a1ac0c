"""The training set of the common space: a few frames, mel bands and both captions of clips of the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avbench.records import Prompt
from avbench.world.render import render
from avbench.world.scene import frames_of
from avbench.world.speakers import Speaker, passer_by

from .._backbones.world_mel import HOP, RATE, log_mel
from .._backbones.world_space_net import SIZE, word_ids
from ._prompts import Kind, training_prompt
from ._render import Arrays, build

STILLS = 9  # frames kept of a clip, half a second apart
SECONDS = 4.04
STRANGERS = 0.5  # share of the clips in which somebody speaks whom no other clip has
SHORTEST = 3  # half seconds of sound that training may cut a clip to
KINDS: tuple[Kind, ...] = ("speech", "ambient", "complex")
ODDS = (0.3, 0.45, 0.25)


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames (B, T, 64, 64, 3) uint8, mel (B, 80, M), word ids (B, 40) of what is seen and of what is heard.

    `told` (B,): whether the prompt says what is heard.
    """

    frames: Tensor
    mel: Tensor
    seen: Tensor
    heard: Tensor
    told: Tensor


class Dataset:
    """All clips, on disk; the last `held_out` are kept for the probe."""

    def __init__(self, folder: Path, clips: int, held_out: int, seed: int) -> None:
        self.columns = build(folder, clips, partial(shoot, seed=seed))
        self.size, self.held_out = clips - held_out, range(clips - held_out, clips)

    def batch(self, indices: Sequence[int], rng: np.random.Generator | None = None) -> Batch:
        """With a generator, two batches in five are of one frame and of a span of the sound, from 1.5 s on."""
        column = {name: np.stack([rows[i] for i in indices]) for name, rows in self.columns.items()}
        frames, mel = column["frames"], column["mel"].astype(np.float32)
        if rng is not None and rng.random() < 0.4:
            frames = frames[:, [int(rng.integers(STILLS))]]
            span = int(rng.integers(SHORTEST * RATE // HOP // 2, mel.shape[2]))
            start = int(rng.integers(0, mel.shape[2] - span))
            mel = mel[:, :, start : start + span]
        told = np.asarray(column["heard"].any(1))
        heard = np.where(told[:, None], column["heard"], column["seen"])  # as IB-A reads a prompt
        return Batch(*map(torch.from_numpy, (frames, mel, column["seen"], heard, told)))


def prompt_of(number: int, seed: int, held_out: bool = False) -> tuple[Prompt, Speaker | None, np.random.Generator]:
    """What clip `number` of the set of `seed` shows, who is to speak, and the generator that goes on from there.

    Strangers and the speakers that are trained on, or (None, as the prompt says) those that are held out.
    """
    rng = np.random.default_rng((seed, number, 0x3B0D))
    stranger = None if held_out or rng.random() > STRANGERS else passer_by(rng)
    return training_prompt(rng, KINDS[int(rng.choice(3, p=ODDS))], held_out, talker=stranger), stranger, rng


def shoot(number: int, seed: int, held_out: bool = False) -> Arrays:
    """Clip `number` of the set of `seed`."""
    prompt, stranger, rng = prompt_of(number, seed, held_out)
    stills = np.linspace(0, frames_of(SECONDS) - 1, STILLS).astype(int).tolist()
    take = render(prompt, int(rng.integers(2**31)), SIZE, SECONDS, stills=stills, talker=stranger)
    mel = log_mel(torch.from_numpy(take.audio)[None])[0]
    return {
        "frames": take.frames,
        "mel": mel.numpy().astype(np.float16),
        "seen": word_ids(prompt.video_caption),
        "heard": word_ids(prompt.audio_caption),
    }
