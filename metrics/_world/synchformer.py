"""A small Synchformer: how far sound and picture are apart, learnt from the world's events and talkers.

In three stages, as the original in two. First the trunks: a segment's picture must find its own sound among those of
the batch, each of its moments the right one within the clip, and either side must say what the world knows: how far
the mouth is open, and whether something happens. Then the head, on features of the trunks kept in
memory, which costs little: it must tell by how much the sound of a longer clip was shifted. Last both together, where
half the clips keep only their own sound, with silence where it is missing, as a fault has it.
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
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy, normalize, pad

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.parts import Scorer
from avbench.training import Cell, Training, refuse_to_overwrite

from .._backbones import synchformer
from .._backbones import synchformer_input as protocol
from .._backbones._shipped import write
from .._backbones._synchformer_trunks import SynchformerConfig
from .._backbones.synchformer_input import FPS, RATE, SEGMENT_FRAMES, SEGMENT_SAMPLES, STEP_FRAMES, STEP_SAMPLES
from ._render import build
from ._sync_clips import clip

FURTHEST = 2.1  # seconds; a shift beyond 2 counts as 2
STEPS_BEYOND = 7  # segments before and after the picture's that its sound may come from
WARMTH = 0.1  # temperature of the contrast
SEGMENT = SEGMENT_FRAMES / FPS  # seconds
SEEN = (torch.arange(8) + 0.5) * SEGMENT / 8  # the middle of what a video token covers, two frames
HEARD = 0.08 + 0.1 * torch.arange(6)  # the same of an audio token, 16 mel columns
FINER = 4  # the second stage hears a segment every 0.08 s


@dataclass(frozen=True, slots=True)
class Preset:
    """`shifts` of each of `batch` clips are compared a step; in the second stage those of `head_batch` clips.

    Of `steps` the shares `trunks` and `head` are the first two stages; `truth` weighs what the
    world knows in the first.
    """

    net: SynchformerConfig
    clips: int = 640
    held_out: int = 64
    steps: int = 2300
    trunks: float = 0.35
    head: float = 0.52
    batch: int = 6
    head_batch: int = 8
    shifts: int = 5
    truth: float = 5.0
    rate: float = 1.5e-3
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
    net=replace(SMALL, dim=8, heads=2, blocks=1, head_blocks=1, head_heads=2),
    clips=4,
    held_out=2,
    steps=4,
    batch=2,
    head_batch=2,
    shifts=2,
    probe_every=2,
)
PRESETS = {"world": WORLD, "nano": NANO}
Clips = Mapping[str, list[NDArray[np.generic]]]


@dataclass(frozen=True, slots=True)
class Batch:
    """`video` (B, S, 16, 3, H, W); `audio` (B, S + 2 * beyond, 128, 66), of which the segments `first` (B, K) + 0 ..
    S - 1 are early by `offset` (B, K) seconds; `seen` (B, S, 8, 2) and `heard` (B, S, 6, 2) are aperture and onset.
    """

    video: Tensor
    audio: Tensor
    first: Tensor
    offset: Tensor
    seen: Tensor
    heard: Tensor


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
        super().__init__(model, preset, out, device)
        self._kept: Kept | None = None

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        net, begun = self.model, self.step / self.preset.steps
        with sdpa_kernel(SDPBackend.MATH), torch.autocast(torch.device(self.device).type, torch.bfloat16):
            if begun < self.preset.trunks:
                batch = self._batch(source, beyond=0)
                seen, heard = (part(x) for part, x in zip((net.vproj, net.aproj), self._features(batch), strict=True))
                apart = contrast(seen, heard)
                told = truth(seen, batch.seen.to(self.device)) + truth(heard, batch.heard.to(self.device))
                found = {"contrast": round(apart.item(), 5), "truth": round(told.item(), 5)}
                return apart + self.preset.truth * told, found
            if begun < self.preset.trunks + self.preset.head:
                if self._kept is None:  # not saved: a resume makes the same of the same trunks
                    self._kept = Kept.of(self.model, self.clips, self.device)
                video, audio, offset = self._kept.draw(self.preset, source)
            else:
                video, audio, offset = self._together(self._batch(source, STEPS_BEYOND))
            logits, wanted = self.model.compare(video.to(self.device), audio.to(self.device)), between(offset)
        loss = cross_entropy(logits.float(), wanted.to(self.device))
        right = (logits.argmax(-1).cpu() == wanted.argmax(-1)).float().mean()
        return loss, {"offset": round(loss.item(), 5), "right": round(right.item(), 5)}

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
        cut = Kept.of(self.model, self.held_out, self.device)
        source = torch.Generator().manual_seed(self.preset.seed)
        video, audio, offset = cut.draw(replace(self.preset, head_batch=64, shifts=4), source)
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
            _clip(self.preset, self.clips, i, source, beyond, fill and beyond > 0)
            for i, fill in zip(indices, filled, strict=True)
        ]
        return Batch(*(torch.stack([getattr(part, name) for part in parts]) for name in Batch.__slots__))


def _clip(preset: Preset, clips: Clips, index: int, source: torch.Generator, beyond: int, filled: bool) -> Batch:
    """One clip from a random frame on, without the batch axis; `beyond` segments of sound to either side."""
    frames, samples = clips["frames"][index], np.asarray(clips["audio"][index])
    length = SEGMENT_FRAMES + STEP_FRAMES * (preset.net.segments - 1)
    start = int(torch.randint(len(frames) - length + 1, (1,), generator=source))
    film = protocol.frames(np.array(frames[start : start + length]), preset.net.pixels)
    film, sound = tint(film, source), disturb(torch.from_numpy(samples.astype(np.float32) / 32767), source)
    begin, end, whole = start * RATE // FPS, (start + length) * RATE // FPS, len(sound)
    if filled:
        sound = pad(sound[begin:end], (begin, whole - end))
    phase = int(torch.randint(STEP_SAMPLES, (1,), generator=source)) - STEP_SAMPLES // 2 if beyond else 0
    first = begin + phase - beyond * STEP_SAMPLES
    last = first + (preset.net.segments + 2 * beyond - 1) * STEP_SAMPLES + SEGMENT_SAMPLES
    span = pad(sound[max(0, first) : max(0, last)], (max(0, -first), max(0, last - whole)))
    offset = (phase + (torch.arange(2 * beyond + 1) - beyond) * STEP_SAMPLES) / RATE
    there = (offset * RATE + begin >= 0) & (offset * RATE + end <= whole) | filled
    chosen = torch.multinomial(
        ((offset.abs() <= FURTHEST) & there).float(), preset.shifts, replacement=True, generator=source
    )
    at = start / FPS + 0.32 * torch.arange(preset.net.segments)[:, None]
    known = (_happening(clips, index, at + moments) for moments in (SEEN, HEARD))
    return Batch(protocol.video_segments(film), protocol.audio_segments(span), chosen, offset[chosen], *known)


def _happening(clips: Clips, index: int, seconds: Tensor) -> Tensor:
    """Aperture and onset, softened to 0.1 s, at any moments: (..., 2)."""
    aperture, onsets = (np.asarray(clips[name][index], np.float64) for name in ("aperture", "onsets"))
    soft = np.minimum(1, np.convolve(onsets, [0.3, 0.8, 1, 0.8, 0.3], "same"))
    frames = (np.arange(len(aperture)) + 0.5) / FPS
    curves = [np.interp(seconds.numpy(), frames, curve) for curve in (aperture, soft)]
    return torch.from_numpy(np.stack(curves, axis=-1)).float()


@dataclass(frozen=True, slots=True)
class Kept:
    """Features of whole clips from trunks that stand still: `video` (N, V, 8, dim) a segment every 0.32 s, `audio`
    (N, A, 6, dim) every 0.08 s.
    """

    video: Tensor
    audio: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, net: synchformer.Synchformer, clips: Clips, device: str) -> Kept:
        videos, audios = [], []
        for frames, samples in zip(clips["frames"], clips["audio"], strict=True):
            film = protocol.frames(np.array(frames), net.config.pixels)
            videos.append(net.video(protocol.video_segments(film).to(device)).bfloat16().cpu())
            sound = torch.from_numpy(np.asarray(samples).astype(np.float32) / 32767)
            phases = [protocol.audio_segments(sound[STEP_SAMPLES * k // FINER :]) for k in range(FINER)]
            count = min(map(len, phases))
            parts = torch.stack([phase[:count] for phase in phases], 1).flatten(0, 1)
            audios.append(net.audio(parts.to(device)).bfloat16().cpu())
        return cls(torch.stack(videos), torch.stack(audios))

    def draw(self, preset: Preset, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """(B, S, 8, dim) and (B, S, 6, dim) of random clips, pictures and sounds from random moments, (B,) seconds."""
        size, segments = preset.head_batch * preset.shifts, preset.net.segments
        clips = torch.randint(len(self.video), (size,), generator=source)
        starts = torch.randint(self.video.shape[1] - segments + 1, (size,), generator=source)
        furthest = self.audio.shape[1] - FINER * (segments - 1)
        sounds = torch.randint(furthest, (size,), generator=source)
        run = torch.arange(segments)
        video = self.video[clips[:, None], starts[:, None] + run]
        audio = self.audio[clips[:, None], sounds[:, None] + FINER * run]
        return video.float(), audio.float(), (sounds - FINER * starts) * STEP_SAMPLES / FINER / RATE


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


def truth(tokens: Tensor, known: Tensor) -> Tensor:
    """How wrong the first two numbers of projected tokens (B, S, L, dim) are about aperture and onset."""
    return (tokens[..., : known.shape[-1]].float() - known).square().mean()


def contrast(seen: Tensor, heard: Tensor) -> Tensor:
    """The loss of the first stage for (B, S, 8, dim) and (B, S, 6, dim) projected tokens of the same segments."""
    alike = _likeness(seen.mean(2).flatten(0, 1), heard.mean(2).flatten(0, 1))
    at, centres = SEEN / SEGMENT, HEARD / SEGMENT
    share = (1 - (at[:, None] - centres).abs() * SEGMENT / 0.1).clamp(min=0)
    share = (share / share.sum(1, keepdim=True)).to(heard)
    moments = _likeness(seen.flatten(1, 2), (share @ heard).flatten(1, 2))
    time = ((torch.arange(seen.shape[1])[:, None] / 2) * SEGMENT + SEEN).flatten()
    twins = ((time[:, None] - time).abs() < 0.06) & ~torch.eye(len(time), dtype=torch.bool)
    moments = moments.masked_fill(twins.to(moments.device), -torch.inf).flatten(0, 1)
    own = torch.arange(len(time), device=moments.device).repeat(len(seen))
    whole = torch.arange(len(alike), device=alike.device)
    return (cross_entropy(alike, whole) + cross_entropy(alike.T, whole)) / 2 + cross_entropy(moments, own)


def _likeness(a: Tensor, b: Tensor) -> Tensor:
    """Cosines (..., N, N) of vectors (..., N, dim), over the temperature."""
    return normalize(a.float(), dim=-1) @ normalize(b.float(), dim=-1).mT / WARMTH


def between(offset: Tensor) -> Tensor:
    """(N,) seconds to (N, 21): each offset shared by the two classes that it lies between."""
    grid = torch.from_numpy(protocol.grid())
    apart = (offset.clamp(-2, 2)[:, None] - grid).abs() / 0.2
    return (1 - apart).clamp(min=0)


def tint(film: Tensor, source: torch.Generator) -> Tensor:
    """(T, 3, H, W) in -1..1, brighter or darker, mirrored half the time, sometimes with noise."""
    draw = torch.rand(6, generator=source)
    if draw[0] < 0.5:
        film = film.flip(-1)
    film = film * (0.7 + 0.6 * draw[1]) + 0.4 * (draw[2] - 0.5)
    if draw[3] < 0.3:
        film = film + 0.15 * draw[4] * torch.randn(film.shape, generator=source)
    return film.clamp(-1, 1)


def disturb(sound: Tensor, source: torch.Generator) -> Tensor:
    """Louder or softer by up to 10 dB, sometimes with white noise 10 to 50 dB below the sound."""
    draw = torch.rand(3, generator=source)
    sound = sound * 10 ** (draw[0] - 0.5)
    if draw[1] < 0.3:
        power = sound.square().mean().sqrt() * 10 ** (-(10 + 40 * draw[2]) / 20)
        sound = sound + power * torch.randn(sound.shape, generator=source)
    return sound
