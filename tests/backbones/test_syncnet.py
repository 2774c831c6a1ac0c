"""SyncNet against the reference's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from avbench.metrics._backbones import syncnet
from avbench.metrics._lipsync_score import ClipSync, Sync, distances, over_tracks, sync

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden


def _net(golden: Golden, rescaled: bool = False) -> syncnet.SyncNet:
    """Under plain seeded weights zero padding decides the offset; rescaled, the minimum lies inside the range."""
    state = golden.state("lipsync/manifest_syncnet")
    if rescaled:
        state["netfclip.3.weight"] *= 0.08
        state["netfcaud.3.bias"] *= 100
        state["netfclip.3.bias"] = state["netfcaud.3.bias"].clone()
    return syncnet.load(state, "seeded")


@torch.inference_mode()
def test_embeddings(golden: Golden) -> None:
    inputs, expected, net = (
        golden.inputs("lipsync/syncnet_embed"),
        golden.expected("lipsync/syncnet_embed"),
        _net(golden),
    )
    frames = torch.from_numpy(inputs["frames"][..., ::-1].copy()).permute(0, 4, 1, 2, 3).float()
    np.testing.assert_allclose(net.lip_features(frames)[:, 0], expected["lipfeat"], atol=2e-3, rtol=0)
    np.testing.assert_allclose(net.lip(frames)[:, 0], expected["lip"], atol=2e-3, rtol=0)
    np.testing.assert_allclose(net.audio(torch.from_numpy(inputs["mfcc"])), expected["aud"], atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["seeded", "rescaled"])
def test_clip(golden: Golden, prefix: str) -> None:
    inputs, expected = golden.inputs("lipsync/syncnet_eval"), golden.expected("lipsync/syncnet_eval")
    net = _net(golden, rescaled=prefix == "rescaled")
    count = syncnet.windows(len(inputs["frames"]), len(inputs["audio"]))
    lip = syncnet.embed_lip(net, inputs["frames"], count)
    audio = syncnet.embed_audio(net, inputs["audio"], count)
    found, atol = sync(lip, audio), {"seeded": 5e-3, "rescaled": 2e-3}[prefix]
    np.testing.assert_allclose(distances(lip, audio), expected[f"{prefix}_dists"], atol=atol, rtol=0)
    np.testing.assert_allclose(found.curve, expected[f"{prefix}_mean_dist"], atol=atol, rtol=0)
    assert found.offset == expected[f"{prefix}_offset"]
    assert found.distance == pytest.approx(float(expected[f"{prefix}_min_dist"]), abs=atol)
    assert found.confidence == pytest.approx(float(expected[f"{prefix}_confidence"]), abs=atol / 2)


def test_offset_of_shifted_features(golden: Golden) -> None:
    inputs, expected = golden.inputs("lipsync/syncnet_eval"), golden.expected("lipsync/syncnet_eval")
    found = sync(inputs["lip"], inputs["aud"])
    np.testing.assert_allclose(distances(inputs["lip"], inputs["aud"]), expected["feat_dists"], atol=1e-3, rtol=0)
    assert found.offset == expected["feat_offset"] == 3
    assert found.confidence == pytest.approx(float(expected["feat_confidence"]), abs=1e-3)
    assert found.windows == 60


@pytest.mark.parametrize("case", ["second", "silent_start", "odd", "short"])
def test_mfcc(golden: Golden, case: str) -> None:
    found = syncnet.mfcc(golden.inputs("lipsync/mfcc")[case])
    np.testing.assert_allclose(found, golden.expected("lipsync/mfcc")[case], atol=1e-8, rtol=0)


@pytest.mark.parametrize(("delay", "offset"), [(-4, 4), (0, 0), (7, -7)])
def test_late_audio_has_a_negative_offset(delay: int, offset: int) -> None:
    lip = np.random.default_rng(0).standard_normal((60, 16)).astype(np.float32)
    assert sync(lip, np.roll(lip, delay, axis=0)).offset == offset


@pytest.mark.parametrize(
    ("frames", "samples", "count"), [(40, 25600, 35), (127, 81280, 122), (40, 25599, 34), (5, 9999, 0)]
)
def test_windows(frames: int, samples: int, count: int) -> None:
    assert syncnet.windows(frames, samples) == count


def test_lip_windows_do_not_depend_on_where_a_pass_begins(golden: Golden) -> None:
    crops = golden.inputs("lipsync/syncnet_eval")["frames"]
    net = _net(golden)
    np.testing.assert_allclose(syncnet.embed_lip(net, crops, 18)[16:], syncnet.embed_lip(net, crops[16:], 2), atol=2e-3)
    assert syncnet.embed_lip(net, crops, 0).shape == (0, 1024)


def test_tracks_count_as_each_preset_says() -> None:
    curve = np.zeros(31, np.float32)
    two = [Sync(-3, 8.0, 5.0, 99, curve, curve), Sync(0, 7.0, 4.5, 99, curve, curve)]
    assert over_tracks(two, "items") == [ClipSync(-3, 8.0, 5.0), ClipSync(0, 7.0, 4.5)]
    assert over_tracks(two, "mean") == [ClipSync(-1, 7.5, 4.75)]
    assert over_tracks(two, "best_of_each") == [ClipSync(None, 7.0, 5.0)]
    assert over_tracks(two, "best_track") == [ClipSync(0, 7.0, 4.5)]
