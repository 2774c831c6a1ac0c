"""Worker processes on this machine. A worker lives for many items and dies with its parent, whatever kills the parent.

Workers are started as `python -m avbench._local FD`, not by `multiprocessing`, which would run the caller's main
module again and hand its standard output to the workers.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from avbench.executor import ONE_THREAD, Executor, Job, Outcome, failure_of

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

_END = object()
_OPENED, _DONE, _FAILED = "opened", "done", "failed"


class LocalPool(Executor):
    """At most `size` workers, started as items come; worker i takes device i modulo the number of devices."""

    def __init__(self, size: int, devices: list[str], timeout: float) -> None:
        self._size, self._devices, self._timeout = size, devices, timeout
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, _Worker] = {}

    def map(self, job: Job[I, R], items: Iterable[I]) -> Iterator[Outcome[I, R]]:
        rest = iter(items)
        done: list[Outcome[I, R]] = []
        try:
            while True:
                while len(self._busy) < self._size and (item := next(rest, _END)) is not _END:
                    worker = self._start(job, item)
                    self._busy[worker.connection] = worker
                yield from done  # the workers are busy again while the caller stores what is done
                if not self._busy:
                    return
                done = [self._outcome(worker, answer) for worker, answer in self._answers()]
        finally:  # the caller stopped listening
            for worker in self._busy.values():
                worker.kill()
            self._busy.clear()

    def close(self) -> None:
        for worker in (*self._idle, *self._busy.values()):
            worker.kill()
        self._idle.clear()
        self._busy.clear()

    def _start(self, job: object, item: object) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            with suppress(OSError):  # it was killed while it was idle
                worker.start(job, item)
                return worker
            worker.kill()
        taken = {worker.slot for worker in self._busy.values()}
        slot = next(slot for slot in range(self._size) if slot not in taken)
        worker = _Worker(slot, self._devices[slot % len(self._devices)])
        worker.start(job, item)
        return worker

    def _answers(self) -> Iterator[tuple[_Worker, tuple[str, Any]]]:
        """Final answers of workers that have one, are dead, or are late; waits until there is at least one event."""
        deadline = min(worker.deadline for worker in self._busy.values())
        patience = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
        for connection in wait(list(self._busy), patience):
            worker = self._busy[connection]  # type: ignore[index]
            try:
                answer = worker.connection.recv()
            except (EOFError, OSError):
                answer = (_FAILED, f"crash: the worker {worker.kill()}")
            if answer[0] == _OPENED:
                worker.deadline = time.monotonic() + self._timeout
            else:
                yield worker, answer
        for worker in [late for late in self._busy.values() if late.deadline <= time.monotonic()]:
            if not worker.connection.poll():
                worker.kill()
                yield worker, (_FAILED, f"timeout: no answer in {self._timeout:g} s")

    def _outcome(self, worker: _Worker, answer: tuple[str, Any]) -> Outcome[Any, Any]:
        del self._busy[worker.connection]
        if worker.alive:
            self._idle.append(worker)
        kind, content = answer
        return Outcome(worker.item, content) if kind == _DONE else Outcome(worker.item, None, content)


class _Worker:
    """The parent's end of one worker process, which leads a process group of its own."""

    def __init__(self, slot: int, device: str) -> None:
        self.slot, self.item, self.deadline, self.alive = slot, None, float("inf"), True
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is the parent's to handle, and kill() takes grandchildren along
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard output carries the result alone
                env={**os.environ, **ONE_THREAD},
            )
        self.connection = Connection(ours.detach())
        self.connection.send((sys.path, device))

    def start(self, job: object, item: Any) -> None:
        """Raises OSError when the worker is gone."""
        self.item, self.deadline = item, float("inf")  # the clock runs from the moment the job is open
        self.connection.send((job, item))

    def kill(self) -> str:
        """End the worker and all that it started; say how it ended."""
        with suppress(ProcessLookupError, PermissionError):  # already gone; macOS refuses a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self.connection.close()
        self.alive = False
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def serve(fd: int) -> None:
    """The worker's whole life: answers (job, item) messages until the parent closes the connection or dies."""
    faulthandler.enable()  # a crash in compiled code says on standard error where it was
    connection = Connection(fd)
    sys.path[:], device = connection.recv()
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, inbox), daemon=True).start()
    opened: Job[Any, Any] | None = None
    function: Callable[[Any], Any]
    while True:
        message = inbox.get()
        try:
            job, item = pickle.loads(message)
            if job != opened:
                function, opened = job.open(device), job
            connection.send((_OPENED, None))
            connection.send((_DONE, function(item)))
        except Exception as error:  # the item's failure, not the worker's
            if os.environ.get("AVBENCH_DEBUG"):
                traceback.print_exc()
            connection.send((_FAILED, failure_of(error)))


def _listen(connection: Connection, inbox: queue.SimpleQueue[bytes]) -> None:
    """Reads ahead in a thread of its own, so that the end of the parent is noticed in the middle of an item."""
    try:
        while True:
            inbox.put(connection.recv_bytes())
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
