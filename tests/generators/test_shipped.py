"""The weights that ship."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from avbench.generators._joint import weights
from avbench.generators._joint.generator import JointGenerator
from avbench.generators._joint.vocoder import found
from avbench.generators.harmony import Harmony
from avbench.generators.jova import Jova
from avbench.generators.uniavgen import UniAvGen
from avbench.parts import Request
from avbench.records import Prompt, SpeechLine
from avbench.world.prompts import sample_prompt
from avbench.world.render import render

SHIPPED: list[type[JointGenerator]] = [Harmony, Jova, UniAvGen]


def test_shipped_weights_are_small() -> None:
    sizes = [path.stat().st_size for path in (*(system.shipped() for system in SHIPPED), found())]
    assert max(sizes) <= 20_000_000 and sum(sizes) <= 60_000_000


@pytest.mark.slow
@pytest.mark.parametrize("system", SHIPPED)
def test_the_shipped_model_speaks_and_moves(system: type[JointGenerator]) -> None:
    torch.set_num_threads(1)
    line = (SpeechLine("Please bring the red kettle to the garden."),)
    prompt = Prompt("p", video_caption="A young woman with long brown hair speaks to the camera.", speech=line)
    model = system()
    begun = time.process_time()
    sample = model.generate([Request(prompt, 1)])[0]
    print(f"{time.process_time() - begun:.1f} s of CPU for a clip")
    loudness = float(np.sqrt((sample.audio**2).mean()))
    motion = np.abs(np.diff(sample.frames.astype(np.float32), axis=0)).mean((1, 2, 3))
    assert sample.frames.shape == (101, 64, 64, 3) and len(sample.audio) == 64640
    assert loudness > 0.005 and (motion > 0.05).mean() > 0.9


def test_shipped_codec_keeps_a_face() -> None:
    trained = weights.load(Harmony.shipped())
    prompt = sample_prompt(np.random.default_rng(3), "speech")
    video = torch.from_numpy(render(prompt, 0, 64, 1.0).frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    back = trained.codecs.video.decode(trained.codecs.video.encode(video))
    assert 10 * float(torch.log10(4 / (back - video).square().mean())) > 27
