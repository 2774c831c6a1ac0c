"""A small SyncNet: which 0.2 s of sound goes with which 0.2 s of a face, learnt from the world's talkers.

A stretch of a face is compared with its sound at every shift that the metric searches. The likeliest shift must be
the true one, for each window alone and for the stretch as a whole, by the distances that the metric takes. From random
weights these losses only draw all embeddings together; so at first the towers learn something else, which the world
knows: the first five numbers of an embedding are to say how far the mouth is open in the window's five frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, cross_entropy, interpolate

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.trainable import Scorer
from avbench.training import Cell, Training, mixed, refuse_to_overwrite

from .._backbones import syncnet
from .._backbones._shipped import write
from .._backbones.syncnet import FPS, RATE, WINDOW, SyncNetConfig
from .._lipsync_score import SHIFT, sync
from ._lip_clips import SAMPLES, clip
from ._render import build

PER_FRAME = RATE // FPS
WIDE = 6.0  # an open mouth in an embedding
FURTHEST = 12  # frames by which the held-out sound is shifted


@dataclass(frozen=True, slots=True)
class Preset:
    """`stretch` windows of each of `batch` faces a step; `sharp` scales the distances of a whole stretch, and
    `truth` weighs how far the mouth is open, which is all that counts in the first share `opening` of the steps.
    """

    net: SyncNetConfig
    clips: int = 384
    held_out: int = 64
    steps: int = 2000
    batch: int = 6
    stretch: int = 32
    sharp: float = 10.0
    truth: float = 20.0
    opening: float = 0.3
    rate: float = 2e-3
    warmup: int = 20
    cooldown: float = 0.3
    decay: float = 0.01
    ema: float = 0.99
    clip: float = 5.0
    probe_every: int = 200
    save_every: int = 50
    seed: int = 0


WORLD = Preset(SyncNetConfig(64, (32, 64, 128), (16, 32, 64, 48, 128), hidden=256, dim=256))
NANO = replace(
    WORLD,
    net=SyncNetConfig(64, (4, 8, 8), (4, 8, 8, 8, 8), hidden=8, dim=8),
    clips=4,
    held_out=2,
    steps=4,
    batch=2,
    stretch=8,
    probe_every=2,
)
PRESETS = {"world": WORLD, "nano": NANO}
Clips = Mapping[str, list[NDArray[np.generic]]]


class SyncNetTraining(Training[syncnet.SyncNet]):
    """`window`, `stretch` and `truth` are the losses; the probe shifts the sound of speakers who are not trained on."""

    loss_columns: ClassVar[tuple[str, ...]] = ("window", "stretch", "truth")
    probe_columns: ClassVar[tuple[str, ...]] = ("offset_within_1", "pairs", "confidence")

    def __init__(self, preset: Preset, clips: Clips, held_out: Clips, out: Path, device: str = "cpu") -> None:
        self.preset, self.clips, self.held_out = preset, clips, held_out
        torch.manual_seed(preset.seed)
        super().__init__(syncnet.SyncNet(preset.net), preset, out, device)

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        preset = self.preset
        faces, sounds, opened = self._batch(source)
        with mixed(self.device):
            lip = self.model.lip(faces.to(self.device)).float()
            audio = self.model.audio(sounds.flatten(0, 1).to(self.device)).float().unflatten(0, sounds.shape[:2])
        seen = (lip[..., :WINDOW] / WIDE - opened[:, SHIFT:-SHIFT]).square().mean()
        told = seen + (audio[..., :WINDOW] / WIDE - opened).square().mean()
        if self.step < preset.opening * preset.steps:
            return preset.truth * told, {"truth": round(told.item(), 5)}
        near = audio.unfold(1, 2 * SHIFT + 1, 1).transpose(2, 3)  # (B, windows, shifts, dim)
        shifted = (lip[:, :, None] - near).norm(dim=-1)
        nothing = lip.norm(dim=-1, keepdim=True)  # beyond the clip's ends the metric compares with zeros
        others = (lip[:, None] - near[None, :, :, SHIFT]).norm(dim=-1).mean(-1)  # (B, B): another clip's sound
        others = others.masked_fill(torch.eye(len(lip), dtype=torch.bool, device=others.device), torch.inf)
        every = torch.cat([shifted, nothing], dim=-1)
        right = torch.full((len(lip),), SHIFT, device=self.device)
        window = cross_entropy(-every.flatten(0, 1), right.repeat_interleave(preset.stretch))
        whole = cross_entropy(-preset.sharp * torch.cat([every.mean(1), others], dim=-1), right)
        found = zip(self.loss_columns, (window, whole, told), strict=True)
        return window + whole + preset.truth * told, {name: round(loss.item(), 5) for name, loss in found}

    def probe(self) -> Mapping[str, float]:
        rng, hits, pairs, confidence = np.random.default_rng(self.preset.seed), [], [], []
        for crops, audio in zip(self.held_out["crops"], self.held_out["audio"], strict=True):
            count = syncnet.windows(len(crops), len(audio))
            lip = syncnet.embed_lip(self.model, np.asarray(crops), count)
            by = int(rng.integers(-FURTHEST, FURTHEST + 1))
            right, moved, late = (
                sync(lip, syncnet.embed_audio(self.model, shift(np.asarray(audio), frames), count))
                for frames in (0, by, 3)
            )
            hits.append(abs(moved.offset + by) <= 1)
            pairs.append(right.curve[SHIFT] < late.curve[SHIFT])
            confidence.append(right.confidence)
        return dict(zip(self.probe_columns, map(float, map(np.mean, (hits, pairs, confidence))), strict=True))

    def export(self) -> Path:
        facts = {"steps": self.step, "hours": round(self.seconds / 3600, 2), "clips": len(self.clips["crops"])}
        return write(self.out / "weights.safetensors", self.average, asdict(self.preset.net), facts)

    def _batch(self, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Faces (B, 3, T, size, size) in BGR, and MFCC (B, stretch + 30, 1, 13, 20) from 15 windows before them on,
        and the aperture in the frames of those windows (B, stretch + 30, 5).
        """
        stretch, count = self.preset.stretch, len(self.clips["crops"])
        faces, sounds, opened = [], [], []
        for index in torch.randint(count, (self.preset.batch,), generator=source).tolist():
            crops, audio = self.clips["crops"][index], np.asarray(self.clips["audio"][index])
            last = SAMPLES // PER_FRAME - stretch - SHIFT - WINDOW + 1
            start = int(torch.randint(SHIFT, last, (1,), generator=source))
            film = torch.from_numpy(np.ascontiguousarray(crops[start : start + stretch + WINDOW - 1, :, :, ::-1]))
            faces.append(blemish(film.permute(0, 3, 1, 2).float(), source).transpose(0, 1))
            first, heard = start - SHIFT, stretch + 2 * SHIFT
            samples = audio[first * PER_FRAME : (first + heard + WINDOW) * PER_FRAME]
            sounds.append(torch.from_numpy(syncnet.hear(disturb(samples, source), heard)))
            aperture = torch.from_numpy(np.array(self.clips["aperture"][index], np.float32))
            opened.append(aperture[first : first + heard + WINDOW - 1].unfold(0, WINDOW, 1))
        return torch.stack(faces), torch.stack(sounds), torch.stack(opened).to(self.device)


