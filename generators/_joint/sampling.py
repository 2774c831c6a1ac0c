"""Sampling: from noise to a clip, guided, alone or with one modality, a picture, a voice or a beginning given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avbench.products import inference

from .codec import still
from .config import SampleConfig
from .encoders import Features, WanCondition
from .flow import grid, guided, late_grid, projected, renoised
from .model import JointModel
from .passes import Content, Drivers, Rows
from .text import Condition
from .timemap import Timeline
from .tokens import AUDIO_RATE, FPS, audio_tokens
from .vocoder import Vocoder
from .weights import Codecs


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of one clip: `video` (1, C, F, h, w) and `audio` (1, La, C), and the seed of what churn draws later."""

    video: Tensor
    audio: Tensor
    later: int

    @classmethod
    def of(cls, seed: int, model: JointModel, frames: int) -> Noise:
        """Of a model of the tiny sizes."""
        config, cells = model.config, model.config.size // 8
        video = (1, config.video_channels, Timeline(frames, 1).latents, cells, cells)
        return cls.drawn(seed, video, (1, audio_tokens(frames), config.audio_channels))

    @classmethod
    def drawn(cls, seed: int, video: tuple[int, ...], audio: tuple[int, ...]) -> Noise:
        """Drawn on the CPU, so that it is the same on every device."""
        source = torch.Generator().manual_seed(seed)
        return cls(torch.randn(*video, generator=source), torch.randn(*audio, generator=source), seed ^ 0x9E3779B9)


@dataclass(frozen=True, slots=True)
class Given:
    """What a clip is made from besides noise and texts, all of it as clean latents with a batch of one.

    `audio` drives the video, `video` drives the audio (not both). `picture` (1, C, 1, h, w) is a reference image and
    `voice` (1, Lr, C) a reference voice, for models that were trained with them. `first_video` and `first_audio` are
    the beginning of a clip to go on from.
    """

    video: Tensor | None = None
    audio: Tensor | None = None
    picture: Tensor | None = None
    voice: Tensor | None = None
    first_video: Tensor | None = None
    first_audio: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Guided:
    """A guided step: the clean estimates of the video (1, C, F, h, w), at level `s`, and what became of them."""

    step: int
    kind: str
    s: float
    conditional: Tensor
    negative: Tensor
    guided: Tensor


Watch = Callable[[Guided], None]
Still = Callable[[Tensor], Tensor]


@inference()
def sample(
    model: JointModel,
    condition: Condition | WanCondition,
    noise: Noise,
    silence: Tensor,
    config: SampleConfig,
    given: Given = Given(),
    watch: Watch | None = None,
    still: Still = still,
) -> tuple[Tensor, Tensor]:
    """From noise to clean latents. `silence` (1, La, C) is a silent waveform; `watch` sees every guided step.

    A batched call a step holds the conditional pass and the negative ones. Drivers' states are computed once; SyncCFG's
    still one is the picture given, else the first frame of the clean estimate, taken anew every `anchor_every` steps;
    `still` makes latents of a static video from the first frame of others.
    """
    video, audio = noise.video.to(silence), noise.audio.to(silence)
    source = torch.Generator().manual_seed(noise.later)
    half = silence.is_cuda or any(p.dtype == torch.bfloat16 for p in model.parameters())
    with torch.autocast(silence.device.type, torch.bfloat16, enabled=half):
        guide = _Guide(model, condition, silence, config, given, watch, still)
        levels = (grid if config.grid == "wan" else late_grid)(config.steps, config.shift).to(video)
        video, audio = guide.held(video, audio)
        for i, (s, following) in enumerate(pairwise(levels)):
            guess, voice = guide(i, s, video, audio)
            fresh_v, fresh_a = (torch.randn(z.shape, generator=source).to(z) for z in (video, audio))
            if guess is not None:
                video = renoised(video, guess, s, following, fresh_v, config.churn)
            if voice is not None:
                audio = renoised(audio, voice, s, following, fresh_a, config.churn)
            video, audio = guide.held(video, audio)
    return video if given.video is None else given.video, audio if given.audio is None else given.audio


