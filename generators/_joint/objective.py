"""What a batch trains: its task, the draw of its noise, and the losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from .codec import still
from .config import ModelConfig
from .data import Batch
from .flow import noised, shift, velocity_weight, weight
from .model import JointModel
from .passes import Content
from .recipe import TrainConfig

HEARD = ("audio_words", "letters", "reading", "phase")  # the parts of a condition that the sound follows


@dataclass(frozen=True, slots=True)
class Kind:
    """What a task gives of either modality: `noisy` (it has a loss), `clean` (it drives the other), or nothing.

    `voice`: a reference voice always stands before the audio. `known`: the first half of the clip is given.
    """

    video: str | None = "noisy"
    audio: str | None = "noisy"
    voice: bool = False
    known: bool = False


KINDS: Mapping[str, Kind] = {
    "joint": Kind(),
    "audio_driven": Kind(audio="clean"),
    "video_driven": Kind(video="clean"),
    "voice": Kind(voice=True),
    "continuation": Kind(known=True),
    "audio": Kind(video=None),
    "video": Kind(audio=None),
    "stills": Kind(audio=None),  # single frames, from many clips
    "utterances": Kind(video=None),  # sounds of clips that have no pictures
}


@dataclass(frozen=True, slots=True)
class Draw:
    """The randomness of one step: noise levels (B,), noises, which items lose a text or their driver, whether a
    reference picture is shown, and the reference voices (B, Lr, C).
    """

    task: str
    s: Tensor
    video_noise: Tensor
    audio_noise: Tensor
    no_words: Tensor
    no_letters: Tensor
    no_driver: Tensor
    shown: bool = False
    voice: Tensor | None = None

    def rows(self, mine: slice) -> Draw:
        """The draw of some of the items."""
        parts: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            parts[field.name] = value[mine] if isinstance(value, Tensor) else value
        return Draw(**parts)


@dataclass(frozen=True, slots=True)
class Losses:
    """Scalars; None where the task has no loss of that kind."""

    video: Tensor | None
    audio: Tensor | None
    duration: Tensor | None
    mask: Tensor | None = None


def draw(count: int, like: Batch, task: str, config: TrainConfig, source: torch.Generator) -> Draw:
    """For `count` items shaped like those of a batch."""

    def chance(p: float, count: int = count) -> Tensor:
        return torch.rand(count, generator=source) < p

    return Draw(
        task,
        shift(torch.rand(count, generator=source), config.shift),
        torch.randn(count, *like.video.shape[1:], generator=source),
        torch.randn(count, *like.audio.shape[1:], generator=source),
        chance(config.text_dropout),
        chance(config.text_dropout),
        chance(config.anchor_p),
        bool(chance(config.image_p, 1)),
    )


def losses(model: JointModel, batch: Batch, drawn: Draw, silence: Tensor, config: TrainConfig) -> Losses:
    """The losses of one task. `silence` (1, La, C) are the latents of a silent waveform."""
    kind, s = KINDS[drawn.task], drawn.s
    w = (weight if config.weighting == "s" else velocity_weight)(s, config.floor)
    condition = batch.condition.drop(drawn.no_words, drawn.no_letters)
    known_v = batch.video.shape[2] // 2 if kind.known else 0
    known_a = round(known_v / batch.video.shape[2] * batch.audio.shape[1])
    features = model.encode(condition) if kind.audio else model.texts.picture(condition.video_words)
    video, known_v = _video(model.config, batch, drawn, kind, known_v)
    found = model(
        video,
        _audio(batch, drawn, kind, known_a, silence),
        features,
        a2v=kind.video == "noisy" or config.driven_reverse,
        v2a=kind.audio == "noisy" or config.driven_reverse,
    )
    video_loss = audio_loss = duration = None
    if kind.video == "noisy" and found.video is not None:
        video_loss = (w * video_error(found.video, batch, config, known_v)).mean()
    if kind.audio == "noisy" and found.audio is not None:
        audio_loss = (w * (found.audio - batch.audio)[:, known_a:].square().mean((1, 2))).mean()
    if kind.audio is not None and model.config.audio.speech == "aligned":
        own = batch.condition
        duration = model.texts.durations.loss(own.letters, own.audio_words, batch.durations, batch.spoken)
    return Losses(video_loss, audio_loss, duration, mask_error(found.masks, batch, model.config))


def _video(model: ModelConfig, batch: Batch, drawn: Draw, kind: Kind, known: int) -> tuple[Content | None, int]:
    """The video of a pass, and how many of its leading latents are given."""
    if kind.video is None:
        return None, 0
    clean, picture = torch.zeros_like(drawn.s), batch.video[:, :, :1]
    shown = drawn.shown and model.image_cond != "none" and drawn.task != "stills"
    reference = picture if shown and model.image_cond != "first_latent" else None
    if kind.video == "clean":
        gone = drawn.no_driver[:, None, None, None, None]
        return Content(torch.where(gone, still(batch.video), batch.video), clean, 0, reference), 0
    if shown and model.image_cond == "first_latent":
        known = max(known, 1)
    z = noised(batch.video, drawn.video_noise, drawn.s)
    z = torch.cat([batch.video[:, :, :known], z[:, :, known:]], 2) if known else z
    return Content(z, drawn.s, known, reference), known


def _audio(batch: Batch, drawn: Draw, kind: Kind, known: int, silence: Tensor) -> Content | None:
    if kind.audio is None:
        return None
    if kind.audio == "clean":
        z = torch.where(drawn.no_driver[:, None, None], silence, batch.audio)
        return Content(z, torch.zeros_like(drawn.s), 0, drawn.voice)
    z = noised(batch.audio, drawn.audio_noise, drawn.s)
    z = torch.cat([batch.audio[:, :known], z[:, known:]], 1) if known else z
    return Content(z, drawn.s, known, drawn.voice)


def video_error(guess: Tensor, batch: Batch, config: TrainConfig, known: int = 0) -> Tensor:
    """(B,) mean square error with JoVA's mouth term; the first `known` latents do not count.

    `global`: mouth elements weigh 1 + lambda. `region`: lambda times the mean over the mouth is added, far more where
    the mouth is small. Without a mouth nothing is added.
    """
    error = (guess - batch.video)[:, :, known:].square()
    mouth = batch.mouth[:, None, known:]
    if config.mouth_norm == "global":
        return (error * (1 + config.mouth_lambda * mouth)).mean((1, 2, 3, 4))
    inside = (error * mouth).sum((1, 2, 3, 4)) / (mouth.sum((1, 2, 3, 4)) * error.shape[1]).clamp_min(1)
    return error.mean((1, 2, 3, 4)) + config.mouth_lambda * inside


def mask_error(masks: Mapping[int, Tensor], batch: Batch, model: ModelConfig) -> Tensor | None:
    """UniAVGen's L_m: the square error of the face masks to the true ones, mean over tokens, sum over layers.

    Where no face is known (NaN) there is no error.
    """
    if not masks:
        return None
    p = model.patch
    truth = batch.face.unflatten(3, (-1, p)).unflatten(2, (-1, p)).mean((3, 5)).flatten(1)
    truth, known = truth.nan_to_num(), (~truth.isnan()).float()
    return torch.stack([((mask.float() - truth).square() * known).mean() for mask in masks.values()]).sum()


@torch.no_grad()
def probe(model: JointModel, batch: Batch) -> dict[str, float]:
    """Driven losses with the right driver and with the next item's: what the streams learn from each other.

    Equal numbers mean that the driver is ignored. The video error counts mouth elements alone where there are any.
    """
    source = torch.Generator().manual_seed(0)
    noise_v = torch.randn(batch.video.shape, generator=source).to(batch.video)
    noise_a = torch.randn(batch.audio.shape, generator=source).to(batch.audio)
    found = dict.fromkeys(("video_right", "video_wrong", "audio_right", "audio_wrong"), 0.0)
    clean, levels = batch.video.new_zeros(len(batch.video)), (0.5, 0.8, 0.95)
    own = batch.condition
    other = replace(own, **{name: getattr(own, name).roll(1, 0) for name in HEARD})
    mask = batch.mouth if bool(batch.mouth.any()) else torch.ones_like(batch.mouth)
    mouth = mask[:, None].expand_as(batch.video)
    for level in levels:
        s = torch.full_like(clean, level)
        noisy_v, noisy_a = noised(batch.video, noise_v, s), noised(batch.audio, noise_a, s)
        for name, audio, text in (("right", batch.audio, own), ("wrong", batch.audio.roll(1, 0), other)):
            guess = model(Content(noisy_v, s), Content(audio, clean), model.encode(text), v2a=False).video
            assert guess is not None
            error = ((guess - batch.video).square() * mouth).sum() / mouth.sum()
            found[f"video_{name}"] += float(error) / len(levels)
        for name, video in (("right", batch.video), ("wrong", batch.video.roll(1, 0))):
            heard = model(Content(video, clean), Content(noisy_a, s), model.encode(own), a2v=False).audio
            assert heard is not None
            found[f"audio_{name}"] += float((heard - batch.audio).square().mean()) / len(levels)
    return found