class SyncNetScorer(Scorer):
    """Trains `lipsync_world`."""

    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS)

    @classmethod
    def train(cls, preset: str, out: Path, *, resume: bool, device: str, steps: int | None) -> Path:
        """Renders talkers into OUT/data and OUT/held_out, trains, and returns OUT/weights.safetensors."""
        if preset not in PRESETS:
            raise UsageError(f"unknown preset {preset!r} of syncnet; known: {', '.join(PRESETS)}")
        require_plotting()
        if not resume:
            refuse_to_overwrite(out)
        torch.set_flush_denormal(True)
        chosen = PRESETS[preset] if steps is None else replace(PRESETS[preset], steps=steps)
        make = partial(clip, seed=chosen.seed, size=chosen.net.size)
        held_out = build(out / "held_out", chosen.held_out, partial(make, held_out=True))
        training = SyncNetTraining(chosen, build(out / "data", chosen.clips, make), held_out, out, device)
        if resume:
            training.resume()
        return training.run(chosen.steps)


def shift(audio: NDArray[np.int16], frames: int) -> NDArray[np.int16]:
    """The sound later by video frames (earlier below 0), filled with silence, as `faults.shift_audio` does."""
    moved, by = np.zeros_like(audio), frames * PER_FRAME
    moved[max(0, by) : len(audio) + min(0, by)] = audio[max(0, -by) : len(audio) - max(0, by)]
    return moved


def blemish(film: Tensor, source: torch.Generator) -> Tensor:
    """(T, 3, H, W) in 0..255 with what cameras, codecs and models do to a picture; all frames alike but for noise."""
    draw = torch.rand(12, generator=source)
    if draw[0] < 0.5:
        film = film.flip(-1)
    moves = [int(3 * x) - 1 for x in draw[1:3]]
    film = film.roll(moves, (-2, -1))
    if draw[3] < 0.3:
        soft = interpolate(avg_pool2d(film, 2), film.shape[-2:], mode="bilinear")
        film = torch.lerp(film, soft, float(draw[4]))
    gains = 0.7 + 0.6 * draw[5:8] if draw[8] < 0.5 else (0.7 + 0.6 * draw[5]).expand(3)
    film = film * gains[:, None, None] + 40 * (draw[9] - 0.5)
    if draw[10] < 0.5:  # mottled, a few pixels a spot
        rough = torch.randn(len(film), 3, *(-(-side // 3) for side in film.shape[-2:]), generator=source)
        film = film + 24 * draw[11] ** 2 * interpolate(rough, film.shape[-2:])
    return film.clamp(0, 255)


def disturb(samples: NDArray[np.int16], source: torch.Generator) -> NDArray[np.int16]:
    """Louder or softer by up to 10 dB, and half the time with white noise 5 to 40 dB below the speech."""
    draw = torch.rand(3, generator=source).tolist()
    loud = torch.from_numpy(samples.astype(np.float32)) * 10 ** (draw[0] - 0.5)
    if draw[1] < 0.5:
        power = loud.square().mean().sqrt() * 10 ** (-(5 + 35 * draw[2]) / 20)
        loud = loud + power * torch.randn(len(loud), generator=source)
    return loud.clamp(-32768, 32767).round().numpy().astype(np.int16)
