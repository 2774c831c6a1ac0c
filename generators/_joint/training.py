"""Training of the joint model: cross-task synergy, driven probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from avbench.errors import UsageError
from avbench.training import Cell, Training

from .config import ModelConfig, TrainConfig
from .curves import plot
from .data import Dataset
from .model import JointModel, audio_tokens
from .objective import Task, draw, losses, probe
from .timemap import Timeline
from .weights import save

TASKS = (Task.JOINT, Task.AUDIO_DRIVEN, Task.VIDEO_DRIVEN)


class Trainer(Training[JointModel]):
    """One task a batch; the probe is the error of either modality driven by the right and by a wrong other one."""

    loss_columns: ClassVar[tuple[str, ...]] = ("task", "video", "audio", "duration")
    probe_columns: ClassVar[tuple[str, ...]] = ("video_right", "video_wrong", "audio_right", "audio_wrong")

    def __init__(self, model: ModelConfig, config: TrainConfig, data: Dataset, out: Path, device: str = "cpu") -> None:
        self.model_config, self.config, self.data = model, config, data
        torch.manual_seed(config.seed)
        super().__init__(JointModel(model), config, out, device)
        if len(data) <= config.held_out:
            raise UsageError(f"{len(data)} clips leave none to train on: {config.held_out} are held out")

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        config = self.config
        task, frames, size = self._choose(source)
        indices = torch.randint(len(self.data) - config.held_out, (size,), generator=source).tolist()
        room = Timeline(self.model_config.frames, 1).latents - Timeline(frames, 1).latents
        start = int(torch.randint(room + 1, (1,), generator=source))
        batch = self.data.batch(indices, start, frames)
        drawn = draw(batch, task, config, source)
        batch, drawn = _on(batch, self.device), _on(drawn, self.device)
        silence = self.data.codecs.audio.silence(audio_tokens(frames)).to(self.device)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16):
            found = losses(self.model, batch, drawn, silence, config)
        parts = [loss for loss in (found.video, found.audio) if loss is not None]
        odds = dict(zip(TASKS, zip(config.cts_lambda, config.cts_p, strict=True), strict=True))
        share, p = odds.get(task, (1.0, 1.0))
        total = share / p * torch.stack(parts).sum()
        if found.duration is not None:
            total = total + found.duration
        row = {"task": str(task), "video": found.video, "audio": found.audio, "duration": found.duration}
        return total, {name: cell if isinstance(cell, str) else _shown(cell) for name, cell in row.items()}

    def _choose(self, source: torch.Generator) -> tuple[Task, int, int]:
        """What a step trains: task, frames a clip, clips a batch."""
        config = self.config
        if float(torch.rand(1, generator=source)) < config.stills_p:
            return Task.STILLS, 1, config.stills
        task = TASKS[int(torch.multinomial(torch.tensor(config.cts_p), 1, generator=source))]
        cropped = float(torch.rand(1, generator=source)) < config.crop_p
        return task, config.crop if cropped else self.model_config.frames, config.batch

    def probe(self) -> Mapping[str, float]:
        batch = _on(self.data.batch(list(range(len(self.data) - self.config.held_out, len(self.data)))), self.device)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16):
            return probe(self.model, batch)

    def draw_curves(self) -> None:
        plot(self.out)

    def export(self) -> Path:
        """The averaged weights as `weights.safetensors`."""
        path = self.out / "weights.safetensors"
        facts = {"steps": self.step, "hours": round(self.seconds / 3600, 2), "clips": len(self.data)}
        save(path, self.model_config, self.average, self.data.codecs, {key: str(value) for key, value in facts.items()})
        return path


def _shown(loss: Tensor | None) -> str | float:
    return "" if loss is None else round(loss.item(), 5)


def _on(record: object, device: str):  # type: ignore[no-untyped-def]
    """The record with its tensors on the device."""
    if device == "cpu":
        return record
    moved = {f.name: getattr(record, f.name) for f in fields(record)}  # type: ignore[arg-type]
    return type(record)(**{name: value.to(device) if hasattr(value, "to") else value for name, value in moved.items()})
