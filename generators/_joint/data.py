"""The training set: the world's clips as latents on disk, and batches of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from avbench.errors import UsageError
from avbench.records import Prompt

from .codec import AudioCodec, Pca, VideoCodec
from .config import ModelConfig
from .recipe import TrainConfig
from .shots import Shot, shoot, texts_of
from .text import LETTERS, Condition, caption_words, letter_ids, stretch
from .timemap import Timeline
from .tokens import TOKEN_SECONDS, audio_tokens
from .weights import Codecs

SHARD, FIT, MOUTH = 64, 192, 12
VOICE = 31  # audio tokens of a reference voice: a second


@dataclass(frozen=True, slots=True)
class Batch:
    """Latents, mouth and face (B, F, h, w), text, and per letter the true audio tokens (B, 96) where `spoken`."""

    video: Tensor
    audio: Tensor
    mouth: Tensor
    face: Tensor
    condition: Condition
    durations: Tensor
    spoken: Tensor


class Dataset:
    """All clips in memory. Items are addressed by index; a batch may crop in time."""

    def __init__(self, folder: Path, model: ModelConfig) -> None:
        shards = [np.load(path) for path in sorted(folder.glob("shard_*.npz"))]
        self.model = model
        self.codecs = Codecs.of(load_file(folder / "codecs.safetensors"))
        if any("face" not in shard for shard in shards):
            raise UsageError(f"{folder} was made by an older avbench; delete it, and it is made anew")
        self.video, self.audio, self.mouth, self.face = (
            torch.from_numpy(np.concatenate([shard[key] for shard in shards]))
            for key in ("video", "audio", "mouth", "face")
        )
        texts = [json.loads(line) for shard in shards for line in shard["texts"]]
        if other := {text.get("spelling", "letters") for text in texts} - {model.audio.spelling}:
            raise UsageError(
                f"{folder} is spelled in {other.pop()}, and the preset in {model.audio.spelling}; delete it, and it is "
                "made anew"
            )
        self.words = [caption_words(Prompt("", **text["prompt"]), model.words) for text in texts]
        self.letters = [text["letters"] for text in texts]
        self.ends = [text["ends"] for text in texts]
        self.speaker = [text["speaker"] for text in texts]

    def __len__(self) -> int:
        return len(self.video)

    def batch(self, indices: list[int], start: int = 0, frames: int | None = None) -> Batch:
        """Clips cut to `frames` (4n + 1) from latent `start` on; the linear codec restarts the video exactly."""
        frames = frames or self.model.frames
        latents, tokens, first = Timeline(frames, 1).latents, audio_tokens(frames), 5 * start
        video = self.video[indices, :, start : start + latents].float()
        audio = self.audio[indices, first : first + tokens].float()
        readings = [self._reading(i, first, tokens) for i in indices]
        letters = torch.tensor([letter_ids(self.letters[i]) for i in indices])
        timed = torch.zeros(len(indices), LETTERS)
        spoken = torch.zeros(len(indices), LETTERS)
        for row, i in enumerate(indices):
            if self.letters[i]:
                lengths = np.diff([0.0, *self.ends[i]])[:LETTERS] / TOKEN_SECONDS
                timed[row, : len(lengths)] = torch.from_numpy(lengths).float()
                spoken[row, : len(lengths)] = 1
        condition = Condition(
            torch.tensor([self.words[i][0] for i in indices]),
            torch.tensor([self.words[i][1] for i in indices]),
            letters,
            torch.stack([reading for reading, _ in readings]),
            torch.stack([phase for _, phase in readings]),
        )
        if start and video.numel():
            video = self.codecs.video.restart(video)
        mouth, face = (mask[indices, start : start + latents].float() for mask in (self.mouth, self.face))
        return Batch(video, audio, mouth, face, condition, timed, spoken)

    def voices(self, indices: list[int], kind: str, among: int, source: torch.Generator) -> Tensor:
        """Reference voices, (B, Lr, C), of a second: cut from the `same` clip, or from an`other` of the speaker.

        Only the first `among` clips lend theirs. Without another one (no speaker is known) it is cut from the same.
        """
        length = min(VOICE, self.audio.shape[1])
        cuts = torch.randint(self.audio.shape[1] - length + 1, (len(indices),), generator=source).tolist()
        picks = torch.rand(len(indices), generator=source).tolist()
        parts = []
        for i, first, pick in zip(indices, cuts, picks, strict=True):
            who = self.speaker[i]
            others = [n for n in self._of(who, among) if n != i] if kind == "other" and who else []
            lender = others[int(pick * len(others))] if others else i
            parts.append(self.audio[lender, first : first + length].float())
        return torch.stack(parts)

    @cache  # noqa: B019  (one dataset a process)
    def _of(self, speaker: str, among: int) -> list[int]:
        return [i for i, name in enumerate(self.speaker[:among]) if name == speaker]

    def _reading(self, i: int, first: int, tokens: int) -> tuple[Tensor, Tensor]:
        if not self.letters[i]:
            return torch.zeros(tokens, dtype=torch.int64), torch.zeros(tokens)
        index, phase = stretch(self.ends[i], first + tokens, TOKEN_SECONDS)
        return index[first:].clamp_max(LETTERS - 1), phase[first:]


def build(folder: Path, model: ModelConfig, train: TrainConfig, clips: Path | None = None) -> Dataset:
    """Renders what is missing of `train.clips` into `folder` and loads it; goes on where it was interrupted.

    With `clips`, a folder of the user's own, these are encoded instead.
    """
    if clips is not None:
        from .own import encode

        return encode(clips, folder, model)
    folder.mkdir(parents=True, exist_ok=True)
    done = len(list(folder.glob("shard_*.npz")))
    shards = -(-train.clips // SHARD)
    if done < shards:
        wanted = range(done * SHARD, shards * SHARD)
        with tqdm(total=shards * SHARD, initial=done * SHARD, desc="render the world", unit="clip") as progress:
            write_shots(
                folder,
                done,
                rendered(partial(shoot, unknown=train.unknown), wanted, model, train.seed),
                model,
                progress,
            )
    return Dataset(folder, model)


def rendered(
    make: Callable[[int, ModelConfig, int], Shot], wanted: range, model: ModelConfig, seed: int
) -> Iterator[Shot]:
    """The shots that `make` makes of the wanted indices, in order, by as many processes as there are cores."""
    workers = min(os.cpu_count() or 1, 16)
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_modest) as pool:
        for first in range(wanted.start, wanted.stop, SHARD):  # a shard at a time bounds the memory
            part = range(first, first + SHARD)
            yield from pool.map(make, part, [model] * SHARD, [seed] * SHARD, chunksize=4)


def in_shards(
    make: Callable[[int, ModelConfig, int], Shot], done: int, count: int, model: ModelConfig, seed: int
) -> Iterator[tuple[int, list[Shot]]]:
    """Numbers and shots of the shards that `count` sounds lack after the first `done`, with progress."""
    shards = -(-count // SHARD)
    if done >= shards:
        return
    made = rendered(make, range(done * SHARD, shards * SHARD), model, seed)
    with tqdm(total=shards * SHARD, initial=done * SHARD, desc="render the sounds", unit="sound") as progress:
        for shard in range(done, shards):
            shots = []
            for shot in islice(made, SHARD):
                shots.append(shot)
                progress.update()
            yield shard, shots


def _modest() -> None:
    """A worker leaves the machine to whoever waits for it."""
    os.nice(5)
    torch.set_num_threads(1)


def write_shots(folder: Path, shard: int, shots: Iterator[Shot], model: ModelConfig, progress: tqdm[NoReturn]) -> None:
    """Writes shards from number `shard` on; fits the codecs on the first `FIT` shots where there are none yet."""
    path = folder / "codecs.safetensors"
    codecs = Codecs.of(load_file(path)) if path.exists() else None
    held: list[Shot] = []
    for shot in chain(shots, [None]):
        if shot is not None:
            held.append(shot)
            progress.update()
        if held and (shot is None or len(held) >= (SHARD if codecs else FIT)):
            if codecs is None:
                codecs = fit(held, model)
                save_file({name: t.contiguous() for name, t in codecs.tensors().items()}, path)
            for first in range(0, len(held), SHARD):
                write_shard(folder / f"shard_{shard:04d}.npz", held[first : first + SHARD], codecs)
                shard += 1
            held = []


def fit(shots: list[Shot], model: ModelConfig) -> Codecs:
    """Fits both codecs on a fifth of the blocks; mouths count `MOUTH` times, lest backgrounds take all components."""
    blocks = [VideoCodec.blocks(_video(shot))[0] for shot in shots]
    mouths = [grid[torch.from_numpy(shot.mouth)] for grid, shot in zip(blocks, shots, strict=True)]
    video = torch.cat([*(grid.flatten(0, 2)[::5] for grid in blocks), *(mouth[::5] for mouth in mouths * MOUTH)])
    tokens = audio_tokens(model.frames)
    audio = torch.cat([AudioCodec.rows(torch.from_numpy(shot.audio)[None], tokens)[0] for shot in shots])
    return Codecs(VideoCodec(Pca.fit(video, model.video_channels)), AudioCodec(Pca.fit(audio, model.audio_channels)))


def _video(shot: Shot) -> Tensor:
    return torch.from_numpy(shot.frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1


def write_shard(path: Path, shots: list[Shot], codecs: Codecs) -> None:
    tokens = audio_tokens(len(shots[0].frames))
    audio = [codecs.audio.encode(torch.from_numpy(shot.audio)[None], tokens) for shot in shots]
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            video=torch.cat([codecs.video.encode(_video(s)) for s in shots]).half().numpy(),
            audio=torch.cat(audio).half().numpy(),
            mouth=np.stack([s.mouth for s in shots]),
            face=np.stack([s.face for s in shots]),
            texts=np.array(texts_of(shots)),
        )
    part.replace(path)
