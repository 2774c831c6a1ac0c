"""VGGish and I3D, whose features distances between sets compare, against the references' numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from avbench.errors import NotApplicable
from avbench.metrics._backbones import i3d, vggish
from avbench.parts import Audio, Frames

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden


@pytest.mark.slow
@torch.inference_mode()
def test_vggish(golden: Golden) -> None:
    state = golden.state("distribution/manifests/vggish")
    net = vggish.load({name: value for name, value in state.items() if not name.startswith("pproc.")}, "seeded")
    expected = golden.expected("distribution/vggish")
    for name, case in golden.records("distribution/vggish")["cases"].items():
        if case["sr"] != vggish.RATE:
            continue
        patches = vggish.patches(golden.wav(f"vggish/{name}", case["n"], case["sr"], 1)[0])
        assert len(patches) == case["examples"]
        if f"{name}/logmel" in expected:
            np.testing.assert_allclose(patches, expected[f"{name}/logmel"], atol=1e-5)
        if f"{name}/logmel_first" in expected:
            np.testing.assert_allclose(patches[0], expected[f"{name}/logmel_first"], atol=1e-5)
        np.testing.assert_allclose(net(patches), expected[f"{name}/raw"], atol=1e-4)


def test_sound_under_a_patch_does_not_apply() -> None:
    assert len(vggish.patches(np.zeros(vggish.SHORTEST, np.float32))) == 1
    short = Audio(np.zeros(vggish.SHORTEST - 1, np.float32), vggish.RATE, 0.0)
    with pytest.raises(NotApplicable, match=r"0\.975 s"):
        vggish.VggishPatches().extract(short, None)


@pytest.mark.slow
@torch.inference_mode()
def test_i3d(golden: Golden) -> None:
    state = golden.state("distribution/manifests/i3d_400")
    for value in state.values():
        if value.dim() == 5:
            value *= float(np.float32(math.sqrt(2)))
    net, expected = i3d.load(state, "seeded"), golden.expected("distribution/i3d")
    for name, case in golden.records("distribution/i3d")["cases"].items():
        frames = golden.distribution.video(f"i3d/{name}", case["T"], case["H"], case["W"])
        clips = torch.stack([i3d.squares(frames), i3d.squashed(frames)])
        for clip, kind in zip(clips, ("short_crop", "squash"), strict=True):
            np.testing.assert_allclose(clip[:, 0, ::28, ::28], expected[f"{name}/pre_{kind}_sample"], atol=1e-5)
        np.testing.assert_allclose(net(clips[:1]), expected[f"{name}/logits_short_crop"], atol=1e-3)


@pytest.mark.slow
@torch.inference_mode()
def test_a_clips_first_sixteen_frames_count(golden: Golden) -> None:
    net = i3d.load(golden.state("distribution/manifests/i3d_400"), "seeded")
    frames = golden.distribution.video("i3d/any", 20, 32, 48)
    found = []
    for length in (16, 20):
        extractor = i3d._First(net)
        for i in range(0, length, 7):
            extractor.push(Frames(frames[i : min(i + 7, length)], np.zeros(min(7, length - i))))
        found.append(extractor.finish())
    np.testing.assert_array_equal(*found)


def test_short_clips_do_not_apply() -> None:
    extractor = i3d._First(torch.nn.Identity())
    extractor.push(Frames(np.zeros((15, 8, 8, 3), np.uint8), np.zeros(15)))
    with pytest.raises(NotApplicable, match="15 frames, 16 needed"):
        extractor.finish()
