"""The training loop: one draw a step, exact resume, probes, curves."""

from __future__ import annotations

import csv
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor, nn
from tqdm import tqdm

from avbench.errors import UsageError

from .config import ModelConfig, TrainConfig
from .curves import plot
from .data import Dataset
from .model import JointModel, audio_tokens
from .objective import Task, draw, losses, probe
from .timemap import Timeline
from .weights import save

TASKS = (Task.JOINT, Task.AUDIO_DRIVEN, Task.VIDEO_DRIVEN)
LOSS_FIELDS = ("step", "task", "video", "audio", "duration", "rate", "seconds")
PROBE_FIELDS = ("step", "video_right", "video_wrong", "audio_right", "audio_wrong")


class Trainer:
    """Trains into `out`: `last.pt` (everything a resume needs), `losses.csv`, `probe.csv`, `losses.png`.

    All randomness of a step is drawn from (seed, step), so a run that is stopped and resumed equals one that is not.
    """

    def __init__(self, model: ModelConfig, config: TrainConfig, data: Dataset, out: Path, device: str = "cpu") -> None:
        self.model_config, self.config, self.data, self.out, self.device = model, config, data, out, device
        torch.manual_seed(config.seed)
        self.model = JointModel(model).to(device)
        self.average = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), config.rate, (0.9, 0.99), weight_decay=config.decay, fused=True
        )
        self.step, self.seconds = 0, 0.0
        if len(data) <= config.held_out:
            raise UsageError(f"{len(data)} clips leave none to train on: {config.held_out} are held out")

    def resume(self) -> None:
        """Goes on from `last.pt`. Raises UsageError when there is none or it is another model's."""
        path = self.out / "last.pt"
        if not path.exists():
            raise UsageError(f"nothing to resume: {path} does not exist; start without --resume")
        kept = torch.load(path, map_location=self.device, weights_only=True)
        try:
            self.model.load_state_dict(kept["model"])
        except RuntimeError as error:
            raise UsageError(f"{path} is of another preset: {error}") from error
        self.average, self.step, self.seconds = kept["average"], kept["step"], kept["seconds"]
        self.optimiser.load_state_dict(kept["optimiser"])

    def run(self, steps: int) -> Path:
        """Trains up to step `steps` and writes the averaged weights. SIGINT and SIGTERM save first."""
        self.out.mkdir(parents=True, exist_ok=True)
        log = Log(self.out / "losses.csv", LOSS_FIELDS, self.step)
        probes = Log(self.out / "probe.csv", PROBE_FIELDS, self.step)
        with _signals() as received, tqdm(total=steps, initial=self.step, desc="train", unit="step") as progress:
            while self.step < steps:
                begun = time.perf_counter()
                row = self._advance(steps)
                self.seconds += time.perf_counter() - begun
                log.add({"step": self.step, **row, "seconds": round(self.seconds, 1)})
                progress.update()
                if self.step % self.config.probe_every == 0:
                    probes.add({"step": self.step, **self._probe()})
                    plot(self.out)
                if self.step % self.config.save_every == 0 or received:
                    self.save()
                if received:
                    break
        self.save()
        return self.export()

    def save(self) -> None:
        part = self.out / "last.pt.part"
        state = {"model": self.model.state_dict(), "average": self.average, "optimiser": self.optimiser.state_dict()}
        torch.save(state | {"step": self.step, "seconds": self.seconds}, part)
        part.replace(self.out / "last.pt")

    def export(self) -> Path:
        """The averaged weights as `weights.safetensors`."""
        path = self.out / "weights.safetensors"
        facts = {"steps": self.step, "hours": round(self.seconds / 3600, 2), "clips": len(self.data)}
        save(path, self.model_config, self.average, self.data.codecs, {key: str(value) for key, value in facts.items()})
        return path

    def _advance(self, steps: int) -> dict[str, str | float]:
        config = self.config
        source = torch.Generator().manual_seed(config.seed * 1_000_003 + self.step)
        count = len(self.data) - config.held_out
        indices = torch.randint(count, (config.batch,), generator=source).tolist()
        task = TASKS[int(torch.multinomial(torch.tensor(config.cts_p), 1, generator=source))]
        frames, start = self.model_config.frames, 0
        if float(torch.rand(1, generator=source)) < config.crop_p:
            room = Timeline(frames, 1).latents - Timeline(config.crop, 1).latents
            frames, start = config.crop, int(torch.randint(room + 1, (1,), generator=source))
        batch = self.data.batch(indices, start, frames)
        drawn = draw(batch, task, config, source)
        batch, drawn = _on(batch, self.device), _on(drawn, self.device)
        silence = self.data.codecs.audio.silence(audio_tokens(frames)).to(self.device)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16):
            found = losses(self.model, batch, drawn, silence, config)
        parts = [loss for loss in (found.video, found.audio) if loss is not None]
        k = TASKS.index(task)
        total = config.cts_lambda[k] / config.cts_p[k] * torch.stack(parts).sum() + found.duration
        rate = config.rate * schedule(self.step, steps, config)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimiser.step()
        self.step += 1
        keep = min(config.ema, (1 + self.step) / (10 + self.step))
        for name, tensor in self.model.state_dict().items():
            self.average[name].lerp_(tensor, 1 - keep)
        return {
            "task": str(task),
            "rate": rate,
            "video": _shown(found.video),
            "audio": _shown(found.audio),
            "duration": _shown(found.duration),
        }

    def _probe(self) -> dict[str, float]:
        """On the averaged weights and the held-out clips."""
        kept = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        batch = _on(self.data.batch(list(range(len(self.data) - self.config.held_out, len(self.data)))), self.device)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16):
            found = probe(self.model, batch)
        self.model.load_state_dict(kept)
        return {name: round(value, 5) for name, value in found.items()}


class Log:
    """A CSV file of one row a step; rows beyond the step that a resume starts from are dropped."""

    def __init__(self, path: Path, columns: tuple[str, ...], step: int) -> None:
        rows = list(csv.DictReader(path.open(newline=""))) if path.exists() and step else []
        self.file = path.open("w", newline="", buffering=1)
        self.writer = csv.DictWriter(self.file, columns)
        self.writer.writeheader()
        self.writer.writerows(row for row in rows if int(row["step"]) <= step)

    def add(self, row: dict[str, object]) -> None:
        self.writer.writerow(row)


def schedule(step: int, steps: int, config: TrainConfig) -> float:
    """Learning rate factor: linear warm-up, constant, then linear to a twentieth over the last `cooldown` share."""
    left = (steps - step) / max(1.0, config.cooldown * steps)
    return min((step + 1) / max(1, config.warmup), 1.0, max(0.05, left))


def _shown(loss: Tensor | None) -> str | float:
    return "" if loss is None else round(loss.item(), 5)


def _on(record: object, device: str):  # type: ignore[no-untyped-def]
    """The record with its tensors on the device."""
    if device == "cpu":
        return record
    moved = {f.name: getattr(record, f.name) for f in fields(record)}  # type: ignore[arg-type]
    return type(record)(**{name: value.to(device) if hasattr(value, "to") else value for name, value in moved.items()})


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM, so that a step is never cut in two; on leaving, the first takes its usual course."""
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])
