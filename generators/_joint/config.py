"""What decides a joint model, its sampling and its training: plain dataclasses. `presets` has the values of each."""

from __future__ import annotations

from dataclasses import dataclass

from avbench.errors import UsageError

from .text import SPELLINGS

ATTENTIONS = ("global", "segment", "window", "interp")
MIXTURES = ("joint", "parallel", "parallel_linear")  # these change self-attention itself
POSITIONS = ("before_self_attn", "before_cross_attn", "before_ffn")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} is {value!r}; known: {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class Interaction:
    """How the streams meet.

    `a2v` (video hears audio) and `v2a` (audio sees video): `none`; cross-attention that is `global`, `segment` (own
    frames only), `window` (`window` latents wider a side for a2v, `v2a_margin` for v2a) or, v2a only, `interp`
    (latents interpolated in time); or a mixture: `joint` softmax, `parallel`, `parallel_linear`.
    `layers`: `all`, `first_half`, `last_half`, `interleaved` (odd ones) or a tuple. `rope`: `aligned` maps the source's
    times to the target's by `time_map` (`uniform`, Harmony; `exact`), `raw` does not, `none` rotates nothing;
    `xattn_rope`: `temporal` band only, or `wan3d` for the video's side. `fam` is UniAVGen's face mask. `compat` is
    `sora2-mini` for UniAVGen's released weights: keys turn inside each window, the face mask stands before W_o, and a
    reference voice has the noise level of the sound.
    """

    a2v: str = "window"
    v2a: str = "window"
    window: float = 0.5
    v2a_margin: int = 1
    time_map: str = "uniform"
    layers: str | tuple[int, ...] = "all"
    position: str = "before_self_attn"
    rope: str = "aligned"
    xattn_rope: str = "temporal"
    pre_norm: bool = True
    residual_in_wo: bool = False
    global_style: bool = True
    fam: str = "off"
    fam_head: str = "affine"
    v2a_interp: str = "frame_ramp"
    linear_init: str = "zero"
    compat: str = ""

    def __post_init__(self) -> None:
        ways = ("none", *ATTENTIONS, *MIXTURES)
        _one_of("a2v", self.a2v, tuple(way for way in ways if way != "interp"))
        _one_of("v2a", self.v2a, ways)
        _one_of("time_map", self.time_map, ("uniform", "exact"))
        _one_of("position", self.position, POSITIONS)
        _one_of("rope", self.rope, ("aligned", "raw", "none"))
        _one_of("xattn_rope", self.xattn_rope, ("temporal", "wan3d"))
        _one_of("fam", self.fam, ("off", "unsup", "fixed", "decay"))
        _one_of("fam_head", self.fam_head, ("affine", "adaln"))
        _one_of("v2a_interp", self.v2a_interp, ("latent_ramp", "frame_ramp"))
        _one_of("compat", self.compat, ("", "sora2-mini"))
        if self.compat and (self.a2v, self.v2a, self.rope) != ("window", "interp", "aligned"):
            raise UsageError("compat sora2-mini is of a2v window, v2a interp and aligned rotations")
        _one_of("linear_init", self.linear_init, ("zero", "identity", "default"))

    def at(self, layers: int) -> tuple[int, ...]:
        """The layers, of so many, where the streams meet."""
        if not isinstance(self.layers, str):
            return tuple(self.layers)
        ranges = {
            "all": range(layers),
            "first_half": range(layers // 2),
            "last_half": range(layers - layers // 2, layers),
            "interleaved": range(1, layers, 2),
        }
        _one_of("layers", self.layers, tuple(ranges))
        return tuple(ranges[self.layers])


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """The audio stream; 0 means: as the video stream.

    `text`: captions (and letters, where `speech` is `text`) reach it by `cross`-attention (UniAVGen), `concat` with its
    own tokens (Harmony) or as text streams of a `joint` attention (JoVA; the video stream then reads the same way).
    `speech`: `aligned` adds each token's letter by predicted durations, `text` leaves the timing to attention,
    `caption` means that the caption contains it (full size). Without `captioned` the stream reads letters alone.
    `spelling` of English at the tiny sizes: its `letters`, or its `sounds` (`text`).
    """

    width: int = 0
    heads: int = 0
    ffn: float = 0
    text: str = "cross"
    speech: str = "aligned"
    embed: str = "linear"
    captioned: bool = True
    spelling: str = "letters"

    def __post_init__(self) -> None:
        _one_of("audio.spelling", self.spelling, SPELLINGS)
        _one_of("audio.text", self.text, ("cross", "concat", "joint"))
        _one_of("audio.speech", self.speech, ("aligned", "text", "caption"))
        _one_of("audio.embed", self.embed, ("linear", "mlp"))


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A dual-stream transformer. At the tiny sizes pixels are `size` squared at 25 fps, audio is 16 kHz mono.

    `captions`: `words` are hashed and learned, `features` come from umT5 (`text_width`). `image_cond`: how a reference
    image enters. `voice`: a reference voice may stand before the audio, else `null_tokens` learned ones do. `predict`:
    the network's output is the `clean` latent or the `velocity`; `skip` adds the gated noisy input to it. `token_rate`:
    audio tokens a frame.
    """

    size: int = 64
    frames: int = 101
    video_channels: int = 48
    audio_channels: int = 40
    patch: int = 2
    width: int = 192
    heads: int = 6
    layers: int = 4
    ffn: float = 4
    words: int = 2048
    null_tokens: int = 8
    interaction: Interaction = Interaction()
    audio: AudioConfig = AudioConfig()
    image_cond: str = "none"
    voice: bool = False
    predict: str = "clean"
    skip: bool = True
    captions: str = "words"
    text_width: int = 4096
    token_rate: float = 1.25

    def __post_init__(self) -> None:
        _one_of("image_cond", self.image_cond, ("none", "first_latent", "channel_concat", "ref_frame"))
        _one_of("predict", self.predict, ("clean", "velocity"))
        _one_of("captions", self.captions, ("words", "features"))
        mixed = {self.interaction.a2v, self.interaction.v2a} & set(MIXTURES)
        if mixed and (self.width, self.heads) != (self.audio_width, self.audio_heads):
            raise UsageError(f"{mixed.pop()} attention needs streams of one width and number of heads")

    @property
    def audio_width(self) -> int:
        return self.audio.width or self.width

    @property
    def audio_heads(self) -> int:
        return self.audio.heads or self.heads

    @property
    def mixed(self) -> bool:
        """Do the streams share self-attention (and so a time axis in their own rotations)?"""
        return bool({self.interaction.a2v, self.interaction.v2a} & set(MIXTURES))


@dataclass(frozen=True, slots=True)
class SampleConfig:
    """How a clip is sampled.

    `guidance`: `none`; `text` (away from empty texts); `sync` (SyncCFG: away from a mute and a still other modality;
    the still one is taken anew from the clean estimate every `anchor_every` steps); `modality` (away from the streams
    apart and without texts). It acts while `interval_on` (`fraction` of the steps left, or the noise level `s`) is in
    `interval`, excluding its low end; elsewhere `outside` (`none`, or `text` at the same scales) does.
    `churn` is the share of the remaining noise that is drawn anew every step (eta of DDIM): 0 is Euler. A small model's
    errors do not pile up that way. `neg_text`: whether SyncCFG's negatives `keep` the texts or have `empty` ones.
    `slg_layer`: this block is skipped in text-guided negatives. `apg`: project the guidance of `text` (Sadat 2024).
    """

    steps: int = 20
    shift: float = 5.0
    s_v: float = 1.5
    s_a: float = 1.5
    anchor_every: int = 5
    churn: float = 1.0
    guidance: str = "sync"
    grid: str = "wan"
    interval: tuple[float, float] = (0.0, 1.0)
    interval_on: str = "fraction"
    outside: str = "none"
    neg_text: str = "keep"
    slg_layer: int | None = None
    apg: bool = False

    def __post_init__(self) -> None:
        _one_of("guidance", self.guidance, ("none", "text", "sync", "modality"))
        _one_of("grid", self.grid, ("wan", "uniavgen"))
        _one_of("interval_on", self.interval_on, ("fraction", "s"))
        _one_of("outside", self.outside, ("none", "text"))
        _one_of("neg_text", self.neg_text, ("keep", "empty"))


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
    cropped batches, where they are not the training's.
    """

    name: str
    share: float
    mix: tuple[Task, ...]
    voice: str = "none"
    rate: float = 1.0
    mask: tuple[float, float] = (0.0, 0.0)
    spoken: float = 0.0
    crop: int = 0


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
    of events, are rendered without pictures.
    """

    clips: int = 4096
    utterances: int = 0
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
        _one_of("mouth_norm", self.mouth_norm, ("global", "region"))
        _one_of("cts_mode", self.cts_mode, ("sample", "sum"))
        _one_of("weighting", self.weighting, ("s", "velocity"))

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
    sample: SampleConfig = SampleConfig()
    apart: TrainConfig | None = None
    goes_on: bool = False
