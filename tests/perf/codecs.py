"""What the tiny generators' codecs cost: the world's clips, and the same through the sound's and the picture's codec.

    python tests/perf/codecs.py [PROMPTS]

The codecs are those in harmony's weights. No model that is sampled through them can be expected to do better.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import resources
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from avbench.generators._joint import weights
from avbench.generators._joint.codec import BLOCK, AudioCodec
from avbench.generators._joint.spectrum import MELS, griffin_lim, widened
from avbench.generators._joint.tokens import TOKEN_SAMPLES
from avbench.generators._joint.vocoder import Vocoder, vocoder
from avbench.generators._joint.weights import Codecs
from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.parts import Benchmark, Metric
from avbench.records import Clip, Prompt, Sample, Score
from avbench.registry import load
from avbench.world.render import render
from avbench.world.truth import Take

TRAINED = vocoder("cpu")
COLUMNS = {"wer_world": ("wer",), "lipsync_world": ("lse_c", "lse_d"), "desync_world": ("desync",)}


def main(count: int) -> None:
    torch.set_num_threads(1)
    codecs = weights.load(Path(str(resources.files("avbench.generators") / "harmony_tiny.safetensors"))).codecs
    ways: Mapping[str, Callable[[Take], Take]] = {
        "the world's clip": lambda take: take,
        "sound: mel, Griffin-Lim": lambda take: replace(take, audio=mel(take.audio)),
        "sound: codec, Griffin-Lim": lambda take: replace(take, audio=coded(take.audio, codecs.audio, None)),
        "sound: codec, vocoder": lambda take: replace(take, audio=coded(take.audio, codecs.audio)),
        "picture: its codec": lambda take: replace(take, frames=seen(take.frames, codecs)),
        "both": lambda take: replace(take, audio=coded(take.audio, codecs.audio), frames=seen(take.frames, codecs)),
    }
    prompts = list(islice(load(Benchmark, "speech")().prompts(), count))
    takes = [render(prompt, index, BLOCK * 8) for index, prompt in enumerate(prompts)]
    for name, way in ways.items():
        rows = [scored(way(take), prompt) for take, prompt in zip(takes, prompts, strict=True)]
        means = {key: np.mean([row[key] for row in rows if key in row]) for names in COLUMNS.values() for key in names}
        print(f"{name:28}" + "  ".join(f"{key} {value:.3f}" for key, value in means.items()), flush=True)


def mel(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    return back(AudioCodec.rows(torch.from_numpy(audio)[None], tokens(audio)), len(audio))


def coded(audio: NDArray[np.float32], codec: AudioCodec, by: Vocoder | None = TRAINED) -> NDArray[np.float32]:
    latents = codec.encode(torch.from_numpy(audio)[None], tokens(audio))
    return np.asarray(codec.decode(latents, len(audio), by)[0])


def back(rows: torch.Tensor, samples: int) -> NDArray[np.float32]:
    return np.asarray(griffin_lim(widened(rows.unflatten(-1, (2, MELS)).flatten(1, 2)), samples)[0])


def tokens(audio: NDArray[np.float32]) -> int:
    whole: int = math.ceil(len(audio) / TOKEN_SAMPLES)
    return whole


def seen(frames: NDArray[np.uint8], codecs: Codecs) -> NDArray[np.uint8]:
    video = torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    out = codecs.video.decode(codecs.video.encode(video))[0].permute(1, 2, 3, 0)
    return np.asarray(((out + 1) * 127.5).round().clamp(0, 255).to(torch.uint8))


def scored(take: Take, prompt: Prompt) -> dict[str, float]:
    found: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write(path, Sample(take.frames, take.fps, take.audio, take.sample_rate))
        for name, columns in COLUMNS.items():
            metric = load(Metric, name)()
            for key, score in metric.score(Clip(path, prompt, "world"), sweep(path, metric.needs)).items():
                value = score.value if isinstance(score, Score) else score
                if key in columns and value is not None:
                    found[key] = float(value)
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
