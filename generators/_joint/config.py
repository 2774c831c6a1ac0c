"""What decides a joint model, its sampling and its training: plain dataclasses and a flat table of presets."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Interaction:
    """How the streams meet. `a2v` and `v2a`: `none` or `window` (frame-wise local attention, RoPE-aligned).

    `window` is latents each side for a2v; `v2a_margin` latents each side for v2a. `time_map` is `uniform` (Harmony)
    or `exact`.
    """

    a2v: str = "window"
    v2a: str = "window"
    window: float = 0.5
    v2a_margin: int = 1
    time_map: str = "uniform"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A dual-stream transformer. Pixels are `size` squared at 25 fps; audio is 16 kHz mono."""

    size: int = 64
    frames: int = 101
    video_channels: int = 48
    audio_channels: int = 40
    patch: int = 2
    width: int = 192
    heads: int = 6
    layers: int = 4
    ffn: int = 4
    words: int = 2048
    null_tokens: int = 8
    interaction: Interaction = Interaction()


@dataclass(frozen=True, slots=True)
class SampleConfig:
    """SyncCFG sampling. The static-video anchor is taken anew from the clean estimate every `anchor_every` steps.

    `churn` is the share of the remaining noise that is drawn anew every step (eta of DDIM): 0 is Euler. A small model's
    errors do not pile up that way.
    """

    steps: int = 20
    shift: float = 5.0
    s_v: float = 1.5
    s_a: float = 1.5
    anchor_every: int = 5
    churn: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """CTS training with one task a batch (`cts_mode: sample`).

    `cts_p` are the odds of joint, audio-driven and video-driven batches and `cts_lambda` the weights of the three
    losses; a batch weighs lambda / p. `anchor_p` of the driven items hear silence or see a still picture.
    `crop_p` of the batches are cut to `crop` frames anywhere in the clip, which is cheaper. `stills_p` of all
    batches are `stills` single frames for the video stream alone: what things look like is learned from far more
    pictures than whole clips could show in the same time.
    """

    clips: int = 4096
    held_out: int = 48
    steps: int = 4000
    batch: int = 16
    rate: float = 1e-3
    warmup: int = 200
    cooldown: float = 0.2
    decay: float = 0.01
    ema: float = 0.995
    clip: float = 1.0
    shift: float = 5.0
    floor: float = 0.08
    mouth_lambda: float = 10.0
    text_dropout: float = 0.1
    cts_p: tuple[float, float, float] = (0.4, 0.35, 0.25)
    cts_lambda: tuple[float, float, float] = (0.4, 0.35, 0.25)
    anchor_p: float = 0.1
    crop: int = 65
    crop_p: float = 0.75
    stills: int = 256
    stills_p: float = 0.4
    probe_every: int = 250
    save_every: int = 250
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Preset:
    model: ModelConfig
    train: TrainConfig


TINY = Preset(ModelConfig(interaction=Interaction(time_map="exact")), TrainConfig())
NANO = Preset(
    replace(TINY.model, size=32, frames=33, width=96, heads=3, layers=3),
    TrainConfig(clips=64, held_out=8, steps=20, batch=4, crop=17, stills=16, warmup=5, probe_every=10, save_every=10),
)
PRESETS = {"tiny": TINY, "nano": NANO}
