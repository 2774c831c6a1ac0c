"""The loop that trains every part: to the bit the same after an interruption, averaged weights, files."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from avbench.errors import UsageError
from avbench.training import Cell, Training, refuse_to_overwrite

pytest.importorskip("matplotlib")


@dataclass(frozen=True)
class Toy:
    seed: int = 3
    rate: float = 0.05
    warmup: int = 2
    cooldown: float = 0.2
    decay: float = 0.01
    ema: float = 0.9
    clip: float = 1.0
    probe_every: int = 4
    save_every: int = 100


class Line(Training[nn.Module]):
    """Learns y = 2 x with a batch norm, whose statistics and counter must come through a resume as well."""

    loss_columns: ClassVar[tuple[str, ...]] = ("error",)
    probe_columns: ClassVar[tuple[str, ...]] = ("error", "evaluating")

    def __init__(self, out: Path, stop_at: int = -1) -> None:
        torch.manual_seed(0)
        self.stop_at = stop_at
        super().__init__(nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), Toy(), out)

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        if self.step == self.stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        x = torch.randn(16, 1, generator=source)
        error = (self.model(x) - 2 * x).square().mean()
        return error, {"error": error.item()}

    def probe(self) -> Mapping[str, float]:
        x = torch.linspace(-1, 1, 9)[:, None]
        return {"error": float((self.model(x) - 2 * x).square().mean()), "evaluating": float(not self.model.training)}

    def export(self) -> Path:
        torch.save(self.average, self.out / "weights.pt")
        return self.out / "weights.pt"


def _rows(path: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(path.open())]


def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    straight = torch.load(Line(tmp_path / "a").run(20))
    with pytest.raises(KeyboardInterrupt):
        Line(tmp_path / "b", stop_at=9).run(20)
    second = Line(tmp_path / "b")
    second.resume()
    assert second.step == 10
    resumed = torch.load(second.run(20))
    assert straight.keys() == resumed.keys() and all(torch.equal(straight[k], resumed[k]) for k in straight)
    for name in ("losses.csv", "probe.csv"):
        assert _rows(tmp_path / "a" / name) == _rows(tmp_path / "b" / name)
    probes = _rows(tmp_path / "a" / "probe.csv")
    assert [row["step"] for row in probes] == ["4", "8", "12", "16", "20"]
    assert float(probes[-1]["error"]) < 0.5 * float(probes[0]["error"])
    assert {row["evaluating"] for row in probes} == {"1.0"}
    assert (tmp_path / "a" / "losses.png").stat().st_size > 0


def test_rows_that_a_kill_left_beyond_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    Line(tmp_path).run(4)
    with (tmp_path / "losses.csv").open("a") as file:
        file.write("5,0.1,0.05,9\n")
    again = Line(tmp_path)
    again.resume()
    again.run(6)
    assert [row["step"] for row in _rows(tmp_path / "losses.csv")] == ["1", "2", "3", "4", "5", "6"]


def test_what_cannot_go_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to resume"):
        Line(tmp_path).resume()
    refuse_to_overwrite(tmp_path)
    Line(tmp_path).run(1)
    with pytest.raises(UsageError, match="add --resume"):
        refuse_to_overwrite(tmp_path)
    other = Line(tmp_path)
    other.model = nn.Linear(2, 2)
    with pytest.raises(UsageError, match="is of another preset"):
        other.resume()
