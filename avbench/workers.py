"""Who does the work: the executor that a command asks for."""

from __future__ import annotations

from avbench._local import LocalPool
from avbench._ray import RayExecutor
from avbench.devices import cores, devices_of
from avbench.errors import UsageError
from avbench.executor import Executor, InProcess


def executor(kind: str, workers: int | None, device: str, timeout: float) -> Executor:
    """The executor of that kind (`local` or `ray`).

    `workers` None means one a GPU, else one a core; 0 means in this process. `device` is `auto` (a GPU where there is
    one), `cpu`, `cuda` or `cuda:N`. `timeout` is the seconds one item may take. Raises UsageError.
    """
    devices = devices_of(device)
    if kind == "ray":
        return RayExecutor(workers, devices, timeout)
    if kind != "local":
        raise UsageError(f"unknown executor {kind!r}; known: local, ray")
    if workers == 0:
        return InProcess(devices[0])
    return LocalPool(workers or (len(devices) if devices[0] != "cpu" else cores()), devices, timeout)
