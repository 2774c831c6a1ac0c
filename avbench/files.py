"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from avbench.errors import UsageError


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a temporary file beside `path`, then put it in place; `path` is whole or as it was before.

    The folder is made where it is not there. Raises UsageError when the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")  # one name: what a kill leaves behind, the next write replaces
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror or error}; make room or name another place") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def claim(folder: Path, marker: str) -> None:
    """Make `folder` ours, or take it again: an empty file `marker` in it says that what is there may be replaced.

    Raises UsageError when it cannot be written, or holds what is not ours.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / marker).exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} holds other files: name a new or empty folder with --out")
        (folder / marker).touch()
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}; choose another --out") from None
