"""Workers on a Ray cluster: the one at RAY_ADDRESS, else one that is started on this machine. Needs the extra `ray`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from avbench.devices import cores
from avbench.errors import UsageError
from avbench.executor import ONE_THREAD, Executor, InProcess, Job, Outcome, failure_of

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

_END = object()


class RayExecutor(Executor):
    """One actor a worker. Every node must see the run directory under the same path.

    Without a number of workers: one a GPU of the cluster when the device is a GPU, else one a core of this machine.
    """

    def __init__(self, workers: int | None, devices: list[str], timeout: float) -> None:
        try:
            import ray
        except ImportError:
            raise UsageError("--executor ray needs Ray; run: pip install 'avbench[ray]'") from None
        self._ray = ray
        if not ray.is_initialized():
            ray.init(
                address=os.environ.get("RAY_ADDRESS") or "local",
                log_to_driver=False,
                include_dashboard=False,
                runtime_env={"env_vars": {**ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}},
            )
        gpu = devices[0] != "cpu"
        self._device, self._timeout = "cuda:0" if gpu else "cpu", timeout  # Ray shows an actor its own GPU alone
        self._size = workers or (int(ray.cluster_resources().get("GPU", 1)) if gpu else cores())
        self._actor = ray.remote(num_cpus=0 if gpu else 1, num_gpus=1 if gpu else 0, max_restarts=0)(_Actor)
        self._idle: list[Any] = []

    def map(self, job: Job[I, R], items: Iterable[I]) -> Iterator[Outcome[I, R]]:
        rest = iter(items)
        busy: dict[Any, tuple[Any, Any]] = {}
        while True:
            while len(busy) < self._size and (item := next(rest, _END)) is not _END:
                actor = self._idle.pop() if self._idle else self._actor.remote(self._device)
                busy[actor.call.remote(job, item)] = (actor, item)
            if not busy:
                return
            ready, _ = self._ray.wait(list(busy), timeout=self._timeout)
            for answer in ready or list(busy):  # none came in time: all of them are late
                actor, item = busy.pop(answer)
                if not ready:
                    self._ray.kill(actor)
                    yield Outcome(item, None, f"timeout: no answer in {self._timeout:g} s")
                    continue
                try:
                    result, failure = self._ray.get(answer)
                    self._idle.append(actor)
                except self._ray.exceptions.RayError as error:  # the actor is dead or was not reached
                    self._ray.kill(actor)
                    result, failure = None, f"crash: {' '.join(str(error).split())[:200]}"
                yield Outcome(item, result, failure)

    def near(self) -> Executor:
        return InProcess("cpu")  # SQLite's log is not for other nodes

    def close(self) -> None:
        self._ray.shutdown()


class _Actor:
    """A worker; keeps the job that it opened last."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._job: object = None
        self._function: Callable[[Any], Any]

    def call(self, job: Job[Any, Any], item: Any) -> tuple[Any, str]:
        try:
            if job != self._job:
                self._function, self._job = job.open(self._device), job
            return self._function(item), ""
        except Exception as error:  # the item's failure, not the worker's
            return None, failure_of(error)
