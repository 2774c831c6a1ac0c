"""What networks said of a clip, kept on disk under the digest of all that it depends on.

Entries are safetensors files with a checksum in $AVBENCH_HOME/features: nothing in them is executed, a damaged one is
as good as none, and the ones used longest ago go when there is no more room.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avbench import devices
from avbench.errors import UsageError
from avbench.weights import fingerprint, home

if TYPE_CHECKING:
    from numpy.typing import NDArray

SWITCH, ROOM = "AVBENCH_CACHE", "AVBENCH_CACHE_GB"
DEFAULT_GB = "10"
SCHEMA = 1
SUFFIX = ".safetensors"
SOFTWARE: tuple[str, ...] = ("avbench", "torch", "torchaudio", "numpy", "scipy", "av", "opencv-python-headless", "soxr")
SOFTWARE += ("transformers", "openai-whisper", "audiobox_aesthetics", "scenedetect-headless", "silero-vad")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept under one name: arrays, and words."""

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a cache is."""

    entries: int
    bytes: int


class Cache:
    """Entries in `folder`, at most about `limit` bytes. Several processes may use one folder."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._unlooked = limit  # bytes written since this process last looked how full the folder is

    def get(self, name: str) -> Entry | None:
        """The entry of that name, which is thereby the one used last; None where there is none, or a damaged one."""
        from safetensors import SafetensorError, safe_open

        path = self._path(name)
        try:
            with safe_open(path, framework="np") as file:
                stored = file.metadata() or {}
                entry = Entry({key: file.get_tensor(key) for key in file.keys()}, stored.get("words", ""))  # noqa: SIM118
            if stored.get("checksum") != _checksum(name, entry):
                return None
            with suppress(OSError):  # in a folder that may only be read nothing is thrown away either
                os.utime(path)
        except (OSError, SafetensorError, TypeError, ValueError):
            return None
        return entry

    def put(self, name: str, entry: Entry) -> None:
        """Keep an entry. Where it cannot be written, it is not kept."""
        import numpy as np
        from safetensors.numpy import save_file

        path = self._path(name)
        arrays = {key: np.array(array, order="C") for key, array in entry.arrays.items()}
        metadata = {"words": entry.words, "checksum": _checksum(name, Entry(arrays, entry.words))}
        temporary = path.with_name(f".{name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(arrays, temporary, metadata)
            size = temporary.stat().st_size
            temporary.replace(path)
        except Exception as error:  # safetensors has an error of its own for a full disk
            with suppress(OSError):
                temporary.unlink()
            if not isinstance(error, OSError) and type(error).__name__ != "SafetensorError":
                raise
            return
        self._unlooked += size
        if self._unlooked > self.limit // 32:  # looking costs a stat an entry
            self._make_room()

    def usage(self) -> Usage:
        """Counts the files."""
        sizes = [size for _, size, _ in self._files()]
        return Usage(len(sizes), sum(sizes))

    def _make_room(self) -> None:
        files = self._files()
        excess = sum(size for _, size, _ in files) - self.limit
        for _, size, path in files:
            if excess <= 0:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
            excess -= size
        self._unlooked = 0

    def _files(self) -> list[tuple[int, int, Path]]:
        """Time of last use, size and path of each file, also of those that a killed process left; oldest first."""
        files: list[tuple[int, int, Path]] = []
        for path in self.folder.glob("??/*"):
            with suppress(OSError):  # another process has thrown it away
                stat = path.stat()
                files.append((stat.st_mtime_ns, stat.st_size, path))
        return sorted(files)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}{SUFFIX}"


def current() -> Cache | None:
    """The cache that the environment asks for: $AVBENCH_CACHE is its folder, or `off`; $AVBENCH_CACHE_GB its limit."""
    where = os.environ.get(SWITCH, "")
    room = os.environ.get(ROOM) or DEFAULT_GB
    try:
        limit = round(float(room) * 1e9)
    except (ValueError, OverflowError):
        raise UsageError(f"{ROOM}={room}: give a number of gigabytes, or {SWITCH}=off for no cache") from None
    if where.lower() == "off" or limit <= 0:
        return None
    return _opened(Path(where).expanduser() if where else home().parent / "features", limit)


@cache
def _opened(folder: Path, limit: int) -> Cache:
    return Cache(folder, limit)


def name_of(*what: object, weights: tuple[str, ...] = ()) -> str:
    """The name of what is computed: a digest of `what` (JSON's), of the files of `weights`, and of software and device.

    Raises Unscored where weights are missing or refused.
    """
    files = {id: fingerprint(id) for id in weights}
    kind = devices.current().partition(":")[0]  # sums on a GPU are not those of a CPU to the last bit
    text = json.dumps([SCHEMA, software(), kind, files, *what], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def software() -> dict[str, str]:
    """Versions of the packages that decode clips and compute features."""
    found = {}
    for package in SOFTWARE:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def digest(array: NDArray[Any]) -> str:
    """SHA-256 of an array: kind, shape and values."""
    import numpy as np

    state = hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode())
    state.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
    return state.hexdigest()


def _checksum(name: str, entry: Entry) -> str:
    arrays = {key: digest(array) for key, array in entry.arrays.items()}
    return hashlib.sha256(json.dumps([name, entry.words, arrays], sort_keys=True).encode()).hexdigest()
