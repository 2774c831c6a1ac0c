"""The domain check: the world's pictures, whatever befell them, against pictures of other kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.trainable import Scorer
from avbench.training import Cell, Training, refuse_to_overwrite

from .._backbones._shipped import write
from .._backbones.domain import SIZE, look, network
from . import _sync_clips
from ._render import build
from ._strangers import Picture, photographs, stranger

EVERY = 38  # frames from still to still of a clip


@dataclass(frozen=True, slots=True)
class Preset:
    """Half of `batch` are the world's; `width` is that of the first of four convolutions."""

    width: int = 16
    clips: int = 640
    held_out: int = 64
    steps: int = 360
    batch: int = 64
    rate: float = 2e-3
    warmup: int = 50
    cooldown: float = 0.4
    decay: float = 0.05
    ema: float = 0.99
    clip: float = 1.0
    probe_every: int = 100
    save_every: int = 100
    seed: int = 0


WORLD = Preset()
NANO = replace(WORLD, width=2, clips=4, held_out=2, steps=4, batch=4, probe_every=2)
PRESETS = {"world": WORLD, "nano": NANO}
Stills = Mapping[str, list[NDArray[np.generic]]]


class DomainTraining(Training[nn.Module]):
    """The probe: how often held-out pictures of either kind are told right."""

    loss_columns: ClassVar[tuple[str, ...]] = ("loss", "right")
    probe_columns: ClassVar[tuple[str, ...]] = ("world_right", "strangers_right")

    def __init__(self, preset: Preset, stills: Stills, held_out: Stills, out: Path, device: str = "cpu") -> None:
        self.preset, self.stills, self.held_out = preset, stills["stills"], held_out["stills"]
        torch.manual_seed(preset.seed)
        super().__init__(network(preset.width), preset, out, device)

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=source)))
        half = self.preset.batch // 2
        pictures = [self._still(self.stills, rng) for _ in range(half)] + [stranger(rng, SIZE) for _ in range(half)]
        stained = np.stack([stain(picture, rng) for picture in pictures])
        logits = self.model(torch.from_numpy(stained).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1)
        wanted = (torch.arange(2 * half, device=self.device) < half).float()
        loss = binary_cross_entropy_with_logits(logits, wanted)
        right = ((logits > 0) == (wanted > 0)).float().mean()
        return loss, {"loss": round(loss.item(), 5), "right": round(right.item(), 5)}

    def probe(self) -> Mapping[str, float]:
        rng = np.random.default_rng((self.preset.seed, 1))
        world = np.stack([stain(self._still(self.held_out, rng), rng) for _ in range(512)])
        others = np.stack([stain(stranger(rng, SIZE), rng) for _ in range(512)])
        found = (look(self.model, world) > 0, look(self.model, others) <= 0)
        return dict(zip(self.probe_columns, (float(x.float().mean()) for x in found), strict=True))

    def export(self) -> Path:
        facts = {"steps": self.step, "hours": round(self.seconds / 3600, 2), "clips": len(self.stills)}
        return write(self.out / "weights.safetensors", self.average, {"width": self.preset.width}, facts)

    @staticmethod
    def _still(stills: list[NDArray[np.generic]], rng: np.random.Generator) -> Picture:
        clip = stills[int(rng.integers(len(stills)))]
        return np.array(clip[int(rng.integers(len(clip)))], np.uint8)


class DomainScorer(Scorer):
    """Trains the domain check of all scorers of the world."""

    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS)

    @classmethod
    def train(cls, preset: str, out: Path, *, resume: bool, device: str, steps: int | None) -> Path:
        """Renders stills into OUT/data and OUT/held_out, trains, and returns OUT/weights.safetensors."""
        if preset not in PRESETS:
            raise UsageError(f"unknown preset {preset!r} of domain; known: {', '.join(PRESETS)}")
        require_plotting()
        photographs()
        if not resume:
            refuse_to_overwrite(out)
        chosen = PRESETS[preset]
        make = partial(stills_of, seed=chosen.seed)
        held_out = build(out / "held_out", chosen.held_out, partial(make, held_out=True))
        training = DomainTraining(chosen, build(out / "data", chosen.clips, make), held_out, out, device)
        if resume:
            training.resume()
        return training.run(steps or chosen.steps)


def stills_of(index: int, seed: int, held_out: bool = False) -> dict[str, NDArray[np.generic]]:
    """Some frames of a clip that the Synchformer trains on."""
    return {"stills": _sync_clips.clip(index, seed, SIZE, held_out)["frames"][::EVERY]}


def stain(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture after some of what may befall it: light, tint, blur, a coarse grid, noise, spots, compression."""
    image: NDArray[Any] = picture[:, ::-1].astype(np.float32) if rng.random() < 0.5 else picture.astype(np.float32)
    if rng.random() < 0.5:
        image = image * rng.uniform(0.35, 1.5) + rng.uniform(-30, 30)
    if rng.random() < 0.3:
        image = image * rng.uniform(0.8, 1.2, 3).astype(np.float32)
    if rng.random() < 0.35:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 2.5))
    if rng.random() < 0.2:
        side = int(rng.integers(24, 56))
        image = cv2.resize(cv2.resize(image, (side, side)), picture.shape[1::-1])
    if rng.random() < 0.35:
        image = image + rng.uniform(1, 30) * rng.standard_normal(image.shape)
    if rng.random() < 0.35:  # as a weak generator paints
        grid = int(rng.integers(6, 24))
        image = image + rng.uniform(2, 24) * cv2.resize(rng.standard_normal((grid, grid, 3)), picture.shape[1::-1])
    levels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        coded = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 90))])[1]
        levels = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return levels
