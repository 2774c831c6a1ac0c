from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil  # type: ignore[import-untyped]
import pytest


def kill_and_resume(avbench: Any, tmp_path: Path, kills: int, items: int) -> None:
    """Kill one run again and again until it is done, start over as often as needed for `kills` kills, and compare."""
    suite = avbench.suite(*({} for _ in range(items)))
    command = ["run", "-m", "toy", "-s", suite, "--metrics", "toy_level,toy_moody", "--workers", "2"]
    began = time.monotonic()
    avbench(*command, "--out", "whole", TOY_SLEEP="0.1")
    duration = time.monotonic() - began
    moments = random.Random(37)
    while kills:
        process = avbench.start(*command, "--out", "killed", TOY_SLEEP="0.1")
        try:
            process.wait(moments.uniform(0, duration))
        except Exception:  # still at work
            process.send_signal(signal.SIGKILL)
            kills -= 1
        process.communicate()
        if process.returncode == 0 and kills:
            compare(tmp_path)
            avbench("generate", *command[1:5], "--out", "killed", "--fresh", "--limit", "1", "--workers", "1")
    avbench(*command, "--out", "killed")
    compare(tmp_path)
    assert not list((tmp_path / "killed" / "clips").rglob(".*"))


def compare(folder: Path) -> None:
    whole, killed = (pd.read_parquet(folder / run / "scores.parquet") for run in ("whole", "killed"))
    pd.testing.assert_frame_equal(whole, killed, check_exact=True)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_scores(avbench: Any, tmp_path: Path) -> None:
    kill_and_resume(avbench, tmp_path, kills=3, items=4)


@pytest.mark.slow
def test_twenty_kills_of_twelve_items(avbench: Any, tmp_path: Path) -> None:
    kill_and_resume(avbench, tmp_path, kills=20, items=12)


def started(avbench: Any, tmp_path: Path) -> tuple[Any, list[psutil.Process]]:
    """A run in the middle of its first clips, and its workers."""
    suite = avbench.suite({}, {"tags": ["do:hang"]}, {"tags": ["do:hang"]}, {"tags": ["do:hang"]})
    process = avbench.start("run", "-m", "toy", "-s", suite, "--metrics", "toy_level", "--workers", "2", "--out", "r")
    while not list(tmp_path.glob("r/clips/toy/toys/p0_s0.mp4")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process, psutil.Process(process.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=20)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_done(avbench: Any, tmp_path: Path, number: signal.Signals) -> None:
    process, workers = started(avbench, tmp_path)
    time.sleep(0.3)  # the outcome of the first clip is stored
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "run the same command again" in err and "Traceback" not in err
    assert workers and gone(workers)
    assert '"state": "interrupted"' in (tmp_path / "r" / "run.json").read_text()
    assert pd.read_parquet(tmp_path / "r" / "scores.parquet").empty  # nothing was scored yet


def test_workers_do_not_outlive_a_killed_parent(avbench: Any, tmp_path: Path) -> None:
    process, workers = started(avbench, tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(workers) == 2 and gone(workers)
