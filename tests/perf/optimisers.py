"""How fast the audio stream of a joint model learns by AdamW alone and with Muon for its matrices.

    avbench train harmony --preset tiny --steps 1 --out DIR       # renders DIR/data once
    python tests/perf/optimisers.py DIR/data [STEPS]

Each line: the mean loss of the last 50 steps and the CPU seconds so far; every run sees the same clips and noise.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from avbench.generators._joint.data import Dataset
from avbench.generators._joint.presets import HARMONY
from avbench.generators._joint.recipe import Stage, Task
from avbench.generators._joint.training import Trainer
from avbench.training import adamw

EVERY = 50


class AdamWOnly(Trainer):  # type: ignore[misc]
    def optimise(self) -> list[torch.optim.Optimizer]:
        return [adamw(self.config, {1.0: list(self.model.parameters())})]


def main(folder: Path, steps: int) -> None:
    torch.set_num_threads(1)
    data = Dataset(folder, HARMONY.model)
    alone = (Stage("audio", 1.0, (Task("audio", 1, 1),)),)
    config = replace(HARMONY.train, stages=alone, crop_p=0.0, warmup=30)
    for name, kind, one in (
        ("AdamW 0.001", AdamWOnly, config),
        ("AdamW 0.002", AdamWOnly, replace(config, rate=2e-3)),
        ("Muon 0.002", Trainer, replace(config, muon=2.0)),
        ("Muon 0.004", Trainer, replace(config, muon=4.0)),
        ("Muon 0.008", Trainer, replace(config, muon=8.0)),
    ):
        with TemporaryDirectory() as out:
            run(name, kind(HARMONY.model, one, data, Path(out)), steps)


def run(name: str, trainer: Trainer, steps: int) -> None:
    losses, begun = [], time.process_time()
    for step in range(steps):
        losses.append(float(trainer.advance(steps)["audio"]))
        if (step + 1) % EVERY == 0:
            mean = sum(losses[-EVERY:]) / EVERY
            print(f"{name}, step {step + 1}: {mean:.3f}, {time.process_time() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 250)
