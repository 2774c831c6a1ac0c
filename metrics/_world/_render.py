"""The scorers' training sets: clips of the world, rendered by all cores into shards; a restart goes on with them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

SHARD = 32

Arrays = Mapping[str, NDArray[Any]]
Make = Callable[[int], Arrays]  # a clip's number to what is kept of it; a module's function, for other processes


def build(folder: Path, clips: int, make: Make) -> dict[str, list[NDArray[Any]]]:
    """Renders what is missing of `clips`, rounded up to whole shards.

    Returns for each name the arrays of `make(0)`, `make(1)` …, all of one shape, read from disk as they are used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shards = [folder / f"shard_{number:04d}" for number in range(-(-clips // SHARD))]
    missing = [number for number, path in enumerate(shards) if not path.exists()]
    with tqdm(total=len(shards) * SHARD, desc="render the world", unit="clip") as progress:
        progress.update((len(shards) - len(missing)) * SHARD)
        for number, made in zip(missing, _made(missing, make, progress.update), strict=True):
            part = folder / f"part_{number:04d}"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for name in made[0]:
                np.save(part / f"{name}.npy", np.stack([clip[name] for clip in made]))
            part.rename(shards[number])
    names = sorted(path.stem for path in shards[0].glob("*.npy"))
    return {name: [clip for path in shards for clip in np.load(path / f"{name}.npy", mmap_mode="r")] for name in names}


def _made(shards: list[int], make: Make, tell: Callable[[], object]) -> Iterator[list[Arrays]]:
    if not shards:
        return
    workers = min(os.cpu_count() or 1, 16)
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_modest) as pool:
        for number in shards:  # a shard at a time bounds the memory
            made: list[Arrays] = []
            for clip in pool.map(make, range(number * SHARD, (number + 1) * SHARD), chunksize=2):
                made.append(clip)
                tell()
            yield made


def _modest() -> None:
    import cv2
    import torch

    os.nice(5)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
