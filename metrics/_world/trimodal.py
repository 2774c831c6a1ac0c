"""Picture, sound and caption in one space, trained by contrast on clips of the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.trainable import Scorer
from avbench.training import Cell, Training, mixed, refuse_to_overwrite

from .._backbones._shipped import write
from .._backbones.world_space_net import Space, SpaceConfig
from ._trimodal_data import Batch, Dataset


@dataclass(frozen=True, slots=True)
class TrimodalRecipe:
    """What decides a training: sizes, the training set, the optimiser."""

    net: SpaceConfig = field(default_factory=SpaceConfig)
    clips: int = 4096
    held_out: int = 100
    seed: int = 0
    steps: int = 1600
    batch: int = 64
    rate: float = 1e-3
    warmup: int = 50
    cooldown: float = 0.6
    decay: float = 0.05
    ema: float = 0.99
    clip: float = 1.0
    probe_every: int = 100
    save_every: int = 100


RECIPES = {
    "world": TrimodalRecipe(),
    "nano": TrimodalRecipe(
        SpaceConfig(out=32, width=32, picture=8, sound=32), clips=64, held_out=16, steps=20, batch=8,
        probe_every=10, save_every=10,
    ),
}  # fmt: skip
CHOICE = 50  # from as many the probe has the right one found


class Trimodal(Scorer):
    presets: ClassVar[tuple[str, ...]] = tuple(RECIPES)

    @classmethod
    def train(cls, preset: str, out: Path, *, resume: bool, device: str, steps: int | None) -> Path:
        if preset not in RECIPES:
            raise UsageError(f"unknown preset {preset!r} of trimodal; known: {', '.join(RECIPES)}")
        require_plotting()
        if not resume:
            refuse_to_overwrite(out)
        recipe = RECIPES[preset]
        training = TrimodalTraining(
            recipe, Dataset(out / "data", recipe.clips, recipe.held_out, recipe.seed), out, device
        )
        if resume:
            training.resume()
        return training.run(steps or recipe.steps)


class TrimodalTraining(Training[Space]):
    """What belongs together in a batch is brought together, for each pair of modalities."""

    loss_columns = ("picture_sound", "picture_text", "sound_text")
    probe_columns = ("sound_of_picture", "caption_of_picture", "caption_of_sound")

    def __init__(self, recipe: TrimodalRecipe, data: Dataset, out: Path, device: str = "cpu") -> None:
        torch.manual_seed(recipe.seed)
        super().__init__(Space(recipe.net), recipe, out, device)
        self.trimodal, self.data = recipe, data

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=source)))
        chosen = rng.choice(self.data.size, self.trimodal.batch, replace=False)
        batch = self.data.batch([int(i) for i in chosen], rng)
        batch = Batch(varied(batch.frames, rng), disturbed(batch.mel, rng), thinned(batch.seen, rng),
                      thinned(batch.heard, rng), batch.told)  # fmt: skip
        batch = Batch(*(getattr(batch, name).to(self.device) for name in Batch.__slots__))
        with mixed(self.device):
            video, audio = self.model.video(batch.frames), self.model.audio(batch.mel)
            seen, heard = self.model.read(batch.seen), self.model.read(batch.heard)
        parts = {
            "picture_sound": self.model.agree(video, audio),
            "picture_text": self.model.agree(video, seen),
            "sound_text": self.model.agree(audio, heard),
        }
        return torch.stack(list(parts.values())).sum(), {name: round(part.item(), 5) for name, part in parts.items()}

    def probe(self) -> Mapping[str, float]:
        """Share of held-out clips whose counterpart is nearest among 50."""
        found: dict[str, list[float]] = {name: [] for name in self.probe_columns}
        held = list(self.data.held_out)
        for first in range(0, len(held), CHOICE):
            batch = self.data.batch(held[first : first + CHOICE])
            batch = Batch(*(getattr(batch, name).to(self.device) for name in Batch.__slots__))
            video, audio = self.model.video(batch.frames), self.model.audio(batch.mel)
            seen, heard = self.model.read(batch.seen), self.model.read(batch.heard)
            found["sound_of_picture"] += recalled(video, audio)
            found["caption_of_picture"] += recalled(video, seen)
            found["caption_of_sound"] += recalled(audio[batch.told], heard[batch.told])
        return {name: float(np.mean(hits)) for name, hits in found.items()}

    def export(self) -> Path:
        facts = {"steps": self.step, "hours": round(self.seconds / 3600, 2), "clips": self.trimodal.clips}
        return write(self.out / "weights.safetensors", self.average, asdict(self.trimodal.net), facts)


def recalled(one: Tensor, other: Tensor) -> list[float]:
    """For each row of one whether its own row of the other is the nearest."""
    return (one @ other.T).argmax(1).eq(torch.arange(len(one), device=one.device)).float().tolist()


def varied(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast and a move by up to 4 pixels, alike in all frames of a clip."""
    out = []
    for clip in frames:
        gain, lift = float(rng.uniform(0.85, 1.15)), float(rng.uniform(-15, 15))
        moved = torch.roll(clip, (int(rng.integers(-4, 5)), int(rng.integers(-4, 5))), (1, 2))
        out.append(((moved.float() - 128) * gain + 128 + lift).clamp(0, 255).to(torch.uint8))
    return torch.stack(out)


def disturbed(mel: Tensor, rng: np.random.Generator) -> Tensor:
    """A little noise on the log bands."""
    noise = rng.standard_normal(tuple(mel.shape), np.float32) * float(rng.uniform(0, 0.15))
    return mel + torch.from_numpy(noise)


def thinned(words: Tensor, rng: np.random.Generator) -> Tensor:
    """One word in ten left out, but never all."""
    kept = torch.from_numpy(rng.random(tuple(words.shape)) > 0.1) | (torch.arange(words.shape[1]) == 0)
    return words * kept
