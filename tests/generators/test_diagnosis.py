"""Heat maps of the making: attention is a distribution, guidance's maps follow its scale, the clip stays the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from avbench.generators._joint.config import SampleConfig
from avbench.generators._joint.data import Dataset
from avbench.generators._joint.making import make
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.recipe import Preset
from avbench.parts import Request
from avbench.records import Prompt, Sample, SpeechLine

PROMPT = Prompt("p", video_caption="A woman speaks.", speech=(SpeechLine("Hello again."),), seconds=0.68)


def made(model: JointModel, data: Dataset, config: SampleConfig, diagnostics: bool = True) -> Sample:
    sample: Sample = make(model, data.codecs, Request(PROMPT, 3, diagnostics), replace(config, steps=3))
    return sample


def shaken(preset: Preset) -> JointModel:
    torch.manual_seed(1)
    fresh = JointModel(preset.model).eval()
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return fresh


@pytest.mark.parametrize("system", ["harmony", "jova", "uniavgen"])
def test_maps_are_of_every_frame_and_attention_sums_to_one(
    system: str, small: Callable[[str], Preset], data: Dataset
) -> None:
    preset = small(system)
    model = shaken(preset)
    config = replace(preset.sample, guidance="sync" if system == "harmony" else "text", s_v=2.5, apg=False)
    sample = made(model, data, config)
    maps = sample.maps
    assert maps["attention"].shape == (17, 2, 2) and maps["difference"].shape == (17, 4, 4)
    np.testing.assert_allclose(maps["attention"].sum((1, 2)), 1, atol=1e-5)
    assert maps["attention"].std() > 1e-4 and maps["difference"].max() > 0
    np.testing.assert_allclose(maps["guidance"], 1.5 * maps["difference"], rtol=1e-3, atol=1e-6)
    plain = made(model, data, config, diagnostics=False)
    assert np.array_equal(plain.frames, sample.frames) and np.array_equal(plain.audio, sample.audio) and not plain.maps


def test_without_guidance_or_at_scale_one_nothing_is_added(model: JointModel, data: Dataset) -> None:
    one = made(model, data, SampleConfig(s_v=1.0)).maps
    assert one["guidance"].max() < 1e-5 * one["difference"].max()
    none = made(model, data, SampleConfig(guidance="none")).maps
    assert not none["difference"].any() and not none["guidance"].any()


@pytest.mark.parametrize("system", ["harmony", "uniavgen"])
def test_sound_that_asks_nothing_looks_everywhere(system: str, small: Callable[[str], Preset], data: Dataset) -> None:
    """Without queries every cell weighs the same, whatever the window in time."""
    preset = small(system)
    model = shaken(preset)
    with torch.no_grad():
        for module in model.v2a.values():
            module.attention.q.weight.zero_()
            module.attention.q.bias.zero_()
    found = made(model, data, replace(preset.sample, guidance="none")).maps["attention"]
    np.testing.assert_allclose(found, 0.25, atol=1e-6)


def test_a_model_whose_sound_sees_nothing_has_no_attention(small: Callable[[str], Preset], data: Dataset) -> None:
    preset = small("harmony")
    blind = replace(preset, model=replace(preset.model, interaction=replace(preset.model.interaction, v2a="none")))
    assert "attention" not in made(shaken(blind), data, SampleConfig(guidance="none")).maps
