"""Models with one planted fault each, made of the world's own clips (rendered once, kept in $PLANTED)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from avbench.parts import Generator, Request
from avbench.records import Sample
from avbench.registry import load


class Truth(Generator):
    """The world as it is."""

    summary, version = "the world as it is", "1"

    def generate(self, requests: Sequence[Request]) -> Sequence[Sample]:
        return [self.spoil(self._rendered(request)) for request in requests]

    def spoil(self, sample: Sample) -> Sample:
        return sample

    def _rendered(self, request: Request) -> Sample:
        path = Path(os.environ["PLANTED"], f"{request.prompt.id}.npz")
        if not path.exists():
            (made,) = load(Generator, "world")("cpu").generate([replace(request, seed=0)])
            np.savez(path, frames=made.frames, audio=made.audio, rate=made.sample_rate, fps=made.fps.numerator)
            return made
        with np.load(path) as kept:
            return Sample(kept["frames"], Fraction(int(kept["fps"])), kept["audio"], int(kept["rate"]))


class Shifted(Truth):
    """The sound comes 0.4 s late."""

    def spoil(self, sample: Sample) -> Sample:
        late = round(0.4 * sample.sample_rate)
        audio = np.concatenate([np.zeros_like(sample.audio[:late]), sample.audio[:-late]])
        return replace(sample, audio=audio)


class Noisy(Truth):
    """Grain over the picture."""

    def spoil(self, sample: Sample) -> Sample:
        grain = np.random.default_rng(0).normal(0, 12, sample.frames.shape)
        return replace(sample, frames=np.clip(sample.frames + grain, 0, 255).astype(np.uint8))


class Silent(Truth):
    """No sound at all."""

    def spoil(self, sample: Sample) -> Sample:
        return replace(sample, audio=np.zeros_like(sample.audio))
