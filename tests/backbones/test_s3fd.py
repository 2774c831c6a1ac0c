"""The face detector against the reference's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from avbench.metrics._backbones import s3fd

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden


def _net(golden: Golden, rescaled: bool) -> s3fd.S3FD:
    """Rescaled, probabilities spread over 0..1, with boxes on both sides of both thresholds."""
    state = golden.state("lipsync/manifest_s3fd")
    if rescaled:
        for key, gain in {"L2Norm3_3.weight": 10, "L2Norm4_3.weight": 8, "L2Norm5_3.weight": 5}.items():
            state[key] *= gain
        for key in state:
            if key.startswith(("loc.", "conf.")) and key.endswith("weight"):
                state[key] *= 6
    return s3fd.load(state, "seeded")


@pytest.mark.parametrize("prefix", ["seeded", "rescaled"])
def test_network_and_first_suppression(golden: Golden, prefix: str) -> None:
    image, expected = golden.inputs("lipsync/s3fd")["image"], golden.expected("lipsync/s3fd")
    net = _net(golden, prefix == "rescaled")
    with torch.inference_mode():
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float() - torch.tensor([123.0, 117, 104])[:, None, None]
        offsets, probability, sizes = net(x)
    np.testing.assert_allclose(offsets[0], expected[f"{prefix}_loc"], atol=1e-4, rtol=0)
    np.testing.assert_allclose(probability[0], expected[f"{prefix}_prob"], atol=1e-4, rtol=0)
    np.testing.assert_allclose(s3fd.priors(160, 120, tuple(sizes)), expected["priors"], atol=1e-7, rtol=0)
    faces = s3fd.find(net, image[None])
    found = s3fd.candidates(faces.boxes[0], faces.probability[0])
    np.testing.assert_allclose(found[:, [4, 0, 1, 2, 3]], expected[f"{prefix}_detect"], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("key", "threshold"), [("faces_90", 0.9), ("faces_80", 0.8)])
def test_faces_in_pixels(golden: Golden, key: str, threshold: float) -> None:
    (found,) = s3fd.detect(_net(golden, True), [golden.inputs("lipsync/s3fd")["big"]], threshold)
    np.testing.assert_allclose(found, golden.expected("lipsync/s3fd")[key], atol=1e-2, rtol=0)


def test_shrink(golden: Golden) -> None:
    small, expected = s3fd.shrink(golden.inputs("lipsync/s3fd")["big"]), golden.expected("lipsync/s3fd")
    np.testing.assert_allclose(small[::8, ::8].astype(int), expected["small_sub"], atol=1, rtol=0)
    assert int(small.astype(np.int64).sum()) == pytest.approx(int(expected["small_sum"]), abs=small.size // 100)


def test_a_suppressed_box_suppresses_nothing() -> None:
    a, b, c = [0.0, 0, 10, 10], [4.0, 0, 14, 10], [8.0, 0, 18, 10]
    np.testing.assert_array_equal(s3fd.suppress(np.array([a, b, c]), 0.3), [0, 2])
    assert len(s3fd.suppress(np.empty((0, 4)), 0.3)) == 0
