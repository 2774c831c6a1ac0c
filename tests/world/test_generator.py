from __future__ import annotations

from fractions import Fraction

import numpy as np

from avbench.parts import Generator, Request
from avbench.records import Prompt, SpeechLine
from avbench.registry import load
from avbench.world.render import render


def test_world_is_a_generator_of_its_own_ground_truth() -> None:
    world = load(Generator, "world")()
    prompt = Prompt("a", speech=(SpeechLine("Good morning."),), seconds=1.3)
    (sample,) = world.generate([Request(prompt, 2**63 + 5)])
    take = render(prompt, 2**63 + 5, int(str(world.settings()["size"])))
    assert np.array_equal(sample.frames, take.frames) and np.array_equal(sample.audio, take.audio)
    assert sample.fps == Fraction(25) and sample.sample_rate == 16000
