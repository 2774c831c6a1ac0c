"""Sounds without pictures, for the audio stream: people who say words from a large vocabulary, and events.

The clips of a training set hold a few thousand words, and a stream misreads the rest; sound alone costs a third of a
clip. Half of the voices are the world's people, described; the others are strangers whom the caption does not describe,
so that a reference voice is all that tells how they sound. A quarter of the sounds are the world's events, described.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import save_file

from avbench.records import Prompt, SpeechLine
from avbench.world.speakers import Speaker

from .config import ModelConfig
from .data import Dataset, in_shards
from .shots import Shot, reading, texts_of
from .strangers import SOMEBODY, STRANGERS, stranger
from .timemap import Timeline
from .tokens import FPS, audio_tokens
from .weights import Codecs

MANDARIN = 0.2
EVENTS = 0.25


def build_utterances(folder: Path, model: ModelConfig, count: int, seed: int, codecs: Codecs) -> Dataset:
    """Renders what is missing of `count` utterances into `folder` and loads them; goes on where it was interrupted."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: t.contiguous() for name, t in codecs.tensors().items()}, folder / "codecs.safetensors")
    for shard, shots in in_shards(utter, len(list(folder.glob("shard_*.npz"))), count, model, seed):
        _write(folder / f"shard_{shard:04d}.npz", shots, model, codecs)
    return Dataset(folder, model)


def utter(index: int, model: ModelConfig, seed: int) -> Shot:
    """Utterance `index` of the training set of `seed`: a shot of no pixels."""
    from avbench.world.prompts import sample_prompt
    from avbench.world.sayings import draw

    rng = np.random.default_rng((seed, index, 0x5A1D))
    if rng.random() < EVENTS:
        return heard(sample_prompt(rng, "ambient", "en"), int(rng.integers(2**31)), model)
    language: Literal["en", "zh"] = "zh" if rng.random() < MANDARIN else "en"
    prompt, talker = sample_prompt(rng, "speech", language), None
    if rng.random() < 0.5:
        talker = stranger(int(rng.integers(STRANGERS)), seed)
        prompt = replace(prompt, video_caption=SOMEBODY)
    line = SpeechLine(draw(rng, language), language, prompt.speech[0].speaker)
    prompt = replace(prompt, speech=(line,))
    return heard(prompt, int(rng.integers(2**31)), model, talker)


def heard(prompt: Prompt, seed: int, model: ModelConfig, talker: Speaker | None = None) -> Shot:
    """A shot of no pixels. Who speaks is known where the prompt or `talker` says it."""
    from avbench.world.render import render

    take = render(prompt, seed, 16, model.frames / FPS, stills=(), talker=talker)
    name = talker.name if talker else prompt.speech[0].speaker if prompt.speech else ""
    letters, ends = reading(take.truth, prompt, model.audio.spelling)
    nothing = np.zeros((Timeline(model.frames, 1).latents, 0, 0))
    unseen = nothing.astype(np.bool_), nothing.astype(np.float16)
    return Shot(take.frames, take.audio, unseen[0], prompt, letters, ends, unseen[1], name or "", model.audio.spelling)


def _write(path: Path, shots: list[Shot], model: ModelConfig, codecs: Codecs) -> None:
    """A shard as `Dataset` reads it, whose pictures are of no size."""
    tokens = audio_tokens(model.frames)
    audio = [codecs.audio.encode(torch.from_numpy(shot.audio)[None], tokens) for shot in shots]
    latents = Timeline(model.frames, 1).latents
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            video=np.zeros((len(shots), model.video_channels, latents, 0, 0), np.float16),
            audio=torch.cat(audio).half().numpy(),
            mouth=np.stack([shot.mouth for shot in shots]),
            face=np.stack([shot.face for shot in shots]),
            texts=np.array(texts_of(shots)),
        )
    part.replace(path)
