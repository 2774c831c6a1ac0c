"""What it takes to compare sets of 100,000 clips: memory and time by their number, on made-up features.

    python tests/perf/distances.py [CLIPS] [NUMBERS]

Gathers CLIPS clips that leave NUMBERS numbers each (100,000 of 400, as I3D's), and a tenth of them; prints seconds of
CPU and the growth of this process's memory; then the distances of the larger set to the smaller one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import psutil  # type: ignore[import-untyped]

from avbench.metrics import _sets
from avbench.metrics._distances import kernel
from avbench.set_metric import Material, Materials

T = TypeVar("T")


class Made(Materials):
    """Clips that exist one at a time."""

    def __init__(self, clips: int, numbers: int) -> None:
        self.clips, self.numbers = clips, numbers

    def __len__(self) -> int:
        return self.clips

    def __iter__(self) -> Iterator[Material]:
        rng = np.random.default_rng(self.clips)
        for i in range(self.clips):
            yield Material("s", f"p{i}", 0, {"features": rng.standard_normal(self.numbers, np.float32)})


def timed(what: str, work: Callable[[], T]) -> T:
    process = psutil.Process()
    before, start = process.memory_info().rss, time.process_time()
    found = work()
    grown = (process.memory_info().rss - before) / 1e6
    print(f"{what}: {time.process_time() - start:.1f} s of CPU, memory grew by {grown:.0f} MB")
    return found


def main() -> None:
    clips, numbers = (int(sys.argv[i]) if len(sys.argv) > i else given for i, given in ((1, 100_000), (2, 400)))
    _sets.gather(Made(1000, numbers))  # what is loaded once
    few = timed(f"gather {clips // 10} clips of {numbers} numbers", lambda: _sets.gather(Made(clips // 10, numbers)))
    many = timed(f"gather {clips} clips", lambda: _sets.gather(Made(clips, numbers)))
    both = _sets.Sides(many, few)
    found = timed("Fréchet distance, its line to infinity, floor", lambda: _sets.distance("fvd", "i3d", both))
    for score in found.values():
        print(f"  {score.metric} {score.value:.4g}: {score.reason}")
    value = timed(f"kernel distance of {len(many.rows)} and {len(few.rows)}", lambda: kernel(many.rows, few.rows))
    print(f"  {value:.3g}")


if __name__ == "__main__":
    main()
