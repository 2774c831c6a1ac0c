from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import pytest

from avbench._local import LocalPool
from avbench.devices import devices_of, gpus
from avbench.errors import UsageError
from avbench.executor import InProcess
from avbench.workers import executor


def square(x: int) -> int:
    return x * x


def act(x: int) -> int:
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if x == 2:
        raise ValueError(f"two\nis {x}")
    if x == 3:
        time.sleep(3600)
    return os.getpid()


@dataclass(frozen=True)
class Call:
    """Job: apply a function of this module (which workers find, since they share the caller's path)."""

    name: str

    def open(self, device: str) -> Callable[[int], object]:
        if self.name == "device":
            return lambda x: device
        if self.name == "threads":
            return lambda x: os.environ["OMP_NUM_THREADS"]
        if self.name == "unpicklable":
            return lambda x: lambda: x
        if self.name == "unopened":
            raise OSError("no such weights")
        return {"square": square, "act": act}[self.name]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest's importlib mode gives this file a name that workers cannot import; they take it by path."""
    import sys
    from pathlib import Path

    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setitem(sys.modules, "test_executor", sys.modules[__name__])
    monkeypatch.setattr(Call, "__module__", "test_executor")


def test_all_items_come_back_once() -> None:
    with LocalPool(3, ["cpu"], 60) as pool:
        outcomes = list(pool.map(Call("square"), range(50)))
        assert sorted(outcome.item for outcome in outcomes) == list(range(50))
        assert all(outcome.result == outcome.item**2 and not outcome.failure for outcome in outcomes)
        assert list(pool.map(Call("square"), [])) == []
        assert pool.one(Call("threads"), 0) == "1"


def test_workers_are_kept_and_no_more_are_started_than_items() -> None:
    with LocalPool(4, ["cuda:0", "cuda:1"], 60) as pool:
        assert pool.one(Call("device"), 0) == "cuda:0"
        assert pool.one(Call("act"), 0) == pool.one(Call("act"), 0)
        assert len(psutil.Process().children()) == 1
        devices = {outcome.result for outcome in pool.map(Call("device"), range(40))}
        assert devices <= {"cuda:0", "cuda:1"}
    assert not psutil.Process().children()


def test_a_crash_a_hang_and_an_error_are_outcomes() -> None:
    with LocalPool(2, ["cpu"], 1.5) as pool:
        outcomes = {outcome.item: outcome for outcome in pool.map(Call("act"), range(7))}
        assert outcomes[1].failure == "crash: the worker was killed by SIGKILL"
        assert outcomes[2].failure == "error: ValueError: two is 2"
        assert outcomes[3].failure == "timeout: no answer in 1.5 s"
        assert all(outcomes[item].result for item in (0, 4, 5, 6))
        assert next(pool.map(Call("unpicklable"), [0])).failure.startswith("error: ")
        assert "no such weights" in next(pool.map(Call("unopened"), [0])).failure
        with pytest.raises(UsageError, match="no such weights"):
            pool.one(Call("unopened"), 0)
    assert not psutil.Process().children()


def test_a_worker_killed_while_idle_is_replaced() -> None:
    with LocalPool(1, ["cpu"], 60) as pool:
        assert pool.one(Call("square"), 3) == 9
        (worker,) = psutil.Process().children()
        worker.kill()
        psutil.wait_procs([worker], timeout=10)
        outcome = next(pool.map(Call("square"), [4]))
        assert outcome.result == 16 or outcome.failure.startswith("crash")
        assert pool.one(Call("square"), 5) == 25


def test_a_caller_that_stops_listening_leaves_no_worker_busy() -> None:
    with LocalPool(2, ["cpu"], 60) as pool:
        for outcome in pool.map(Call("act"), [0, 3, 3, 3]):
            assert outcome.item == 0
            break
        assert pool.one(Call("square"), 2) == 4


def test_in_process() -> None:
    with InProcess("cpu") as pool:
        outcomes = list(pool.map(Call("act"), [0, 2]))
    assert outcomes[0].result == os.getpid() and outcomes[1].failure == "error: ValueError: two is 2"


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avbench.devices.gpus", lambda: ("a", "b"))
    assert devices_of("auto") == devices_of("cuda") == ["cuda:0", "cuda:1"]
    assert devices_of("cuda:1") == ["cuda:1"] and devices_of("cpu") == ["cpu"]
    monkeypatch.setattr("avbench.devices.gpus", lambda: ())
    assert devices_of("auto") == ["cpu"]
    for word in ("cuda", "cuda:0", "cuda:x", "gpu", ""):
        with pytest.raises(UsageError):
            devices_of(word)


def test_no_gpu_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    gpus.cache_clear()
    assert gpus() == ()
    gpus.cache_clear()


def test_ray_says_how_to_install_it() -> None:
    try:
        import ray  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"pip install 'avbench\[ray\]'"):
            executor("ray", 1, "cpu", 60)
    else:
        with executor("ray", 1, "cpu", 60) as pool:
            assert {outcome.result for outcome in pool.map(Call("square"), range(4))} == {0, 1, 4, 9}
