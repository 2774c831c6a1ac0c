"""The lock of a run directory: one process writes there at a time."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from avbench.errors import UsageError

NAME = ".lock"


def take(run_dir: Path) -> int:
    """A file descriptor that holds the lock; the system lets go of it when the process ends, however it ends.

    Raises UsageError where another process holds it, OSError where the folder cannot be written.
    """
    lock = os.open(run_dir / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 200).decode(errors="replace").strip()
        os.close(lock)
        raise UsageError(f"{run_dir} is being written by another run ({holder}); wait, or use another --out") from None
    os.ftruncate(lock, 0)
    os.write(lock, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    return lock


def held(run_dir: Path) -> bool:
    """Does a process write there now?"""
    try:
        lock = os.open(run_dir / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
