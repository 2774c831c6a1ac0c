"""Samples of a fixed set of prompts while a training goes on, and what the metrics say of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from avbench import registry
from avbench.media import mux
from avbench.parts import Metric, Request
from avbench.records import Clip, Prompt, Status
from avbench.scoring import ToScore, score_clip
from avbench.world.prompts import sample_prompt

from .config import SampleConfig
from .making import make
from .model import JointModel
from .shots import KINDS
from .tokens import FPS
from .weights import Codecs

METRICS = ("lip_envelope", "onset_offset", "temporal_flickering", "loudness", "lipsync_world", "wer_world")
COLUMNS = ("step", "prompt", "metric", "backend", "value", "reason")


class Gallery:
    """Fills OUT/samples/STEP with clips and OUT/samples.csv with their scores; the prompts and seeds never change."""

    def __init__(self, out: Path, config: SampleConfig, name: str) -> None:
        self.out, self.config, self.name = out, config, name

    def show(self, step: int, model: JointModel, codecs: Codecs) -> None:
        rows: list[tuple[object, ...]] = []
        for prompt in fixed_prompts(model.config.frames / FPS):
            path = self.out / "samples" / f"{step:06d}" / f"{prompt.id}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            mux.write(path, make(model, codecs, Request(prompt, 1), self.config))
            metrics = {name: registry.load(Metric, name)() for name in METRICS}
            found = score_clip(ToScore(0, Clip(path, prompt, self.name), "", METRICS), metrics)
            for scores in found.scores.values():
                rows += [
                    (step, prompt.id, s.metric, s.backend, s.value if s.status is Status.OK else "", s.reason)
                    for s in scores
                ]
        self._write(step, rows)

    def _write(self, step: int, rows: list[tuple[object, ...]]) -> None:
        """Rows of this and earlier steps; a resumed training says no step twice."""
        path = self.out / "samples.csv"
        kept = list(csv.reader(path.open(newline="")))[1:] if path.exists() else []
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(row for row in kept if int(row[0]) < step)
            writer.writerows(rows)


def fixed_prompts(seconds: float) -> list[Prompt]:
    """Two prompts of each family, the same for every training."""
    rng = np.random.default_rng(2026)
    return [replace(sample_prompt(rng, kind), id=f"{kind}-{n}", seconds=seconds) for kind in KINDS for n in range(2)]
