"""Cross-Task Synergy: joint denoising, and each modality denoised from the other one clean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from torch import Tensor

from .codec import still
from .config import TrainConfig
from .data import Batch
from .flow import noised, shift, weight
from .model import JointModel


class Task(StrEnum):
    """What a batch trains. A driven task has a clean driver and a loss on the other modality alone; stills are single
    frames that the video stream denoises by itself.
    """

    JOINT = "joint"
    AUDIO_DRIVEN = "audio_driven"
    VIDEO_DRIVEN = "video_driven"
    STILLS = "stills"


@dataclass(frozen=True, slots=True)
class Draw:
    """The randomness of one step: noise levels (B,), noises, and which items lose a text or their driver."""

    task: Task
    s: Tensor
    video_noise: Tensor
    audio_noise: Tensor
    no_words: Tensor
    no_letters: Tensor
    no_driver: Tensor


@dataclass(frozen=True, slots=True)
class Losses:
    """Scalars; None where the task has no loss of that kind."""

    video: Tensor | None
    audio: Tensor | None
    duration: Tensor | None


def draw(batch: Batch, task: Task, config: TrainConfig, source: torch.Generator) -> Draw:
    count = len(batch.video)

    def chance(p: float) -> Tensor:
        return torch.rand(count, generator=source) < p

    return Draw(
        task,
        shift(torch.rand(count, generator=source), config.shift),
        torch.randn(batch.video.shape, generator=source),
        torch.randn(batch.audio.shape, generator=source),
        chance(config.text_dropout),
        chance(config.text_dropout),
        chance(config.anchor_p),
    )


def losses(model: JointModel, batch: Batch, drawn: Draw, silence: Tensor, config: TrainConfig) -> Losses:
    """The losses of one task. `silence` (1, La, C) are the latents of a silent waveform."""
    s, floor, clean = drawn.s, config.floor, torch.zeros_like(drawn.s)
    w = weight(s, floor)
    video, audio = batch.video, batch.audio
    if drawn.task is Task.STILLS:
        words = batch.condition.drop(drawn.no_words, drawn.no_letters).video_words
        guess = model.picture(noised(video, drawn.video_noise, s), s, words)
        return Losses((w * video_error(guess, batch, config.mouth_lambda)).mean(), None, None)
    if drawn.task is not Task.AUDIO_DRIVEN:
        audio = noised(audio, drawn.audio_noise, s)
    else:
        audio = torch.where(drawn.no_driver[:, None, None], silence, audio)
    if drawn.task is not Task.VIDEO_DRIVEN:
        video = noised(video, drawn.video_noise, s)
    else:
        video = torch.where(drawn.no_driver[:, None, None, None, None], still(video), video)
    guess_video, guess_audio = model(
        video,
        audio,
        clean if drawn.task is Task.VIDEO_DRIVEN else s,
        clean if drawn.task is Task.AUDIO_DRIVEN else s,
        model.encode(batch.condition.drop(drawn.no_words, drawn.no_letters)),
        a2v=drawn.task is not Task.VIDEO_DRIVEN,
        v2a=drawn.task is not Task.AUDIO_DRIVEN,
    )
    condition, video_loss, audio_loss = batch.condition, None, None
    if drawn.task is not Task.VIDEO_DRIVEN:
        video_loss = (w * video_error(guess_video, batch, config.mouth_lambda)).mean()
    if drawn.task is not Task.AUDIO_DRIVEN:
        audio_loss = (w * (guess_audio - batch.audio).square().mean((1, 2))).mean()
    duration = model.durations.loss(condition.letters, condition.audio_words, batch.durations, batch.spoken)
    return Losses(video_loss, audio_loss, duration)


def video_error(guess: Tensor, batch: Batch, mouth: float) -> Tensor:
    """(B,) mean square error, mouth elements weighing 1 + `mouth` (JoVA, normalised by all elements)."""
    return ((guess - batch.video).square() * (1 + mouth * batch.mouth[:, None])).mean((1, 2, 3, 4))


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
    heard = ("audio_words", "letters", "reading", "phase")
    other = replace(own, **{name: getattr(own, name).roll(1, 0) for name in heard})
    mask = batch.mouth if bool(batch.mouth.any()) else torch.ones_like(batch.mouth)
    mouth = mask[:, None].expand_as(batch.video)
    for level in levels:
        s = torch.full_like(clean, level)
        noisy_v, noisy_a = noised(batch.video, noise_v, s), noised(batch.audio, noise_a, s)
        for name, audio, text in (("right", batch.audio, own), ("wrong", batch.audio.roll(1, 0), other)):
            guess, _ = model(noisy_v, audio, s, clean, model.encode(text), v2a=False)
            error = ((guess - batch.video).square() * mouth).sum() / mouth.sum()
            found[f"video_{name}"] += float(error) / len(levels)
        for name, video in (("right", batch.video), ("wrong", batch.video.roll(1, 0))):
            _, guess = model(video, noisy_a, clean, s, model.encode(own), a2v=False)
            found[f"audio_{name}"] += float((guess - batch.audio).square().mean()) / len(levels)
    return found
