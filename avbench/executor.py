"""Runs a job on many items: in this process, on local worker processes, or on Ray.

A job is a small frozen dataclass; `open` loads what its items share, once a worker. What goes wrong with an item
(an exception, a crash of the worker, no answer in time) becomes that item's outcome and harms no other item.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from avbench.errors import AvbenchError, UsageError

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")
I_contra = TypeVar("I_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)

# A sum in another order is another sum: one thread a worker keeps scores the same for every worker count.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)


class Job(Protocol[I_contra, R_co]):
    """What to do with every item. Equal jobs are opened once a worker."""

    def open(self, device: str) -> Callable[[I_contra], R_co]:
        """Load what the items share; return the function of one item."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[I, R]):
    """What became of one item: its `result`, or the `failure` in words (`error: …`, `crash: …`, `timeout: …`)."""

    item: I
    result: R | None
    failure: str = ""


class Executor(ABC):
    """Submits items and gives outcomes as they come, in any order. A context manager: leaving it ends all workers."""

    @abstractmethod
    def map(self, job: Job[I, R], items: Iterable[I]) -> Iterator[Outcome[I, R]]:
        """One outcome an item. `items` is read as workers become free."""

    def one(self, job: Job[I, R], item: I) -> R:
        """The result of a single item. Raises UsageError with the reason when it fails."""
        (outcome,) = self.map(job, [item])
        if outcome.result is None:
            raise UsageError(outcome.failure)
        return outcome.result

    def near(self) -> Executor:
        """One whose workers can read this machine's run directory while it is written."""
        return self

    @abstractmethod
    def close(self) -> None:
        """End all workers at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class InProcess(Executor):
    """No worker: for debugging, and where processes are not allowed. A crash is a crash of the caller."""

    def __init__(self, device: str) -> None:
        os.environ.update(ONE_THREAD)
        self._device = device

    def map(self, job: Job[I, R], items: Iterable[I]) -> Iterator[Outcome[I, R]]:
        function: Callable[[I], R] | None = None
        for item in items:
            try:
                function = function or job.open(self._device)
                yield Outcome(item, function(item))
            except Exception as error:
                yield Outcome(item, None, failure_of(error))

    def close(self) -> None:
        pass


def failure_of(error: Exception) -> str:
    """An exception in one line, as a reason. What avbench itself says to a user is not cut short."""
    most = 4000 if isinstance(error, AvbenchError) else 500
    return f"error: {type(error).__name__}: {' '.join(str(error).split())}"[:most]
