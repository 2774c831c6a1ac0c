"""What decides a joint model and its sampling: plain dataclasses. `recipe` has what decides a training."""

from __future__ import annotations

from dataclasses import dataclass

from avbench.errors import UsageError

from .text import SPELLINGS

ATTENTIONS = ("global", "segment", "window", "interp")
MIXTURES = ("joint", "parallel", "parallel_linear")  # these change self-attention itself
POSITIONS = ("before_self_attn", "before_cross_attn", "before_ffn")


def one_of(name: str, value: str, known: tuple[str, ...]) -> None:
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
        one_of("a2v", self.a2v, tuple(way for way in ways if way != "interp"))
        one_of("v2a", self.v2a, ways)
        one_of("time_map", self.time_map, ("uniform", "exact"))
        one_of("position", self.position, POSITIONS)
        one_of("rope", self.rope, ("aligned", "raw", "none"))
        one_of("xattn_rope", self.xattn_rope, ("temporal", "wan3d"))
        one_of("fam", self.fam, ("off", "unsup", "fixed", "decay"))
        one_of("fam_head", self.fam_head, ("affine", "adaln"))
        one_of("v2a_interp", self.v2a_interp, ("latent_ramp", "frame_ramp"))
        one_of("compat", self.compat, ("", "sora2-mini"))
        if self.compat and (self.a2v, self.v2a, self.rope) != ("window", "interp", "aligned"):
            raise UsageError("compat sora2-mini is of a2v window, v2a interp and aligned rotations")
        one_of("linear_init", self.linear_init, ("zero", "identity", "default"))

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
        one_of("layers", self.layers, tuple(ranges))
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
        one_of("audio.spelling", self.spelling, SPELLINGS)
        one_of("audio.text", self.text, ("cross", "concat", "joint"))
        one_of("audio.speech", self.speech, ("aligned", "text", "caption"))
        one_of("audio.embed", self.embed, ("linear", "mlp"))


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
        one_of("image_cond", self.image_cond, ("none", "first_latent", "channel_concat", "ref_frame"))
        one_of("predict", self.predict, ("clean", "velocity"))
        one_of("captions", self.captions, ("words", "features"))
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
    `vocoder` of the tiny sizes: `trained` tells the magnitudes of the sound (`vocoder`), `griffin_lim` leaves them as
    smooth as the mel bands.
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
    vocoder: str = "trained"

    def __post_init__(self) -> None:
        one_of("vocoder", self.vocoder, ("trained", "griffin_lim"))
        one_of("guidance", self.guidance, ("none", "text", "sync", "modality"))
        one_of("grid", self.grid, ("wan", "uniavgen"))
        one_of("interval_on", self.interval_on, ("fraction", "s"))
        one_of("outside", self.outside, ("none", "text"))
        one_of("neg_text", self.neg_text, ("keep", "empty"))
