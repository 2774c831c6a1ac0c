"""What this machine can compute on."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

from avbench.errors import UsageError

_chosen = ""


def devices_of(device: str) -> list[str]:
    """The devices that workers take in turn. Asks the driver, not torch, which takes seconds to load."""
    if device == "cpu" or (device == "auto" and not gpus()):
        return ["cpu"]
    if device in ("auto", "cuda") and gpus():
        return [f"cuda:{index}" for index in range(len(gpus()))]
    if device.startswith("cuda:") and device[5:].isdigit() and int(device[5:]) < len(gpus()):
        return [device]
    if device == "cuda" or device.startswith("cuda:"):
        raise UsageError(f"--device {device}: nvidia-smi lists {len(gpus())} GPUs; take --device cpu or auto")
    raise UsageError(f"unknown device {device!r}; known: auto, cpu, cuda, cuda:N")


@cache
def gpus() -> tuple[str, ...]:
    """Names of the GPUs that this process may use (`CUDA_VISIBLE_DEVICES` counts)."""
    if not shutil.which("nvidia-smi"):
        return ()
    listing = subprocess.run(
        ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"], capture_output=True, text=True
    )
    names = tuple(listing.stdout.strip().splitlines()) if listing.returncode == 0 else ()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return names if visible is None else names[: len([index for index in visible.split(",") if index.strip()])]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use(device: str) -> None:
    """Have the networks of this process compute on `device`: `cpu` or `cuda:N`. A worker says it before it works."""
    global _chosen
    _chosen = device


def current() -> str:
    """Where the networks of this process compute: as `use` said, else on the first GPU, if any."""
    return _chosen or devices_of("auto")[0]
