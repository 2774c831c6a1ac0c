"""Run folders as the engine leaves them, with scores made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest

from avbench.store import COLUMNS

MakeRun = Callable[..., Path]
DIRECTIONS = {"sharp": "up", "wer": "down", "lag": "zero", "loud": "none", "silent": "down"}


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run of one model; `metrics` gives a column its value a prompt, or a status in words."""

    def make(
        name: str,
        metrics: Mapping[str, Sequence[float | str]],
        *,
        model: str = "m",
        suite: str = "s",
        seeds: int = 1,
        digest: str = "d" * 64,
        version: str = "1",
        key: str = "k",
        weights: str = "",
        backend: str = "signal",
        state: str = "done",
        prompts: Sequence[str] = (),
    ) -> Path:
        run = tmp_path / name
        run.mkdir()
        rows = [
            {
                "model": model,
                "suite": suite,
                "subset": "",
                "prompt_id": prompts[i // seeds] if prompts else f"p{i // seeds:03}",
                "seed": i % seeds,
                "metric": metric,
                "backend": backend,
                "value": None if isinstance(value, str) else value,
                "status": value if isinstance(value, str) else "ok",
                "reason": "",
            }
            for metric, values in metrics.items()
            for i, value in enumerate(values)
        ]
        frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": "float64"})
        frame.to_parquet(run / "scores.parquet")
        columns = [
            {
                "name": metric,
                "part": metric,
                "unit": "",
                "direction": DIRECTIONS.get(metric, "up"),
                "low": None,
                "high": 1.0,
                "summary": "",
                "source": "",
                "guard": metric == "silent",
                "decimals": 3,
                "backend": backend,
                "version": version,
            }
            for metric in metrics
        ]
        suites = {suite: {"version": "1", "digest": digest}}
        facts = {metric: {"key": key} for metric in metrics}
        info = {"state": state, "suites": suites, "metrics": facts, "columns": columns}
        if weights:
            info["scored_with"] = dict.fromkeys(metrics, weights)
        (run / "run.json").write_text(json.dumps(info), encoding="utf-8")
        return run

    return make
