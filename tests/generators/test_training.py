"""Training resumes to the bit, and its files are what they say."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from avbench.errors import UsageError
from avbench.generators._joint import training, weights
from avbench.generators._joint.config import Preset
from avbench.generators._joint.data import Dataset
from avbench.training import Cell, schedule

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def _trainer(nano: Preset, data: Dataset, out: Path) -> training.Trainer:
    return training.Trainer(nano.model, nano.train, data, out)


@pytest.mark.slow
def test_ten_and_ten_steps_equal_twenty(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    straight = _trainer(nano, data, tmp_path / "a").run(20)
    first = _trainer(nano, data, tmp_path / "b")
    first.out.mkdir()
    halted = _Halt(first, 10)
    halted.run(20)
    second = _trainer(nano, data, tmp_path / "b")
    second.resume()
    assert second.step == 10
    resumed = second.run(20)
    one, other = load_file(straight), load_file(resumed)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    rows = [list(csv.DictReader((tmp_path / x / "losses.csv").open())) for x in "ab"]
    assert [r["step"] for r in rows[0]] == [str(n) for n in range(1, 21)]
    for row, twin in zip(*rows, strict=True):
        assert {k: v for k, v in row.items() if k != "seconds"} == {k: v for k, v in twin.items() if k != "seconds"}


class _Halt:
    """Runs a trainer and interrupts it with SIGINT in step `at`."""

    def __init__(self, trainer: training.Trainer, at: int) -> None:
        self.trainer, self.at = trainer, at
        self.advance = trainer.advance

    def run(self, steps: int) -> None:
        def advance(total: int) -> dict[str, Cell]:
            if self.trainer.step == self.at - 1:
                os.kill(os.getpid(), signal.SIGINT)
            row: dict[str, Cell] = self.advance(total)
            return row

        self.trainer.advance = advance
        with pytest.raises(KeyboardInterrupt):
            self.trainer.run(steps)


@pytest.mark.slow
def test_the_loss_falls_and_the_files_are_there(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    trainer = _trainer(nano, data, tmp_path)
    path = trainer.run(40)
    rows = list(csv.DictReader((tmp_path / "losses.csv").open()))
    duration = [float(row["duration"]) for row in rows if row["duration"]]
    assert sum(duration[-10:]) < 0.7 * sum(duration[:10])
    assert (tmp_path / "losses.png").stat().st_size > 0 and len((tmp_path / "probe.csv").read_text().split()) == 5
    trained = weights.load(path)
    assert trained.facts["steps"] == "40" and trained.model.config == nano.model


def test_nothing_to_resume_is_said(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to resume"):
        _trainer(nano, data, tmp_path).resume()


def test_a_foreign_file_is_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(UsageError, match=r"x\.safetensors is no weights file"):
        weights.load(path)


def test_schedule_warms_up_and_cools_down(nano: Preset) -> None:
    rates = [schedule(step, 100, nano.train) for step in range(100)]
    assert rates[0] == pytest.approx(0.2) and rates[50] == 1 and rates[-1] == pytest.approx(0.05)
    assert rates[90] == pytest.approx(0.5)
