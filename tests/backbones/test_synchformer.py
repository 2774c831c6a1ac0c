"""Synchformer against the reference's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from avbench.metrics._backbones import synchformer, synchformer_input
from avbench.metrics._backbones._synchformer_trunks import SynchformerConfig

if TYPE_CHECKING:
    from tests.backbones.conftest import Arrays, Golden

FILE = "av_semantics/synchformer"
ATOL = 5e-5


@pytest.fixture(scope="module")
def net(golden: Golden) -> synchformer.Synchformer:
    return synchformer.load(golden.state("av_semantics/synchformer_manifest", "lift_tokens"), "seeded")


@pytest.fixture(scope="module")
def inputs(golden: Golden) -> Arrays:
    return golden.inputs(FILE)


def _close(found: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, atol=ATOL, rtol=0)


@torch.inference_mode()
@pytest.mark.slow
def test_video_trunk(golden: Golden, net: synchformer.Synchformer, inputs: Arrays) -> None:
    segments = synchformer_input.video_segments(torch.from_numpy(inputs["video"][0]))
    _close(net.video(segments), golden.expected(FILE)["vfeats"][0])


@torch.inference_mode()
@pytest.mark.slow
def test_audio_trunk(golden: Golden, net: synchformer.Synchformer, inputs: Arrays) -> None:
    mel = synchformer_input.audio_segments(torch.from_numpy(inputs["wave"]))
    expected = golden.expected(FILE)
    _close(mel, expected["mel"][0])
    _close(net.audio(mel), expected["afeats"][0])


@torch.inference_mode()
@pytest.mark.slow
def test_head(golden: Golden, net: synchformer.Synchformer, inputs: Arrays) -> None:
    logits = net.compare(torch.from_numpy(inputs["vfeat"]), torch.from_numpy(inputs["afeat"]))
    _close(logits, golden.expected(FILE)["head_logits"])


@torch.inference_mode()
@pytest.mark.slow
def test_clip(golden: Golden, net: synchformer.Synchformer, inputs: Arrays) -> None:
    expected = golden.expected(FILE)
    segments = synchformer_input.video_segments(torch.from_numpy(inputs["clip_video"][0]))
    video = torch.cat([net.video(pair) for pair in segments.split(2)])
    audio = net.audio(synchformer_input.audio_segments(torch.from_numpy(inputs["clip_wave"])))
    _close(video.flatten()[::50], expected["clip_vfeats_every_50th"])
    _close(audio.flatten()[::50], expected["clip_afeats_every_50th"])
    logits = torch.cat([net.compare(video[None, part], audio[None, part]) for part in (slice(14), slice(-14, None))])
    _close(logits, np.concatenate([expected["clip_logits_first"], expected["clip_logits_last"]]))
    scores = np.abs(synchformer_input.offsets(logits.numpy()))
    np.testing.assert_allclose(scores, expected["clip_scores"], atol=1e-6)
    assert scores.mean() == pytest.approx(float(expected["clip_desync"]), abs=1e-6)


def test_offsets(golden: Golden) -> None:
    logits, expected = golden.inputs("av_semantics/pure"), golden.expected("av_semantics/pure")
    found = np.stack([synchformer_input.offsets(logits["first"]), synchformer_input.offsets(logits["last"])])
    np.testing.assert_array_equal(synchformer_input.grid(), expected["desync/grid"])
    np.testing.assert_array_equal(found[0], expected["desync/signed_first"])
    np.testing.assert_allclose(np.abs(found), expected["desync/first_last_scores"], atol=1e-7)
    assert np.abs(found).mean() == pytest.approx(float(expected["desync/mean"]), abs=1e-6)


@pytest.mark.parametrize("size", ["360x640", "500x300", "120x160", "271x481"])
def test_frames(golden: Golden, size: str) -> None:
    found = synchformer_input.frames(golden.inputs("av_semantics/preprocessing")[size])
    _close(found[:, :, ::13, ::13], golden.expected("av_semantics/preprocessing")[f"sync_frames/{size}"])


def test_segments_line_up() -> None:
    assert len(synchformer_input.video_segments(torch.zeros(200, 3, 2, 2))) == 24
    assert len(synchformer_input.audio_segments(torch.zeros(128000))) == 24


def test_blocks_of_segments() -> None:
    first, last = synchformer_input.first_and_last(24)
    assert (first[0], first[-1], last[0], last[-1]) == (0, 13, 10, 23)
    with pytest.raises(ValueError, match="has 13"):
        synchformer_input.first_and_last(13)
    starts = {14: [0], 15: [0, 1], 28: [0, 14], 30: [0, 14, 16]}
    assert {n: synchformer_input.javis_blocks(n)[:, 0].tolist() for n in starts} == starts
    assert synchformer_input.javis_blocks(5).tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3]]


@torch.inference_mode()
def test_a_small_network_treats_clips_apart() -> None:
    torch.manual_seed(0)
    config = SynchformerConfig(pixels=32, dim=24, heads=2, blocks=1, segments=3, head_blocks=1, head_heads=2)
    net = synchformer.Synchformer(config).eval()
    video = net.video(torch.randn(6, 16, 3, 32, 32)).unflatten(0, (2, 3))
    audio = net.audio(torch.randn(6, 128, 66)).unflatten(0, (2, 3))
    assert (video.shape, audio.shape) == ((2, 3, 8, 24), (2, 3, 6, 24))
    both, second = net.compare(video, audio), net.compare(video[1:], audio[1:])
    torch.testing.assert_close(both[1:], second)
    assert not torch.allclose(both[0], both[1])
