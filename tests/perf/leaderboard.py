"""Time to build a leaderboard of 1,000,000 score rows, and of its parts. Run: python tests/perf/leaderboard.py"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from avbench.leaderboard import Measure, build
from avbench.records import Column, Direction


def million() -> tuple[pd.DataFrame, list[Measure]]:
    """5 models x 4 suites x 500 prompts x 5 seeds x 20 metrics; a tenth without a value."""
    models, suites, prompts, seeds, metrics = 5, 4, 500, 5, 20
    m, s, p, k, q = (a.ravel() for a in np.indices((models, suites, prompts, seeds, metrics)))
    rng = np.random.default_rng(0)
    ok = rng.random(m.size) > 0.1
    frame = pd.DataFrame(
        {
            "model": np.array([f"model{i}" for i in range(models)], dtype=object)[m],
            "suite": np.array([f"suite{i}" for i in range(suites)], dtype=object)[s],
            "subset": "all",
            "prompt_id": np.array([f"prompt-{i:04d}" for i in range(prompts)], dtype=object)[p],
            "seed": k,
            "metric": np.array([f"metric{i}" for i in range(metrics)], dtype=object)[q],
            "backend": "signal",
            "value": np.where(ok, rng.normal(size=m.size), np.nan),
            "status": np.where(ok, "ok", "unscored").astype(object),
            "reason": np.where(ok, "", "no face").astype(object),
        }
    )
    columns = [Column(f"metric{i}", "", Direction.UP, -9, 9, "random", "here") for i in range(metrics)]
    return frame, [Measure(column, "signal") for column in columns]


def main() -> None:
    frame, measures = million()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        frame.to_parquet(path)
        start = stamp()
        read = pd.read_parquet(path)
        loaded = stamp()
        board = build(read, measures)
        done = stamp()
    print(f"{len(frame):,} score rows to {len(board.rows)} rows of {len(measures)} columns; wall (CPU) seconds:")
    print(f"  read parquet {loaded[0] - start[0]:.2f} ({loaded[1] - start[1]:.2f})")
    print(f"  build        {done[0] - loaded[0]:.2f} ({done[1] - loaded[1]:.2f})")
    print(f"  both         {done[0] - start[0]:.2f} ({done[1] - start[1]:.2f}), goal 3")


def stamp() -> tuple[float, float]:
    """Wall and CPU clock, since a shared machine's wall says little."""
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    main()
