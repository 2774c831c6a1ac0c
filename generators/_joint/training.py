"""Training of the joint model: stages of tasks, driven probes, samples on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from avbench.errors import UsageError
from avbench.team import Team
from avbench.training import Cell, Training, adamw, mixed, muon

from .config import ModelConfig
from .curves import plot
from .data import Dataset
from .gallery import Gallery
from .model import JointModel
from .objective import KINDS, Losses, draw, losses, probe
from .page import write_page
from .recipe import Stage, Task, TrainConfig
from .timemap import Timeline
from .tokens import audio_tokens
from .weights import save


class Trainer(Training[JointModel]):
    """One task a batch; the probe is the error of either modality driven by the right and by a wrong other one."""

    loss_columns: ClassVar[tuple[str, ...]] = ("stage", "task", "video", "audio", "duration", "mask")
    probe_columns: ClassVar[tuple[str, ...]] = ("video_right", "video_wrong", "audio_right", "audio_wrong")

    def __init__(
        self,
        model: ModelConfig,
        config: TrainConfig,
        data: Dataset,
        out: Path,
        device: str = "cpu",
        team: Team = Team(),  # noqa: B008  (frozen)
        gallery: Gallery | None = None,
        system: str = "harmony",
        learned: Mapping[str, Tensor] | None = None,
        utterances: Dataset | None = None,
    ) -> None:
        """`gallery` shows samples every `config.show_every` steps. `learned` is a part of the state to begin with.
        Without `utterances` no stage has any.
        """
        self.model_config, self.config, self.data, self.gallery, self.system = model, config, data, gallery, system
        self.utterances = utterances
        if any(stage.voice != "none" for stage in config.stages) and not model.voice:
            raise UsageError("a stage has reference voices, and the model's `voice` is off")
        if config.batch % team.size or config.stills % team.size:
            raise UsageError(f"batches of {config.batch} and {config.stills} do not divide among {team.size} processes")
        torch.manual_seed(config.seed)
        fresh = JointModel(model)
        fresh.load_state_dict(fresh.state_dict() | dict(learned or {}))
        super().__init__(fresh, config, out, device, team)
        if len(data) <= config.held_out:
            raise UsageError(f"{len(data)} clips leave none to train on: {config.held_out} are held out")

    def optimise(self) -> list[torch.optim.Optimizer]:
        """Muon where the streams think; AdamW for embeddings, norms and heads."""
        within = ("video.blocks.", "audio.blocks.", "a2v.", "v2a.", "style.", "linear_")
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in self.model.named_parameters():
            (matrices if parameter.ndim == 2 and name.startswith(within) else rest).append(parameter)
        return [muon(self.config, self.config.muon, matrices), adamw(self.config, {1.0: rest})]

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        stage, through = self.config.stage_at(self.step, self.steps)
        self.model.lean = stage.lean[0] + (stage.lean[1] - stage.lean[0]) * through
        tasks, frames, size = self._choose(stage, source)
        found = [self._losses(stage, task.name, frames, size, source) for task in tasks]
        self.model.lean = 0.0
        total = torch.zeros((), device=self.device)
        for task, one in zip(tasks, found, strict=True):
            parts = [part for part in (one.video, one.audio) if part is not None]
            total = total + task.weight * torch.stack(parts).sum()
            if one.duration is not None:
                total = total + one.duration / len(tasks)
            if one.mask is not None:
                total = total + self._mask_weight(stage, through) / len(tasks) * one.mask
        names = "+".join(task.name for task in tasks)
        row = {name: _shown([getattr(one, name) for one in found]) for name in ("video", "audio", "duration", "mask")}
        return total, {"stage": stage.name, "task": names, **row}

    def _choose(self, stage: Stage, source: torch.Generator) -> tuple[list[Task], int, int]:
        """What a step trains: tasks with the weights of their losses, frames a clip, clips a batch."""
        config, mix = self.config, stage.mix
        spoken = stage.spoken if self.utterances else 0.0
        if spoken and float(torch.rand(1, generator=source)) < spoken:
            return [Task("utterances", 1, 1)], self._cropped(stage, source), config.batch
        if _sees(stage) and float(torch.rand(1, generator=source)) < config.stills_p:
            return [Task("stills", 1, 1)], 1, config.stills
        if config.cts_mode == "sum":
            chosen = list(mix)
        else:
            odds = torch.tensor([task.odds for task in mix], dtype=torch.float32)
            task = mix[int(torch.multinomial(odds, 1, generator=source))]
            chosen = [replace(task, weight=task.weight * float(odds.sum()) / task.odds)]
        return chosen, self._cropped(stage, source), config.batch

    def _cropped(self, stage: Stage, source: torch.Generator) -> int:
        cropped = float(torch.rand(1, generator=source)) < self.config.crop_p
        return (stage.crop or self.config.crop) if cropped else self.model_config.frames

    def _losses(self, stage: Stage, task: str, frames: int, size: int, source: torch.Generator) -> Losses:
        config, data, among = self.config, self.data, len(self.data) - self.config.held_out
        if task == "utterances" and self.utterances is not None:
            data = self.utterances
            among = len(data)
        indices = torch.randint(among, (size,), generator=source).tolist()
        room = Timeline(self.model_config.frames, 1).latents - Timeline(frames, 1).latents
        start = int(torch.randint(room + 1, (1,), generator=source))
        mine = slice(self.team.rank, None, self.team.size)
        batch = data.batch(indices[mine], start, frames)
        drawn = draw(size, batch, task, config, source)
        if self._voiced(stage, task, source):
            drawn = replace(drawn, voice=data.voices(indices, stage.voice, among, source))
        drawn = drawn.rows(mine)
        batch, drawn = _on(batch, self.device), _on(drawn, self.device)
        silence = self.data.codecs.audio.silence(audio_tokens(frames)).to(self.device)
        with mixed(self.device):
            return losses(self.model, batch, drawn, silence, config)

    def _voiced(self, stage: Stage, task: str, source: torch.Generator) -> bool:
        if stage.voice == "none" or KINDS[task].audio is None:
            return False
        return float(torch.rand(1, generator=source)) < (1 if KINDS[task].voice else self.config.voice_p)

    def _mask_weight(self, stage: Stage, through: float) -> float:
        way = self.model_config.interaction.fam
        begin, end = {"decay": stage.mask, "fixed": (stage.mask[0],) * 2}.get(way, (0.0, 0.0))
        return begin + (end - begin) * through

    def pace(self) -> float:
        return self.config.stage_at(self.step, self.steps)[0].rate

    def show(self) -> None:
        if self.gallery is not None and self.config.show_every and self.step % self.config.show_every == 0:
            with self.averaged():
                self.gallery.show(self.step, self.model, self.data.codecs)
            write_page(self.out)

    def probe(self) -> Mapping[str, float]:
        batch = _on(self.data.batch(list(range(len(self.data) - self.config.held_out, len(self.data)))), self.device)
        with mixed(self.device):
            return probe(self.model, batch)

    def draw_curves(self) -> None:
        plot(self.out)
        write_page(self.out)

    def export(self) -> Path:
        """The averaged weights as `weights.safetensors`."""
        path = self.out / "weights.safetensors"
        facts = {
            "system": self.system,
            "steps": self.step,
            "hours": round(self.seconds / 3600, 2),
            "clips": len(self.data),
        }
        save(path, self.model_config, self.average, self.data.codecs, {key: str(value) for key, value in facts.items()})
        return path


def _sees(stage: Stage) -> bool:
    """Does the stage train the video stream?"""
    return any(KINDS[task.name].video == "noisy" for task in stage.mix)


def _shown(losses: list[Tensor | None]) -> str | float:
    there = [loss for loss in losses if loss is not None]
    return round(float(torch.stack(there).sum().detach()), 5) if there else ""


def _on(record: object, device: str):  # type: ignore[no-untyped-def]
    """The record with its tensors on the device."""
    if device == "cpu":
        return record
    moved = {f.name: getattr(record, f.name) for f in fields(record)}  # type: ignore[arg-type]
    return type(record)(**{name: value.to(device) if hasattr(value, "to") else value for name, value in moved.items()})
