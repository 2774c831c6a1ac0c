"""CPU seconds that each backbone of the core signal metrics adds to one clip, after a first, warming run.

python tests/perf/metrics.py
"""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.parts import Backbone, Metric
from avbench.records import Prompt, Sample, SpeechLine
from avbench.registry import load
from avbench.world.render import render

METRICS = (
    "audio_levels",
    "av_align",
    "bandwidth",
    "guards",
    "lip_envelope",
    "loudness",
    "motion_flow",
    "onset_offset",
    "speech_ratio",
    "temporal_flickering",
)
RUNS = 3


def clips() -> dict[str, Sample]:
    """A talking face at 64 x 64 and the same look at 1280 x 720 with a little sensor noise."""
    prompt = Prompt("perf", speech=(SpeechLine("The quick brown fox jumps over the lazy dog."),))
    small = render(prompt, seed=1, size=64, seconds=4.0)
    big = render(prompt, seed=1, size=720, seconds=5.0)
    noise = np.random.default_rng(0).integers(0, 6, (720, 1280, 3), np.uint8)
    wide = np.concatenate([big.frames, big.frames[:, :, :560, :]], axis=2)
    noisy = np.stack([np.clip(f.astype(np.int16) + np.roll(noise, 37 * i, 1), 0, 255) for i, f in enumerate(wide)])
    return {
        "64x64, 4 s": Sample(small.frames, small.fps, small.audio, small.sample_rate),
        "1280x720, 5 s": Sample(noisy.astype(np.uint8), Fraction(25), big.audio, big.sample_rate),
    }


def cpu(path: Path, backbones: list[Backbone[object]], runs: int = RUNS) -> float:
    """Least CPU seconds of a sweep over a few runs."""
    spent = []
    for _ in range(runs):
        start = time.process_time()
        sweep(path, backbones)
        spent.append(time.process_time() - start)
    return min(spent)


def main() -> None:
    needs = list(dict.fromkeys(need for name in METRICS for need in load(Metric, name).needs))
    with tempfile.TemporaryDirectory() as folder:
        for title, sample in clips().items():
            path = Path(folder) / "clip.mp4"
            write(path, sample)
            flow = next(need for need in needs if type(need).__name__ == "Flow")
            rest = [need for need in needs if need != flow]
            sweep(path, rest)  # imports and compiles
            base = cpu(path, [])
            print(f"{title}: decode {base:.2f} s")
            for need in rest:
                print(f"  {type(need).__name__:<18}{cpu(path, [need]) - base:+.3f} s")
            print(f"  all of these in one sweep: {cpu(path, rest):.2f} s")
            print(f"  Flow (full size, of AV-Align)  {cpu(path, [flow], runs=1) - base:+.2f} s", flush=True)


if __name__ == "__main__":
    main()
