"""What the harness itself costs: a generator and a metric that do nothing, on clips that are no media.

    python tests/perf/harness.py [ITEMS]

Prints milliseconds an item for generate, score and export in this process, a worker's round trip, and the memory of
the parent after a tenth of the items and after all of them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from unittest import mock

import numpy as np
import psutil  # type: ignore[import-untyped]

from avbench import generation, registry
from avbench._local import LocalPool
from avbench.executor import InProcess
from avbench.media.info import MediaInfo
from avbench.parts import Features, Generator, Metric, Request
from avbench.plan import Grid
from avbench.question import Question
from avbench.records import Clip, Column, Direction, Prompt, Sample, Suite
from avbench.run import run

SAMPLE = Sample(np.zeros((1, 2, 2, 3), np.uint8), Fraction(25), np.zeros(0, np.float32), 16000)


class NullGenerator(Generator):
    summary, version = "nothing", "1"

    def generate(self, requests: Sequence[Request]) -> Sequence[Sample]:
        return [SAMPLE] * len(requests)


class NullMetric(Metric):
    columns = (Column("null", "", Direction.NONE, 0, 1, "nothing", "nowhere"),)

    def score(self, clip: Clip, features: Features) -> dict[str, float]:
        return {"null": 0.0}


@dataclass(frozen=True)
class Echo:
    """Job: the item itself."""

    def open(self, device: str) -> Callable[[int], int]:
        return abs


class NullFeatures(mock.Mock):
    info = MediaInfo(Path("x"), "", None, None)


def question(items: int, out: Path) -> Question:
    prompts = tuple(Prompt(f"p{index:06}", "null", "nothing at all") for index in range(items))
    suites = (Suite("null", "1", "0", prompts),)
    return Question(out, Grid(out, ("null",), suites), suites, ("null",), "null")


def megabytes() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def measure(items: int) -> float:
    """Seconds of a whole run with `items` items."""
    parts = {Generator: NullGenerator, Metric: NullMetric}
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(registry, "load", lambda kind, name: parts[kind]),
        mock.patch.object(registry, "names", lambda kind: ["null"]),
        mock.patch("avbench.media.mux.write", lambda path, sample: path.write_bytes(b"clip")),
        mock.patch("avbench.media.sweep.sweep", lambda path, backbones, audio_path: NullFeatures()),
        InProcess("cpu") as executor,
    ):
        generation._generator.cache_clear()
        began = time.perf_counter()
        answer = run(question(items, Path(folder).resolve()), executor)
        seconds = time.perf_counter() - began
        assert answer.tally.statuses == {"ok": items}
    return seconds


def main(items: int) -> None:
    measure(10)  # imports
    start = megabytes()
    few, memory_few = measure(items // 10), megabytes()
    cpu = time.process_time()
    many, memory_many = measure(items), megabytes()
    cpu = time.process_time() - cpu
    print(f"{items // 10} items: {few / (items // 10) * 1e3:.2f} ms an item")
    print(f"{items} items: {many / items * 1e3:.2f} ms an item ({cpu / items * 1e3:.2f} ms of CPU; goal: at most 2)")
    print(f"memory: {start:.0f} MB before, {memory_few:.0f} after {items // 10} items, {memory_many:.0f} after {items}")
    from harness import Echo  # type: ignore[import-not-found]  # workers cannot import what __main__ defines

    with LocalPool(1, ["cpu"], 60) as pool:
        pool.one(Echo(), 1)
        began = time.perf_counter()
        for outcome in pool.map(Echo(), range(1, items)):
            assert outcome.result == outcome.item
        print(f"a worker's round trip: {(time.perf_counter() - began) / items * 1e3:.3f} ms an item")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
