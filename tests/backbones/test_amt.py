"""AMT-S and VBench's motion smoothness against the references' numbers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from avbench.errors import NotApplicable
from avbench.metrics._backbones import amt, interpolation
from avbench.metrics._backbones._amt_parts import warp
from avbench.metrics.motion_smoothness import smoothness
from avbench.parts import Frames

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden

FILE = "video/amt"


@pytest.fixture(scope="module")
def net(golden: Golden) -> amt.Amt:
    state = golden.state("video/manifests/amt_s")
    for name, factor in golden.meta(FILE)["rescale"].items():
        state[name] *= factor
    return amt.load(state, "seeded")


@pytest.mark.slow
@torch.inference_mode()
def test_the_frame_between(golden: Golden, net: amt.Amt) -> None:
    expected = golden.expected(FILE)
    for name, facts in golden.meta(FILE)["pairs"].items():
        first, second = golden.video(name, (2, facts["h"], facts["w"]), (facts["dy"], facts["dx"]))
        assert hashlib.sha256(np.stack([first, second]).tobytes()).hexdigest().startswith(facts["sha_frames"])
        image = amt.middle(net, first, second)
        np.testing.assert_allclose(image[:, ::2, ::2], expected[f"{name}/imgt_s2"], atol=1e-4)
        black = np.zeros((*image.shape[1:], 3), np.uint8)
        assert amt.difference(image, black) == pytest.approx(float(expected[f"{name}/imgt_u8_mean"]), abs=1e-3)


@pytest.mark.slow
@torch.inference_mode()
def test_the_flows_on_the_way(golden: Golden, net: amt.Amt) -> None:
    expected = golden.expected(FILE)
    for name, facts in golden.meta(FILE)["pairs"].items():
        frames = golden.video(name, (2, facts["h"], facts["w"]), (facts["dy"], facts["dx"]))
        if list(frames.shape[1:3]) != facts["padded"]:
            continue
        a, b = torch.from_numpy(frames).permute(0, 3, 1, 2).div(255).split(1)
        for level, flow in enumerate(net(a, b).flows, start=2):
            np.testing.assert_allclose(flow[0], expected[f"{name}/flow0_{level}"], atol=1e-3)


@pytest.mark.slow
def test_motion_smoothness_of_clips(golden: Golden, net: amt.Amt) -> None:
    expected = golden.expected(FILE)
    for name, facts in golden.meta(FILE)["clips"].items():
        frames = golden.video(name, (facts["n"], facts["h"], facts["w"]), (facts["dy"], facts["dx"]))
        extractor = interpolation._Middles(net)
        for i in range(0, len(frames), 2):
            extractor.push(Frames(frames[i : i + 2], np.zeros(len(frames[i : i + 2]))))
        found = extractor.finish()
        np.testing.assert_allclose(found, expected[f"{name}/diffs"], atol=1e-2)
        assert smoothness(found) == pytest.approx(facts["score"], abs=1e-4)


def test_smoothness_of_given_middles(golden: Golden) -> None:
    """VBench's arithmetic, the interpolated frames given."""
    for case in golden.meta("video/aggregate")["ms"]:
        size = (case["h"], case["w"])
        frames = golden.video(case["frames"], (case["n"], *size), (case["dy"], case["dx"]))
        middles = golden.video(case["interp"], (case["pairs"], *size), (case["interp_dy"], case["interp_dx"]))
        images = torch.from_numpy(middles).permute(0, 3, 1, 2).double() / 255 + 1e-9
        found = np.array([amt.difference(image, frame) for image, frame in zip(images, frames[1::2], strict=False)])
        assert len(found) == (case["n"] - 1) // 2
        assert found.mean() == pytest.approx(case["vfi"], abs=1e-7)
        assert smoothness(found) == pytest.approx(case["score"], abs=1e-7)


def test_a_flow_of_whole_pixels_moves_the_picture() -> None:
    picture = torch.rand(1, 2, 6, 9)
    flow = torch.zeros(1, 2, 6, 9)
    flow[:, 0] = 2
    moved = warp(picture, flow)
    torch.testing.assert_close(moved[..., :7], picture[..., 2:])
    torch.testing.assert_close(moved[..., 7:], picture[..., -1:].expand(-1, -1, -1, 2))


def test_small_frames_and_few_frames_do_not_apply() -> None:
    extractor: Any = interpolation._Middles(torch.nn.Identity())
    with pytest.raises(NotApplicable, match="too_small"):
        extractor.push(Frames(np.zeros((3, 112, 400, 3), np.uint8), np.zeros(3)))
    with pytest.raises(NotApplicable, match="at least 3"):
        smoothness(interpolation._Middles(torch.nn.Identity()).finish())
