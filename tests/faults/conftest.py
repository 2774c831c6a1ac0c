"""Scores a folder of bad clips once, as a user would, and looks up what became of each."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

RATE = 48_000
EVENTS = (9, 23, 31, 52, 66)  # frames at 25 per second


@dataclass(frozen=True)
class Outcome:
    """What became of one score. `value` is NaN unless `status` is `ok`."""

    status: str
    value: float
    reason: str


@dataclass(frozen=True)
class Scored:
    """A folder that was scored: the run directory, and how the process ended."""

    run: Path
    done: subprocess.CompletedProcess[str]

    def outcomes(self, clip: str) -> dict[str, Outcome]:
        """Column name to outcome, for the clip of that file name."""
        frame = self.table()
        rows = frame[frame.prompt_id == clip]
        assert len(rows), f"{clip} has no scores"
        columns = zip(rows.metric, rows.status, rows.value, rows.reason, strict=True)
        return {metric: Outcome(status, value, reason) for metric, status, value, reason in columns}

    def value(self, clip: str, metric: str) -> float:
        outcome = self.outcomes(clip)[metric]
        assert outcome.status == "ok", f"{metric} of {clip}: {outcome}"
        return outcome.value

    def raised(self, clip: str) -> set[str]:
        """The guards that say 1."""
        columns = json.loads((self.run / "run.json").read_text(encoding="utf-8"))["columns"]
        found = self.outcomes(clip)
        return {c["name"] for c in columns if c["guard"] and found[c["name"]].value == 1.0}

    def notes(self, clip: str) -> list[str]:
        """The decoder's notes."""
        with closing(sqlite3.connect(self.run / "scores.sqlite")) as db:
            (row,) = db.execute("SELECT notes FROM clips WHERE prompt_id = ?", [clip])
        notes: list[str] = json.loads(row[0])
        return notes

    def table(self) -> pd.DataFrame:
        return pd.read_parquet(self.run / "scores.parquet")


@pytest.fixture(scope="session")
def flashes() -> Callable[..., NDArray[np.uint8]]:
    """`flashes(count)`: a grey picture on which a bright square flashes up at each event and fades, (T, 48, 64, 3)."""

    def draw(count: int = 75) -> NDArray[np.uint8]:
        frames = np.full((count, 48, 64, 3), 90, np.uint8)
        for event in EVENTS:
            for step in range(max(0, min(7, count - event))):
                frames[event + step, 12:36, 12:40] = 90 + int(130 * 0.6**step)
        return frames

    return draw


@pytest.fixture(scope="session")
def clicks() -> Callable[..., NDArray[np.float32]]:
    """`clicks(seconds)`: bursts of noise at the events, (S,) at 48 kHz."""

    def draw(seconds: float = 3.0) -> NDArray[np.float32]:
        times = np.arange(round(seconds * RATE)) / RATE
        noise = np.random.default_rng(0).normal(size=len(times))
        bursts = sum((times >= e / 25) * np.exp(-60 * np.maximum(times - e / 25, 0)) for e in EVENTS)
        return np.asarray((0.2 * bursts + 1e-3) * noise, np.float32)

    return draw


@pytest.fixture(scope="session")
def scored(avbench_in: Any) -> Callable[..., Scored]:
    """`scored(folder, code=0)`: `avbench score folder` in one process, ended with that exit status."""

    def score(folder: Path, *words: str, code: int = 0, out: str = "run", **env: str) -> Scored:
        avbench = avbench_in(folder.parent)
        done = avbench("score", folder.name, "--workers", "0", "--out", out, *words, code=code, **env)
        assert "Traceback" not in done.stderr
        return Scored(folder.parent / out, done)

    return score
