"""Heat maps that a generator kept while it made a clip: a file beside the clip, one map a frame."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avbench.files import write_atomically

SUFFIX = ".maps.npz"


def path_of(clip: Path) -> Path:
    """Where the maps of a clip lie, if it has any."""
    return clip.with_suffix(SUFFIX)


def write(clip: Path, maps: Mapping[str, NDArray[np.float32]], frames: int) -> None:
    """Keep maps (frames, h, w) of finite numbers from 0 up, each over the whole picture; as float32.

    Raises ValueError naming the map that is not so.
    """
    for name, found in maps.items():
        if found.ndim != 3 or len(found) != frames or not np.isfinite(found).all() or found.min(initial=0) < 0:
            raise ValueError(f"map {name!r} must be ({frames}, h, w) finite numbers from 0 up, not {found.shape}")

    def put(to: Path) -> None:
        with to.open("wb") as file:
            arrays: dict[str, Any] = {name: found.astype(np.float32) for name, found in maps.items()}
            np.savez_compressed(file, **arrays)

    write_atomically(path_of(clip), put)


def read(clip: Path) -> dict[str, NDArray[np.float32]]:
    """The maps of a clip; empty where there are none or the file cannot be read."""
    try:
        with np.load(path_of(clip), allow_pickle=False) as file:
            found = {name: np.asarray(file[name], np.float32) for name in file.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return {}
    return {name: one for name, one in found.items() if one.ndim == 3 and one.size and np.isfinite(one).all()}
