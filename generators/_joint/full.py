"""Presets at full size: the video stream is Wan2.2-TI2V-5B's or Wan2.1-T2V-1.3B's, the audio stream beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from .config import AudioConfig, ModelConfig, SampleConfig
from .encoders import F5_LETTERS, WanCondition
from .model import JointModel
from .passes import Content
from .presets import HARMONY, JOVA, UNIAVGEN
from .timemap import STRIDE


@dataclass(frozen=True, slots=True)
class Full:
    """A model, how it is sampled, and the clip it is meant for: pixels, frames, and the VAE's spatial stride.

    `released`: its weights are UniAVGen's, with the quirks of their code; it makes clips of `frames` only.
    """

    name: str
    model: ModelConfig
    sample: SampleConfig
    height: int
    width: int
    frames: int
    fps: float
    stride: int
    released: bool = False

    def tokens_of(self, frames: float) -> int:
        """Audio tokens of so many frames, the last one padded."""
        return math.ceil(frames * self.model.token_rate - 1e-6)

    def latents_of(self, frames: int) -> tuple[int, int, int, int, int]:
        """The shape of a clip's video latents."""
        cells = (self.height // self.stride, self.width // self.stride)
        return (1, self.model.video_channels, 1 + (frames - 1) // STRIDE, *cells)

    def batch(self, rows: int, device: str) -> tuple[Content, Content, WanCondition]:
        """Empty inputs of `rows` clips."""
        model, s = self.model, torch.zeros(rows, device=device)
        video = torch.zeros(rows, *self.latents_of(self.frames)[1:], device=device)
        audio = torch.zeros(rows, self.tokens_of(self.frames), model.audio_channels, device=device)
        text = torch.zeros(rows, 512, model.text_width, device=device)
        letters = torch.full((rows, 256), F5_LETTERS - 1, device=device) if model.audio.speech == "text" else None
        return Content(video, s), Content(audio, s), WanCondition(text, text, letters)


_WAN_5B = ModelConfig(
    video_channels=48, audio_channels=20, width=3072, heads=24, layers=30, ffn=14336 / 3072, predict="velocity",
    skip=False, captions="features", token_rate=31.25 / 24,
)  # fmt: skip
_WAN_1B = replace(_WAN_5B, video_channels=16, width=1536, heads=12, ffn=8960 / 1536, token_rate=31.25 / 16)
_AUDIO_1B = AudioConfig(width=1536, heads=12, ffn=8960 / 1536)
_EULER = SampleConfig(steps=50, churn=0.0, guidance="text", s_v=10.0, s_a=10.0)

_HARMONY = replace(
    _WAN_5B,
    interaction=replace(HARMONY.model.interaction, time_map="uniform"),
    audio=replace(_AUDIO_1B, text="concat", speech="text"),
    image_cond="first_latent",
    voice=True,
)
_JOVA = replace(
    _WAN_5B,
    interaction=JOVA.model.interaction,
    audio=AudioConfig(speech="caption"),
    image_cond="channel_concat",
    null_tokens=0,
)
_UNIAVGEN = replace(
    _WAN_5B,
    audio_channels=80,
    interaction=replace(
        UNIAVGEN.model.interaction,
        residual_in_wo=False,
        fam_head="adaln",
        xattn_rope="wan3d",
        a2v="window",
        compat="sora2-mini",
    ),
    audio=replace(_AUDIO_1B, speech="text", embed="mlp", captioned=False),
    image_cond="ref_frame",
    voice=True,
    null_tokens=0,
    token_rate=506 / 81,
)

_SYNC = replace(_EULER, steps=40, guidance="sync", s_v=3.0, s_a=2.0, anchor_every=10)
_WAN_1B_SHAPE = ("video_channels", "width", "heads", "ffn", "token_rate")

FULL: dict[str, dict[str, Full]] = {
    "harmony": {
        "harmony-5b": Full("harmony-5b", _HARMONY, _SYNC, 704, 1280, 121, 24, 16),
        "harmony-1.3b": Full(
            "harmony-1.3b",
            replace(_HARMONY, **{name: getattr(_WAN_1B, name) for name in _WAN_1B_SHAPE}),
            _SYNC, 480, 832, 81, 16, 8,
        ),
    },
    "jova": {"jova-5b": Full("jova-5b", _JOVA, _EULER, 704, 1280, 121, 24, 16)},
    "uniavgen": {
        "uniavgen-7b": Full(
            "uniavgen-7b",
            _UNIAVGEN,
            replace(_EULER, guidance="modality", s_v=3.0, s_a=2.0, interval=(0.5, 1.0), grid="uniavgen"),
            704, 1280, 81, 16, 16, released=True,
        )
    },
}  # fmt: skip


def empty(config: ModelConfig) -> JointModel:
    """The model on the meta device: shapes without memory, to be filled from a checkpoint."""
    with torch.device("meta"):
        return JointModel(config)
