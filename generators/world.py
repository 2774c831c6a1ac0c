"""The world as a model: renders each prompt's ground truth, the upper bound of every table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from avbench.parts import Generator, Request, Setting
from avbench.records import Sample
from avbench.world.render import render
from avbench.world.speech import engine

SIZE = 128  # pixels; the face detector needs about 96


class World(Generator):
    """Scenes of avbench.world at 128 x 128, 25 fps, with 16 kHz sound."""

    summary = "the procedural world itself: ground truth, the upper bound"
    version = "1"

    def settings(self) -> Mapping[str, Setting]:
        return {"size": SIZE, "speech": engine()}

    def generate(self, requests: Sequence[Request]) -> Sequence[Sample]:
        takes = [render(request.prompt, request.seed, SIZE) for request in requests]
        return [Sample(take.frames, take.fps, take.audio, take.sample_rate) for take in takes]
