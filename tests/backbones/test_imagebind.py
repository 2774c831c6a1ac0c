"""ImageBind against the reference's numbers, in reduced dimensions; the official ones are checked by name and shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from avbench.metrics._backbones import imagebind, imagebind_input
from avbench.metrics._backbones.imagebind import ImageBindConfig, TrunkConfig

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden

SMALL = ImageBindConfig(32, *(TrunkConfig(64, 2, 4),) * 3)
FILE, PREPROCESSING = "av_semantics/imagebind_small", "av_semantics/preprocessing"
SIZES = ["360x640", "500x300", "120x160", "271x481"]


def _close(found: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, atol=5e-5, rtol=0)


@torch.inference_mode()
def test_embeddings_and_scores(golden: Golden) -> None:
    state = golden.state("av_semantics/imagebind_small_manifest", "lift_tokens")
    net, expected = imagebind.load(state, "seeded", SMALL), golden.expected(FILE)
    inputs = {name: torch.from_numpy(array) for name, array in golden.inputs(FILE).items()}
    pairs = inputs["frames"].unfold(2, 2, 1).permute(0, 1, 2, 3, 6, 4, 5).flatten(1, 2)
    video, audio = net.vision(pairs), net.audio(inputs["mel"])
    text = net.text(torch.from_numpy(expected["tokens"]))
    _close(video, expected["video_avbench"])
    _close(net.vision(inputs["clips"]), expected["video_official"])
    _close(net.vision(inputs["image"]), expected["image"])
    _close(audio, expected["audio"])
    _close(text, expected["text"])
    _close(cosine_similarity(video, audio), expected["ib_each"])
    _close(cosine_similarity(video, audio).mean(), expected["ib_score"])
    _close(cosine_similarity(text, audio), expected["ib_a_each"])


@pytest.mark.parametrize("size", SIZES)
def test_pairs_of_av_benchmark(golden: Golden, size: str) -> None:
    clips = imagebind_input.pair_clips(golden.inputs(PREPROCESSING)[size])
    expected = golden.expected(PREPROCESSING)[f"ib_frames/{size}"]  # crop, T, C, H, W
    _close(clips.transpose(1, 2)[..., ::19, ::19], expected)


@pytest.mark.parametrize("size", SIZES)
def test_clips_of_the_official_loader(golden: Golden, size: str) -> None:
    clips = imagebind_input.official_clips(golden.inputs(PREPROCESSING)[size][None])
    _close(clips[..., ::19, ::19], golden.expected(PREPROCESSING)[f"ib_official/{size}"])


def test_frames_of_the_official_loader(golden: Golden) -> None:
    cases = golden.records("av_semantics/frame_selection")
    chosen = {name: case for name, case in cases.items() if "imagebind_official" in case}
    assert chosen
    for name, case in chosen.items():
        top, _, bottom = case["in_fps"].partition("/")
        fps = float(top) / float(bottom or 1)
        assert imagebind_input.official_pairs(case["n_frames"], fps).tolist() == case["imagebind_official"], name


def test_ranges_of_the_official_loader(golden: Golden) -> None:
    cases = golden.records("av_semantics/frame_selection")["imagebind_audio_clips"]
    assert cases
    for samples, ranges in cases.items():
        assert [list(pair) for pair in imagebind_input.audio_ranges(int(samples))] == ranges, samples


@pytest.mark.parametrize(("case", "rate"), [("mono16_8s", 16000), ("stereo44_5s", 44100), ("mono48_1p5s", 48000)])
def test_mel(golden: Golden, case: str, rate: int) -> None:
    waves = golden.inputs(PREPROCESSING)[case]
    before = waves.copy()
    clips = imagebind_input.audio_clips(waves, rate)
    np.testing.assert_allclose(
        clips[:, 0, ::3, ::5], golden.expected(PREPROCESSING)[f"ib_mel/{case}"], atol=1e-4, rtol=0
    )
    np.testing.assert_array_equal(waves, before)


def test_one_frame_is_no_video() -> None:
    with pytest.raises(ValueError, match="4 s are needed"):
        imagebind_input.pair_clips(np.zeros((1, 64, 64, 3), np.uint8))