class _Guide:
    """The guided clean estimates of a step."""

    def __init__(
        self,
        model: JointModel,
        condition: Condition | WanCondition,
        silence: Tensor,
        config: SampleConfig,
        given: Given,
        watch: Watch | None,
        still: Still,
    ) -> None:
        self.still = still
        self.model, self.config, self.given, self.watch = model, config, given, watch
        self.silence, self.guess = silence, given.picture
        self.features: Features = model.encode(condition)
        negative = self.features
        if config.guidance != "sync" or config.neg_text == "empty" or config.outside == "text":
            negative = model.encode(condition.empty())
        self.pair = {kind: self.features.then(negative) for kind in ("text", "modality")}
        self.pair["sync"] = self.features.repeat(2) if config.neg_text == "keep" else self.pair["text"]
        shown = model.config.image_cond in ("channel_concat", "ref_frame")
        self.picture = given.picture if shown else None
        self.first_video = given.picture if model.config.image_cond == "first_latent" else None
        self.first_video = self.first_video if given.first_video is None else given.first_video
        self.mute = self.seen = self.driver = None
        if config.guidance == "sync" and given.video is None:
            self.mute = self._drive(None, silence)
        if given.audio is not None:
            self.driver = self._drive(None, given.audio)
        elif given.video is not None:
            self.driver = self._drive(given.video, None)
            if config.guidance == "sync":
                self.seen = self._drive(still(given.video), None)

    def held(self, video: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        """The latents with what is given put in place."""
        first_v, first_a = self.first_video, self.given.first_audio
        if first_v is not None:
            video = torch.cat([first_v.to(video), video[:, :, first_v.shape[2] :]], 2)
        if first_a is not None:
            audio = torch.cat([first_a.to(audio), audio[:, first_a.shape[1] :]], 1)
        return video, audio

    def __call__(self, i: int, s: Tensor, video: Tensor, audio: Tensor) -> tuple[Tensor | None, Tensor | None]:
        kind = self.config.guidance if self._inside(i, float(s)) else self.config.outside
        picture, sound = self._video(video, s), self._audio(audio, s)
        if kind == "sync" and self.driver is None and (self.seen is None or i % self.config.anchor_every == 0):
            if self.guess is None:  # pure noise has no first frame yet: estimate one
                self.guess = self.model(picture, sound, self.features).video
            self.seen = self._drive(self._still(video), None)
        n = 1 if kind == "none" else 2
        found = self.model(
            None if self.given.video is not None else picture.repeat(n),
            None if self.given.audio is not None else sound.repeat(n),
            self.features if n == 1 else self.pair[kind],
            rows=self._rows(kind, n),
        )
        guess = self._mix(kind, found.video, self.config.s_v)
        if self.watch is not None and kind != "none" and found.video is not None and guess is not None:
            self.watch(Guided(i, kind, float(s), found.video[:1], found.video[1:], guess))
        if self.given.picture is None:
            self.guess = guess
        return guess, self._mix(kind, found.audio, self.config.s_a)

    def _rows(self, kind: str, n: int) -> Rows:
        """What the conditional row and the negative one meet."""
        layer = self.config.slg_layer
        skip = None if layer is None or kind != "text" else (layer, 1)
        if self.driver is None:
            live = 1 if kind in ("sync", "modality") else None
            return Rows(live, self.mute, self.seen, skip) if kind == "sync" else Rows(live, skip=skip)
        heard = self.given.audio is not None
        states = self.driver
        if n == 2 and kind != "modality":
            negative = (self.mute if heard else self.seen) if kind == "sync" else self.driver
            assert negative is not None
            states = states.then(negative)
        return Rows(0, states if heard else None, None if heard else states, skip)

    def _mix(self, kind: str, clean: Tensor | None, scale: float) -> Tensor | None:
        if clean is None or kind == "none":
            return clean
        if kind == "text" and self.config.apg:
            return projected(clean[:1], clean[1:], scale)
        return guided(clean[:1], clean[1:], scale)

    def _inside(self, i: int, s: float) -> bool:
        """Does guidance act at step `i`? A step belongs to where it starts."""
        low, high = self.config.interval
        at = 1 - i / self.config.steps if self.config.interval_on == "fraction" else s
        return low < at <= high

    def _still(self, like: Tensor) -> Tensor:
        """The latents of a static video of the guessed first frame, as long as others."""
        assert self.guess is not None
        return self.still(self.guess.expand(-1, -1, like.shape[2], -1, -1) if self.guess.shape[2] == 1 else self.guess)

    def _drive(self, video: Tensor | None, audio: Tensor | None) -> Drivers:
        """The offers of a clean stream."""
        zero = self.silence.new_zeros(1)
        picture = None if video is None else Content(video, zero, 0, self.picture)
        sound = None if audio is None else Content(audio, zero, 0, self.given.voice)
        return self.model.drive(picture, sound, self.features)

    def _video(self, z: Tensor, s: Tensor) -> Content:
        return Content(z, s[None], 0 if self.first_video is None else self.first_video.shape[2], self.picture)

    def _audio(self, z: Tensor, s: Tensor) -> Content:
        first = self.given.first_audio
        return Content(z, s[None], 0 if first is None else first.shape[1], self.given.voice)


def pixels(codecs: Codecs, video: Tensor) -> NDArray[np.uint8]:
    """(1, C, F, h, w) latents to (T, H, W, 3) uint8 RGB."""
    frames = codecs.video.decode(video)[0].permute(1, 2, 3, 0)
    return ((frames + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def waveform(codecs: Codecs, audio: Tensor, frames: int, vocoder: Vocoder | None = None) -> NDArray[np.float32]:
    """(1, La, C) latents to samples at 16 kHz, as long as the frames."""
    return codecs.audio.decode(audio, frames * AUDIO_RATE // FPS, vocoder)[0].cpu().numpy()
