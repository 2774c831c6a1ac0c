"""Flat tables of presets: the three systems at the tiny and nano sizes."""

from __future__ import annotations

from dataclasses import replace

from .config import AudioConfig, Interaction, ModelConfig, SampleConfig
from .recipe import CTS, Preset, Stage, Task, TrainConfig

_NANO_TRAIN = TrainConfig(
    clips=64, held_out=8, steps=20, batch=4, crop=17, stills=16, warmup=5, probe_every=10, save_every=10, show_every=20
)


def _further(tiny: Preset, *stages: Stage, voice_p: float | None = None) -> Preset:
    """A training that goes on from weights of `tiny`, or of one that spelled otherwise, also by sounds alone."""
    train = replace(
        tiny.train,
        utterances=12_288,
        steps=round(sum(stage.share for stage in stages)),
        stills=128,
        stills_p=0.25,
        crop=33,
        crop_p=0.9,
        probe_every=500,
        stages=stages,
        voice_p=tiny.train.voice_p if voice_p is None else voice_p,
    )
    return replace(tiny, train=train, goes_on=True)


# The papers begin with a trained video model; here each system has a stage in which its video stream learns alone.
# Harmony's own: the audio stream with a reference voice from the same clip, then from another one; cross-task synergy.
HARMONY = Preset(
    ModelConfig(
        interaction=Interaction(time_map="exact"),
        audio=AudioConfig(spelling="sounds"),
        voice=True,
        image_cond="first_latent",
    ),
    TrainConfig(
        unknown=0.4,
        steps=4000,
        image_p=0.3,
        voice_p=0.4,
        stages=(
            Stage("audio", 0.25, (Task("audio", 1, 1),), voice="same"),
            Stage("timbre", 0.1, (Task("audio", 1, 1),), voice="other"),
            Stage("video", 0.15, (Task("video", 1, 1),)),
            Stage("cts", 0.5, CTS, voice="other"),
        ),
    ),
)

# What ships goes on from weights of that: words and voices first, from sounds without pictures.
HARMONY_FURTHER = _further(
    HARMONY,
    Stage("audio", 3200, (Task("audio", 1, 1),), voice="same", spoken=0.7),
    Stage("timbre", 1600, (Task("audio", 1, 1),), voice="other", spoken=0.7),
    Stage("cts", 3600, CTS, voice="other", spoken=0.25),
)

# And on from that: voices told by a second of another utterance, most of them of strangers.
HARMONY_VOICES = _further(
    HARMONY,
    Stage("timbre", 3200, (Task("audio", 1, 1),), voice="other", spoken=0.7),
    Stage("cts", 2400, CTS, voice="other", spoken=0.25),
    voice_p=0.8,
)

# The paper stops at joint steps. From an hour of these a tiny model learns no lip sync: cross-task synergy follows.
JOVA = Preset(
    ModelConfig(
        interaction=Interaction(a2v="joint", v2a="joint", time_map="uniform", global_style=False),
        audio=AudioConfig(text="joint", spelling="sounds"),
        image_cond="channel_concat",
        null_tokens=0,
    ),
    TrainConfig(
        unknown=0.4,
        steps=4300,
        stills=128,
        mouth_lambda=5.0,
        image_p=0.2,
        anchor_p=0.0,
        stages=(
            Stage("audio", 1260, (Task("audio", 1, 1),)),
            Stage("video", 840, (Task("video", 1, 1),)),
            Stage("joint", 1140, (Task("joint", 1, 1),)),
            Stage("driven", 1060, CTS),
        ),
    ),
    SampleConfig(guidance="text", s_v=3.0, s_a=3.0),
)

# In a short crop one softmax has few tokens to find the sound of a picture among.
_DRIVEN = (Task("joint", 0.3, 0.3), Task("audio_driven", 0.45, 0.45), Task("video_driven", 0.25, 0.25))
JOVA_FURTHER = _further(
    JOVA,
    Stage("audio", 1800, (Task("audio", 1, 1),), spoken=0.7),
    Stage("near", 3000, _DRIVEN, spoken=0.1, crop=17),
    Stage("driven", 1200, _DRIVEN, spoken=0.1),
)
# At first each picture is shown where its sound is: scores of near tokens are raised, ever less.
JOVA_LIPS = _further(
    JOVA,
    Stage("leaning", 2000, _DRIVEN, spoken=0.05, crop=17, lean=(4.0, 1.0)),
    Stage("leaving", 900, _DRIVEN, spoken=0.1, lean=(1.0, 0.0)),
    Stage("driven", 700, _DRIVEN, spoken=0.1),
)
JOVA_DRIVEN = _further(
    JOVA,
    Stage("leaving", 800, _DRIVEN, spoken=0.12, lean=(1.0, 0.0)),
    Stage("driven", 2400, _DRIVEN, spoken=0.12),
)

# The paper's five tasks come 4:1:1:2:2, at 0.7 of the rate. Here lips are learned from nothing: sound leads more often.
_FIVE = (
    Task("joint", 0.3, 0.3),
    Task("voice", 0.1, 0.1),
    Task("continuation", 0.1, 0.1),
    Task("video_driven", 0.1, 0.1),
    Task("audio_driven", 0.4, 0.4),
)

