"""What a model costs: parameters, memory and FLOPs of a clip, counted on the meta device by running its own code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from avbench.parts import Setting

from .config import ModelConfig, SampleConfig
from .full import Full, empty
from .passes import Content, Rows
from .text import AUDIO_WORDS, LETTERS, VIDEO_WORDS, Condition
from .timemap import STRIDE
from .tokens import audio_tokens

BYTES = 2  # bf16


@dataclass(frozen=True, slots=True)
class Cost:
    """`weights` and `memory` in bytes (bf16), `forward` and `clip` in FLOPs (two a multiply-add).

    `memory` adds to the weights what the widest block holds at once, for all rows of a guided step: an estimate.
    `clip` counts the steps of the sampler with guidance: passes whose driver is cached cost one stream.
    """

    parameters: int
    tokens: int
    weights: int
    memory: int
    forward: int
    clip: int


def cost(preset: Full | tuple[ModelConfig, SampleConfig]) -> Cost:
    """Of a full preset's clip, or of a tiny one's longest."""
    model = empty(preset.model if isinstance(preset, Full) else preset[0])
    config, sample = model.config, preset.sample if isinstance(preset, Full) else preset[1]
    video, audio, condition = preset.batch(1, "meta") if isinstance(preset, Full) else _tiny(config)
    with torch.no_grad():
        features = model.encode(condition)
        joint = _flops(lambda: model(video, audio, features))
        apart = _flops(lambda: model(video, audio, features, rows=Rows(0)))
        encoding = _flops(lambda: model.encode(condition))
    # sync: both negative passes run one stream each and the interaction, from cached drivers: as much as a joint pass
    negative = {"none": 0, "text": joint, "sync": joint, "modality": apart}
    inside = sample.interval[1] - sample.interval[0]
    outside = negative[sample.outside] * (1 - inside)
    steps = sample.steps * (joint + negative[sample.guidance] * inside + outside)
    parameters = sum(p.numel() for p in model.parameters())
    tokens = video.z[0, 0].numel() // config.patch**2
    rows = 1 if sample.guidance == "none" else 2
    widest = tokens * (round(config.ffn * config.width) + 8 * config.width)
    return Cost(
        parameters,
        tokens + audio.z.shape[1],
        parameters * BYTES,
        (parameters + rows * widest) * BYTES,
        joint,
        round(steps + 2 * encoding),
    )


def costs(name: str, preset: Full | tuple[ModelConfig, SampleConfig]) -> Mapping[str, Setting]:
    """The same as a row to list."""
    found = cost(preset)
    return {
        "preset": name,
        "parameters": found.parameters,
        "tokens": found.tokens,
        "weights_gb": round(found.weights / 1e9, 3),
        "memory_gb": round(found.memory / 1e9, 3),
        "forward_tflop": round(found.forward / 1e12, 4),
        "clip_tflop": round(found.clip / 1e12, 3),
    }


def _flops(run: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def _tiny(config: ModelConfig) -> tuple[Content, Content, Condition]:
    frames, cells = config.frames, config.size // 8
    tokens, latents = audio_tokens(frames), 1 + (frames - 1) // STRIDE
    s = torch.zeros(1, device="meta")
    video = Content(torch.zeros(1, config.video_channels, latents, cells, cells, device="meta"), s)
    audio = Content(torch.zeros(1, tokens, config.audio_channels, device="meta"), s)
    lengths = (VIDEO_WORDS, AUDIO_WORDS, LETTERS, tokens)
    seen, heard, letters, reading = (torch.zeros(1, n, dtype=torch.int64, device="meta") for n in lengths)
    return video, audio, Condition(seen, heard, letters, reading, torch.zeros(1, tokens, device="meta"))
