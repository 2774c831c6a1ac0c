"""What decides a training besides the model: tasks, stages and rates; and a preset, which is all of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .config import ModelConfig, SampleConfig, one_of


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a mix: its name (`objective.KINDS`), its odds of being a batch's, and the weight of its loss."""

    name: str
    odds: float
    weight: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A share of a training's steps.

    `voice`: reference voices are `none`, cut from the `same` clip, or from an`other` one of the speaker. `rate` times
    the training's learning rate. `mask` is the weight of the face mask's loss at the stage's beginning and end.
    `spoken` of its batches are utterances (`TrainConfig.utterances`), for the audio stream alone. `crop`: frames of its
    cropped batches, where they are not the training's. `lean`, at the stage's beginning and end, is added to the scores
    that near tokens of the other stream have in every second head of a joint softmax.
    """

    name: str
    share: float
    mix: tuple[Task, ...]
    voice: str = "none"
    rate: float = 1.0
    mask: tuple[float, float] = (0.0, 0.0)
    spoken: float = 0.0
    crop: int = 0
    lean: tuple[float, float] = (0.0, 0.0)


CTS = (Task("joint", 0.4, 0.4), Task("audio_driven", 0.35, 0.35), Task("video_driven", 0.25, 0.25))


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Training by tasks.

    `cts_mode`: `sample` trains one task a batch, whose loss weighs weight / odds; `sum` all of the mix on every batch.
    With `driven_reverse` a clean driver also attends what it drives. `anchor_p` of the driven items hear silence or
    see a still picture. `crop_p` of the batches are cut to `crop` frames anywhere in the clip, which is cheaper.
    `stills_p` of all batches are `stills` single frames for the video stream alone: what things look like is learned
    from far more pictures than whole clips could show in the same time. `mouth_norm`: the mouth's error is summed over
    the mouth and divided by all elements (`global`) or averaged over the mouth (`region`). `weighting`: the clean
    latent's error counts as s times the velocity's (`s`) or as the velocity's (`velocity`). `floor` bounds 1 / s there.
    `image_p` and `voice_p` of the batches that can have a reference picture or voice do. `rate` is AdamW's; Muon, which
    trains the matrices of the streams, takes `muon` times it. `utterances`: how many sounds, of a large vocabulary and
    of events, are rendered without pictures. `unknown` of the clips of talkers have a voice that neither the caption
    nor the face tells.
    """

    clips: int = 4096
    utterances: int = 0
    unknown: float = 0.0
    held_out: int = 48
    steps: int = 4000
    batch: int = 16
    rate: float = 1e-3
    muon: float = 4.0
    warmup: int = 200
    cooldown: float = 0.2
    decay: float = 0.01
    ema: float = 0.995
    clip: float = 1.0
    shift: float = 5.0
    floor: float = 0.08
    weighting: str = "s"
    mouth_lambda: float = 10.0
    mouth_norm: str = "global"
    text_dropout: float = 0.1
    stages: tuple[Stage, ...] = (Stage("cts", 1.0, CTS),)
    cts_mode: str = "sample"
    driven_reverse: bool = False
    anchor_p: float = 0.1
    image_p: float = 0.5
    voice_p: float = 0.8
    crop: int = 65
    crop_p: float = 0.75
    stills: int = 256
    stills_p: float = 0.4
    probe_every: int = 250
    save_every: int = 250
    show_every: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        one_of("mouth_norm", self.mouth_norm, ("global", "region"))
        one_of("cts_mode", self.cts_mode, ("sample", "sum"))
        one_of("weighting", self.weighting, ("s", "velocity"))

    def stage_at(self, step: int, steps: int) -> tuple[Stage, float]:
        """The stage of a step and how far through it the step is, in [0, 1)."""
        whole = sum(stage.share for stage in self.stages)
        at, begun = step / max(steps, 1) * whole, 0.0
        for stage in self.stages[:-1]:
            if at < begun + stage.share:
                return stage, (at - begun) / stage.share
            begun += stage.share
        return self.stages[-1], min((at - begun) / self.stages[-1].share, 1.0)


@dataclass(frozen=True, slots=True)
class Preset:
    """A trainable model: what it is, how it is trained, and how it is sampled.

    `apart`: how its streams are trained before, each alone. The rows of an ablation begin with the same such streams.
    `goes_on`: it is no training from nothing, but from the weights of another.
    """

    model: ModelConfig
    train: TrainConfig
    sample: SampleConfig = field(default_factory=SampleConfig)
    apart: TrainConfig | None = None
    goes_on: bool = False