# The paper's, which ablations keep. At 3 for the sound fewer of the tiny model's clips were silent on the way (docs).
_MODALITY = SampleConfig(guidance="modality", s_v=3.0, s_a=2.0, interval=(0.5, 1.0))

UNIAVGEN = Preset(
    ModelConfig(
        layers=6,
        interaction=Interaction(
            v2a="interp",
            time_map="exact",
            layers="interleaved",
            pre_norm=False,
            residual_in_wo=True,
            global_style=False,
            fam="decay",
        ),
        audio=AudioConfig(width=128, heads=4, ffn=4, spelling="sounds"),
        image_cond="ref_frame",
        voice=True,
        null_tokens=0,
    ),
    TrainConfig(
        unknown=0.4,
        steps=5600,
        stills=128,
        crop=33,
        anchor_p=0.0,
        image_p=0.3,
        voice_p=0.4,
        probe_every=700,
        show_every=1400,
        stages=(
            Stage("audio", 1300, (Task("audio", 1, 1),), voice="same"),
            Stage("video", 450, (Task("video", 1, 1),)),
            Stage("joint", 450, (Task("joint", 1, 1),), mask=(0.1, 0.0)),
            Stage("tasks", 3400, _FIVE, voice="other"),
        ),
    ),
    replace(_MODALITY, s_a=3.0),
)

UNIAVGEN_FURTHER = _further(
    UNIAVGEN,
    Stage("audio", 1400, (Task("audio", 1, 1),), voice="same", spoken=0.7),
    Stage("timbre", 600, (Task("audio", 1, 1),), voice="other", spoken=0.7),
    Stage("tasks", 1600, _FIVE, voice="other", spoken=0.2),
)
UNIAVGEN_VOICES = _further(
    UNIAVGEN,
    Stage("timbre", 1000, (Task("audio", 1, 1),), voice="other", spoken=0.5),
    Stage("tasks", 1800, _FIVE, voice="other", spoken=0.2),
    voice_p=0.8,
)


def nano(tiny: Preset) -> Preset:
    """The same system at 32 x 32 pixels and 1.3 s, of width 96: for tests and for grids of ablations."""
    audio = tiny.model.audio
    if audio.width:
        audio = replace(audio, width=64, heads=2)
    model = replace(
        tiny.model, size=32, frames=33, width=96, heads=3, layers=4 if tiny.model.layers > 4 else 3, audio=audio
    )
    return Preset(
        model,
        replace(
            tiny.train,
            **{
                name: getattr(_NANO_TRAIN, name)
                for name in (
                    "clips", "held_out", "steps", "batch", "crop", "stills", "warmup", "probe_every", "save_every",
                    "show_every",
                )
            },
        ),
        tiny.sample,
    )  # fmt: skip


def grid(tiny: Preset) -> Preset:
    """What a row of an ablation is trained as: 48 x 48 pixels and 2.6 s, of width 128, its streams apart before.

    The smallest size at which the world's scorers hear words and see lips: at 1.3 s a sentence is cut, at 32 x 32 the
    codec blurs the mouth (docs/ablations.md has the numbers). Rows are trained by the last stage of the tiny model.
    """
    small, stages = nano(tiny), tiny.train.stages
    last = replace(stages[-1], share=1.0, mask=max(stage.mask for stage in stages))
    audio = replace(small.model.audio, spelling="letters")  # as the published tables have it
    if audio.width:
        audio = replace(audio, width=96, heads=3)
    model = replace(small.model, size=48, frames=65, width=128, heads=4, audio=audio)
    train = replace(
        small.train, clips=1024, unknown=0.0, held_out=32, steps=1200, batch=16, stills=64, stills_p=0.2, warmup=100,
        probe_every=500, save_every=500, show_every=0, crop=33, stages=(last,),
    )  # fmt: skip
    sound, sight = Stage("audio", 2, (Task("audio", 1, 1),), voice="same"), Stage("video", 1, (Task("video", 1, 1),))
    if not model.voice:
        sound = replace(sound, voice="none")
    sample = replace(small.sample, vocoder="griffin_lim")  # the same
    return Preset(model, train, sample, replace(train, steps=3600, stills_p=0.4, stages=(sound, sight)))


PRESETS: dict[str, dict[str, Preset]] = {
    "harmony": {
        "tiny": HARMONY,
        "further": HARMONY_FURTHER,
        "voices": HARMONY_VOICES,
        "nano": nano(HARMONY),
        "grid": grid(HARMONY),
    },
    "jova": {
        "tiny": JOVA,
        "further": JOVA_FURTHER,
        "lips": JOVA_LIPS,
        "driven": JOVA_DRIVEN,
        "nano": nano(JOVA),
        "grid": grid(JOVA),
    },
    "uniavgen": {
        "tiny": UNIAVGEN,
        "further": UNIAVGEN_FURTHER,
        "voices": UNIAVGEN_VOICES,
        "nano": nano(UNIAVGEN),
        "grid": grid(replace(UNIAVGEN, sample=_MODALITY)),
    },
}
