"""How often does the gate raise a false alarm: two runs of one model, of which neither is better?

    python tests/perf/gate_alarms.py [RUNS]

Draws the scores of 24 prompts by four metrics that go together, anew for either run around what a prompt is worth, and
gates one by the other at no margin, where a false alarm is likeliest. Prints the share of gates that fail, and the same
where the candidate is worse in one metric.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avbench.gate.config import Config, Margin, Rule
from avbench.gate.judge import judge
from avbench.gate.records import Verdict
from avbench.leaderboard import Measure
from avbench.records import Column, Direction
from avbench.snapshot import Snapshot
from avbench.statistics.proportions import wilson

PROMPTS, METRICS = 24, ("one", "two", "three", "four")
MEASURES = tuple(Measure(Column(name, "", Direction.UP, -99.0, 99.0, "", ""), "drawn") for name in METRICS)


def drawn(name: str, rng: np.random.Generator, worth: NDArray[np.float64]) -> Snapshot:
    """A run whose scores are the prompts' worth (prompts, metrics) and a noise of the same size, in part in common."""
    noise = 0.7 * rng.normal(size=(PROMPTS, 1)) + 0.7 * rng.normal(size=(PROMPTS, len(METRICS)))
    rows = [
        ("m", "s", f"p{prompt:02}", 0, metric, "drawn", value, "ok")
        for prompt, values in enumerate(worth + noise)
        for metric, value in zip(METRICS, values, strict=True)
    ]
    names = ["model", "suite", "prompt_id", "seed", "metric", "backend", "value", "status"]
    protocols = {(metric, "drawn"): "1" for metric in METRICS}
    return Snapshot(name, pd.DataFrame(rows, columns=names), MEASURES, protocols, {"s": "1"}, {})


def main(runs: int) -> None:
    config = Config("drawn", {name: Rule(name, Margin(0.0)) for name in METRICS})
    for harm in (0.0, 1.0):  # of the first metric, in spreads of the noise
        rng, failed = np.random.default_rng(0), 0
        for _ in range(runs):
            worth = rng.normal(size=(PROMPTS, len(METRICS)))
            baseline = drawn("baseline", rng, worth)
            worth[:, 0] -= harm
            gate = judge(baseline, drawn("candidate", rng, worth), config)
            failed += gate.verdict is Verdict.FAIL
        bounds = wilson(failed, runs)
        print(
            f"worse by {harm}: {failed} of {runs} gates fail, {failed / runs:.3f} [{bounds.low:.3f}, {bounds.high:.3f}]"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
