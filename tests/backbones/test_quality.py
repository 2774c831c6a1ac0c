"""MUSIQ and MANIQA against the references' numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from avbench.errors import NotApplicable
from avbench.metrics._backbones import maniqa, musiq, quality
from avbench.metrics._backbones._frames import centre_crop
from avbench.parts import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.backbones.conftest import Golden

# Of MANIQA's scores of about 10. On a processor as the references', with one thread, they have the same bits; two
# threads or AVX2 round in another order, and one case then moves by 1.5e-3.
NOISE = 5e-3


@pytest.fixture(scope="module")
def spaq(golden: Golden) -> musiq.Musiq:
    state = golden.state("video/manifests/musiq")
    for name, factor in golden.meta("video/musiq")["rescale"].items():
        state[name] *= factor
    return musiq.load(state, "seeded")


def _shown(frames: NDArray[np.uint8], mode: str) -> Any:
    """VBench's resizing, in the modes that it has beside the default."""
    if not mode.startswith("shorter"):
        return quality.shrunk(frames, quality.LONGEST if mode == "longer" else None)
    height, width = frames.shape[1:3]
    planes, scale = quality.shrunk(frames, None), 512 / min(height, width)
    if scale < 1:
        planes = interpolate(planes, (int(scale * height), int(scale * width)), mode="bilinear")
    return centre_crop(planes, 512) if mode == "shorter_centercrop" else planes


@pytest.mark.slow
@torch.inference_mode()
def test_musiq(golden: Golden, spaq: musiq.Musiq) -> None:
    expected = golden.expected("video/musiq")
    for name, facts in golden.meta("video/musiq")["cases"].items():
        picture = _shown(golden.video(name, (1, facts["h"], facts["w"])), facts["mode"])
        assert list(picture.shape[-2:]) == facts["size"]
        seen, real = musiq.patches(picture), expected[f"{name}/mask"] == 1
        assert len(real) == facts["tokens"]
        np.testing.assert_array_equal(seen.places, expected[f"{name}/pos"][real])
        np.testing.assert_array_equal(seen.sizes, expected[f"{name}/scale"][real])
        means = seen.pixels.double().mean(dim=(0, 2, 3, 4))
        np.testing.assert_allclose(means, expected[f"{name}/patch_mean"][real], atol=1e-6)
        assert float(spaq(picture)) == pytest.approx(facts["score"], abs=1e-4)


@pytest.mark.slow
def test_frames_of_a_clip_are_scored_apart(golden: Golden, spaq: musiq.Musiq) -> None:
    frames = golden.video("any", (3, 64, 96))
    extractor = quality._Each(lambda data, first: quality._musiq(spaq.to(quality.device()), quality.shrunk(data, 512)))
    for frame in frames:
        extractor.push(Frames(frame[None], np.zeros(1)))
    together = quality._musiq(spaq, quality.shrunk(frames, 512))
    np.testing.assert_allclose(extractor.finish(), together, atol=1e-5)
    assert len(set(together.round(3))) == 3


@pytest.fixture(scope="module")
def small(golden: Golden) -> maniqa.Maniqa:
    meta = golden.meta("video/maniqa")
    state = golden.state("video/manifests/maniqa_tiny")
    for name, factor in meta["rescale"].items():
        state[name] *= factor
    sizes = meta["tiny"]
    config = maniqa.ManiqaConfig(
        sizes["embed_dim"], sizes["num_heads"], sizes["maniqa_embed_dim"], sizes["maniqa_dim_mlp"]
    )
    return maniqa.load(state, "seeded", config)


def _crops(picture: Tensor, corners: list[tuple[int, int]]) -> Tensor:
    side = maniqa.CROP
    return torch.stack([picture[:, y : y + side, x : x + side] for y, x in corners])


def _picture(golden: Golden, name: str, facts: dict[str, int]) -> Any:
    frame = golden.video(name, (1, facts["h"], facts["w"]))[0]
    return maniqa.enlarged(maniqa.prepared(torch.from_numpy(frame).permute(2, 0, 1).float() / 255))


@pytest.mark.slow
@torch.inference_mode()
def test_maniqa_on_a_grid(golden: Golden, small: maniqa.Maniqa) -> None:
    expected = golden.expected("video/maniqa")
    for name, facts in golden.meta("video/maniqa")["cases"].items():
        picture = _picture(golden, name, facts)
        corners = maniqa.grid(*picture.shape[1:], facts["test_sample"])
        if f"{name}/top_left" in expected:
            assert corners == [tuple(corner) for corner in expected[f"{name}/top_left"].tolist()]
        assert float(maniqa.pooled(*small(_crops(picture, corners)))) == pytest.approx(facts["score"], abs=NOISE)


@pytest.mark.slow
@torch.inference_mode()
def test_maniqa_of_single_crops(golden: Golden, small: maniqa.Maniqa) -> None:
    for name, facts in golden.meta("video/maniqa")["versebench"].items():
        corners = [(y, x) for y, x in facts["top_left"]]
        scores, weights = small(_crops(_picture(golden, name, facts), corners))
        each = [float(maniqa.crop_mean(scores[i : i + 1], weights[i : i + 1])) for i in range(len(corners))]
        np.testing.assert_allclose(each, golden.expected("video/maniqa")[f"{name}/scores"], atol=NOISE)
        assert float(maniqa.crop_mean(scores, weights)) == pytest.approx(facts["score"], abs=NOISE)


@pytest.mark.slow
@torch.inference_mode()
def test_maniqa_of_real_size(golden: Golden) -> None:
    meta = golden.meta("video/maniqa")
    state = golden.state("video/manifests/maniqa_koniq")
    for name, factor in meta["rescale"].items():
        state[name] *= factor
    net, facts = maniqa.load(state, "seeded"), meta["full"]
    picture = _picture(golden, facts["case"], facts)
    crops = _crops(picture, maniqa.grid(*picture.shape[1:], facts["test_sample"]))
    # the seeded network says 0.08 more in float64, 0.14 more by MKL's compatible path: so far rounding carries here
    assert float(maniqa.pooled(*net(crops))) == pytest.approx(facts["score"], abs=0.3)


def test_random_crops_are_the_same_in_every_run_and_differ_by_frame() -> None:
    corners = quality.random_corners(300, 400, 7)
    assert corners == quality.random_corners(300, 400, 7) != quality.random_corners(300, 400, 8)
    assert all(0 <= y < 300 - maniqa.CROP and 0 <= x < 400 - maniqa.CROP for y, x in corners)
    with pytest.raises(NotApplicable, match="over 224"):
        quality.random_corners(224, 400, 0)


def test_windows_come_back_in_place() -> None:
    x = torch.arange(2 * 28 * 28 * 3.0).view(2, 28, 28, 3)
    torch.testing.assert_close(maniqa._joined(maniqa._windows(x), 2), x)
