"""A training set of the user's own clips: a folder with a `captions.jsonl`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from avbench.clips import read_manifest
from avbench.errors import MediaError, UsageError
from avbench.media.load import load_audio
from avbench.records import Clip

from .clips import film
from .codec import BLOCK
from .config import ModelConfig
from .data import Dataset, write_shots
from .shots import Shot
from .text import transcript
from .timemap import Timeline
from .tokens import AUDIO_RATE, FPS

CAPTIONS = "captions.jsonl"
QUIET = 0.02  # of the loudest hundredth of a second: below it nobody speaks


def encode(clips: Path, folder: Path, model: ModelConfig) -> Dataset:
    """Encodes the clips that CAPTIONS in `clips` lists (`path` and the fields of a prompt a line) into `folder`.

    Clips are cut to the model's length; shorter ones end with their last picture and silence. Word times are not known:
    the letters share the time from the first sound to the last evenly. Mouths and faces are not known either, so their
    losses are nothing. Raises UsageError naming the file and line at fault.
    """
    manifest = clips / CAPTIONS
    if not manifest.is_file():
        raise UsageError(f"--data: {manifest} does not exist; it lists the clips, one JSON object a line with `path`")
    if not list(folder.glob("shard_*.npz")):
        folder.mkdir(parents=True, exist_ok=True)
        listed = read_manifest(manifest, clips, "own")
        with tqdm(total=len(listed), desc="encode the clips", unit="clip") as progress:
            write_shots(folder, 0, _shots(listed, model), model, progress)
    return Dataset(folder, model)


def _shots(clips: tuple[Clip, ...], model: ModelConfig) -> Iterator[Shot]:
    latents, cells = Timeline(model.frames, 1).latents, model.size // BLOCK
    for clip in clips:
        try:
            frames = film(clip.path, FPS, model.size)[: model.frames]
            sound = load_audio(clip.path, AUDIO_RATE)
        except MediaError as error:
            raise UsageError(f"--data: {clip.path}: {error}") from error
        missing = model.frames - len(frames)
        frames = np.concatenate([frames, np.repeat(frames[-1:], missing, 0)]) if missing > 0 else frames
        letters = transcript(clip.prompt, model.audio.spelling)
        speakers = {line.speaker for line in clip.prompt.speech}
        yield Shot(
            frames,
            sound[: model.frames * AUDIO_RATE // FPS],
            np.zeros((latents, cells, cells), np.bool_),
            clip.prompt,
            letters,
            spread(letters, sound),
            np.full((latents, cells, cells), np.nan, np.float16),
            speakers.pop() if len(speakers) == 1 else "",
            model.audio.spelling,
        )


def spread(letters: Sequence[str], sound: NDArray[np.float32]) -> list[float]:
    """End times of the leading silence and of each letter, evenly from the first sound to the last."""
    if not letters:
        return [0.0]
    hop = AUDIO_RATE // 100
    loud = np.abs(sound[: len(sound) // hop * hop]).reshape(-1, hop).max(1)
    heard = np.flatnonzero(loud > QUIET * max(float(loud.max(initial=0)), 1e-6))
    begin, end = (heard[0] / 100, (heard[-1] + 1) / 100) if len(heard) else (0.0, len(sound) / AUDIO_RATE)
    return [float(begin + (end - begin) * n / len(letters)) for n in range(len(letters) + 1)]
