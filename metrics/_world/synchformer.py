"""A small Synchformer: how far sound and picture are apart, learnt from the world's events and talkers.

In three stages, as the original in two. First the trunks: either side must say what the world knows around each token
(how far the mouth is open, whether something happens, how much moves or how loud it is); then also a segment's picture
must find its own sound among those of the batch, and each of its moments the right one within the clip. Then the head,
on features of the trunks kept in memory, which costs little: it must tell by how much the sound of a longer clip was
shifted, and so must each video token. Last both together, where half the clips keep only their own sound, with silence
where it is missing, as a fault has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.trainable import Scorer
from avbench.training import Cell, Training, adamw, mixed, refuse_to_overwrite

from .._backbones import synchformer
from .._backbones import synchformer_input as protocol
from .._backbones._shipped import write
from .._backbones._synchformer_trunks import SynchformerConfig
from ._render import build
from ._sync_batch import Batch, Clips, cut
from ._sync_clips import clip
from ._sync_kept import Kept
from ._sync_losses import between, contrast, truth
from ._sync_matcher import begin, contents

SLOW = 0.05  # rate of the filters of the picture
STEPS_BEYOND = 7  # segments before and after the picture's that its sound may come from


@dataclass(frozen=True, slots=True)
class Preset:
    """`shifts` of each of `batch` clips are compared a step; in the second stage those of `head_batch` clips.

    Of `steps` the shares `trunks` and `head` are the first two stages; `truth` weighs what the world knows in the
    first, and is all that counts in the share `opening` of it.
    """

    net: SynchformerConfig
    clips: int = 640
    held_out: int = 64
    steps: int = 6400
    trunks: float = 0.44
    opening: float = 0.7
    head: float = 0.38
    batch: int = 6
    head_batch: int = 8
    shifts: int = 5
    truth: float = 1.0
    rate: float = 2e-3
    warmup: int = 50
    cooldown: float = 0.3
    decay: float = 0.02
    ema: float = 0.99
    clip: float = 1.0
    probe_every: int = 500
    save_every: int = 50
    seed: int = 0


SMALL = SynchformerConfig(pixels=64, dim=64, heads=4, blocks=2, segments=11, head_blocks=3, head_heads=4)
WORLD = Preset(SMALL)
NANO = replace(
    WORLD,
    net=replace(SMALL, dim=32, heads=2, blocks=1, head_blocks=1, head_heads=2),
    clips=4,
    held_out=2,
    steps=4,
    batch=2,
    head_batch=2,
    shifts=2,
    probe_every=2,
)
PRESETS = {"world": WORLD, "nano": NANO}


class SynchformerTraining(Training[synchformer.Synchformer]):
    """The probe is the median error in seconds over held-out speakers and scenes."""

    loss_columns: ClassVar[tuple[str, ...]] = ("contrast", "truth", "offset", "right")
    probe_columns: ClassVar[tuple[str, ...]] = ("median_error", "within_0.2")

    def __init__(self, preset: Preset, clips: Clips, held_out: Clips, out: Path, device: str = "cpu") -> None:
        self.preset, self.clips, self.held_out = preset, clips, held_out
        torch.manual_seed(preset.seed)
        model = synchformer.Synchformer(preset.net)
        for name, parameter in model.named_parameters():
            if name.endswith(("_embed", "_token", "_tok", "pos_emb", "position_embeddings")):
                torch.nn.init.normal_(parameter, std=0.02)
        begin(model)
        super().__init__(model, preset, out, device)
        self._kept: Kept | None = None

    def optimise(self) -> list[torch.optim.Optimizer]:
        """Filters of the picture learn slowly: at the full rate Adam replaces their 1,536 weights in ten steps."""
        filters = [self.model.vfeat_extractor.patch_embed_3d.proj.weight]
        rest = [parameter for parameter in self.model.parameters() if parameter is not filters[0]]
        return [adamw(self.preset, {SLOW: filters, 1.0: rest})]

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        net, begun = self.model, self.step / self.preset.steps
        with sdpa_kernel(SDPBackend.MATH), mixed(self.device):
            if begun < self.preset.trunks:
                batch = self._batch(source, beyond=0)
                seen, heard = (part(x) for part, x in zip((net.vproj, net.aproj), self._features(batch), strict=True))
                told = truth(seen, batch.seen.to(self.device)) + truth(heard, batch.heard.to(self.device))
                found = {"truth": round(told.item(), 5)}
                if begun < self.preset.opening * self.preset.trunks:
                    return self.preset.truth * told, found
                about = contents(net)
                apart = contrast(seen[..., :about], heard[..., :about])
                return apart + self.preset.truth * told, found | {"contrast": round(apart.item(), 5)}
            if begun < self.preset.trunks + self.preset.head:
                if self._kept is None:  # not saved: a resume makes the same of the same trunks
                    self._kept = Kept.of(self.model, self.clips, self.device)
                size = self.preset.head_batch * self.preset.shifts
                video, audio, offset = self._kept.draw(size, self.preset.net.segments, source)
            else:
                video, audio, offset = self._together(self._batch(source, STEPS_BEYOND))
            voters = 1 + self.preset.net.segments * self.preset.net.times
            votes = self.model.votes(video.to(self.device), audio.to(self.device), voters).float()
        wanted = between(offset).to(self.device)
        loss = cross_entropy(votes[:, 0], wanted)
        each = cross_entropy(votes.transpose(1, 2), wanted[..., None].expand(-1, -1, voters))
        right = (votes[:, 0].argmax(-1) == wanted.argmax(-1)).float().mean()
        return loss + each, {"offset": round(loss.item(), 5), "right": round(right.item(), 5)}

    def _features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        video = self.model.video(batch.video.flatten(0, 1).to(self.device)).unflatten(0, batch.video.shape[:2])
        return video, self.model.audio(batch.audio.flatten(0, 1).to(self.device)).unflatten(0, batch.audio.shape[:2])

    def _together(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Each clip's picture beside its sound at each shift; one pass of the audio trunk serves all shifts."""
        video, audio = self._features(batch)
        picks = batch.first[..., None] + torch.arange(self.preset.net.segments)
        rows = torch.arange(len(audio))[:, None, None]
        shifted = audio[rows, picks.to(audio.device)].flatten(0, 1)
        return video.repeat_interleave(picks.shape[1], 0), shifted, batch.offset.flatten()

    def probe(self) -> Mapping[str, float]:
        """Pictures from the start, the middle and the end of each clip, with sound from another moment."""
        kept = Kept.of(self.model, self.held_out, self.device)
        source = torch.Generator().manual_seed(self.preset.seed)
        video, audio, offset = kept.draw(256, self.preset.net.segments, source)
        found = protocol.offsets(self.model.compare(video.to(self.device), audio.to(self.device)).float().cpu().numpy())
        error = np.abs(found - offset.clamp(-2, 2).numpy())
        return {"median_error": float(np.median(error)), "within_0.2": float(np.mean(error <= 0.2))}

    def export(self) -> Path:
        facts = {"steps": self.step, "hours": round(self.seconds / 3600, 2), "clips": len(self.clips["frames"])}
        return write(self.out / "weights.safetensors", self.average, asdict(self.preset.net), facts)

    def _batch(self, source: torch.Generator, beyond: int) -> Batch:
        indices = torch.randint(len(self.clips["frames"]), (self.preset.batch,), generator=source).tolist()
        filled = (torch.rand(len(indices), generator=source) < 0.5).tolist()
        parts = [
            cut(self.clips, self.preset.net, self.preset.shifts, i, source, beyond, fill and beyond > 0)
            for i, fill in zip(indices, filled, strict=True)
        ]
        return Batch(*(torch.stack([getattr(part, name) for part in parts]) for name in Batch.__slots__))


class SynchformerScorer(Scorer):
    """Trains `desync_world`."""

    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS)

    @classmethod
    def train(cls, preset: str, out: Path, *, resume: bool, device: str, steps: int | None) -> Path:
        """Renders clips into OUT/data and OUT/held_out, trains, and returns OUT/weights.safetensors."""
        if preset not in PRESETS:
            raise UsageError(f"unknown preset {preset!r} of synchformer; known: {', '.join(PRESETS)}")
        require_plotting()
        if not resume:
            refuse_to_overwrite(out)
        torch.set_flush_denormal(True)
        chosen = PRESETS[preset] if steps is None else replace(PRESETS[preset], steps=steps)
        make = partial(clip, seed=chosen.seed, size=chosen.net.pixels)
        held_out = build(out / "held_out", chosen.held_out, partial(make, held_out=True))
        training = SynchformerTraining(chosen, build(out / "data", chosen.clips, make), held_out, out, device)
        if resume:
            training.resume()
        return training.run(chosen.steps)
