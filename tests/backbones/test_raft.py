"""RAFT and what VBench and Verse-Bench make of its flow, against the references' numbers."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo, VideoInfo
from avbench.metrics._backbones import flow_pairs, raft, raft_steps
from avbench.parts import Frames

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden

FILE = "video/raft"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def state(golden: Golden) -> dict[str, torch.Tensor]:
    found = golden.state("video/manifests/raft_things")
    for name, factor in golden.meta(FILE)["rescale"].items():
        found[name] *= factor
    return {f"module.{name}": value for name, value in found.items()}


@pytest.fixture(scope="module")
def net(state: dict[str, torch.Tensor]) -> Any:
    return raft.load(state, "seeded")


def _clip(golden: Golden, name: str, facts: dict[str, Any], frames: int | None = None) -> NDArray[np.uint8]:
    size = (frames or facts["n"], facts["h"], facts["w"])
    return golden.video(name, size, (facts["dy"], facts["dx"]))


def _info(frames: NDArray[np.uint8], fps: float = 25.0, stated: int | None = None) -> MediaInfo:
    height, width = frames.shape[1:3]
    video = VideoInfo(0, "raw", "rgb24", width, height, 0, Fraction(fps), 0.0, len(frames) / fps, stated)
    return MediaInfo(Path("array"), "array", video, None)


def _push(extractor: Any, frames: NDArray[np.uint8]) -> Any:
    for i in range(0, len(frames), 3):
        extractor.push(Frames(frames[i : i + 3], np.arange(i, i + len(frames[i : i + 3])) / 25))
    return extractor.finish()


@pytest.mark.slow
@torch.inference_mode()
def test_flow(golden: Golden, net: Any) -> None:
    expected = golden.expected(FILE)
    for name, facts in golden.meta(FILE)["pairs"].items():
        first, second = (raft.encode(net, raft.prepare(frame)) for frame in _clip(golden, name, facts, 2))
        assert list(first.image.shape[-2:]) == facts["padded"]
        found = raft.flow(net, first, second)
        np.testing.assert_allclose(found[0, :, ::4, ::4], expected[f"{name}/flow_up_s4"], atol=1e-3)
        assert raft.top_speed(found) == pytest.approx(float(expected[f"{name}/max_rad"]), abs=1e-3)
        assert raft.mean_component(found) == pytest.approx(float(expected[f"{name}/mean_abs"]), abs=1e-3)


@pytest.mark.slow
@torch.inference_mode()
def test_flow_is_torchvisions_but_for_the_order_of_sums(
    golden: Golden, net: Any, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raft, "lean", lambda net: net)
    theirs = raft.load(state, "seeded")
    name, facts = next(iter(golden.meta(FILE)["pairs"].items()))
    images = [raft.prepare(frame) for frame in _clip(golden, name, facts, 2)]
    first, second = (raft.encode(net, image) for image in images)
    plain = theirs(images[0], images[1], num_flow_updates=raft.UPDATES)[-1]
    torch.testing.assert_close(raft.flow(net, first, second), plain, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_correlations_are_torchvisions() -> None:
    """Also far outside of the picture, and for places on whole pixels."""
    optical_flow = pytest.importorskip(
        "torchvision.models.optical_flow.raft", reason="the extra paper is not installed"
    )
    first, second = torch.randn(2, 1, 16, 16, 19).unbind()
    block = optical_flow.CorrBlock(num_levels=4, radius=4)
    block.build_pyramid(first, second)
    ours = raft_steps.Correlations(first, second)
    for places in (raft._grid(first), raft._grid(first) + 30 * torch.randn(1, 2, 16, 19), raft._grid(first) - 500):
        expected = block.index_pyramid(centroids_coords=places)[0].flatten(1).T
        torch.testing.assert_close(ours.around(places), expected, atol=2e-5, rtol=0)


@torch.inference_mode()
def test_norms_become_part_of_convolutions() -> None:
    norm = torch.nn.BatchNorm2d(4)
    encoder = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), norm, torch.nn.ReLU())).eval()
    for name, value in norm.named_buffers():
        if name.startswith("running"):
            value.uniform_(0.5, 2)
    x = torch.randn(1, 3, 9, 9)
    expected = encoder(x)
    raft_steps.without_norms(encoder)
    assert not [layer for layer in encoder.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    torch.testing.assert_close(encoder(x), expected)


@pytest.mark.slow
def test_dynamic_degree_of_a_clip(golden: Golden, net: Any) -> None:
    expected = golden.expected(FILE)
    for name, facts in golden.meta(FILE)["clips"].items():
        frames = _clip(golden, name, facts)
        scores = expected[f"{name}/scores"]
        every = _push(flow_pairs._Dynamic(net, _info(frames, facts["fps"])), frames)
        assert every.found == int((scores > facts["thres"]).sum())
        assert (every.pairs, every.threshold, every.needed) == (facts["kept"] - 1, facts["thres"], facts["count_num"])
        assert every.moving == facts["moving"]
        early = _push(flow_pairs._Dynamic(net, _info(frames, facts["fps"], stated=len(frames))), frames)
        assert early.moving == facts["moving"]
        assert early.pairs < every.pairs


@pytest.mark.slow
def test_motion_score(golden: Golden, net: Any) -> None:
    expected = golden.expected(FILE)
    for name, facts in golden.meta(FILE)["versebench"].items():
        frames = _clip(golden, name, facts)
        small = np.stack([flow_pairs.halved(frame) for frame in frames])
        assert list(small.shape[1:3]) == facts["resized"]
        assert hashlib.sha256(small.tobytes()).hexdigest().startswith(facts["sha_resized"])
        found = _push(flow_pairs._Mean(net), frames)
        np.testing.assert_allclose(found, expected[f"{name}/scores"], atol=1e-3)
        assert found.mean() == pytest.approx(facts["motion_score"], abs=1e-3)


def test_decisions(golden: Golden) -> None:
    """VBench's rule on flows' scores, and the intervals, without a network."""
    meta = golden.meta("video/aggregate")
    for case in meta["dd"]:
        enough = flow_pairs.needed(case["frames"])
        assert enough == case["count_num"]
        limit = flow_pairs.threshold(case["h"], case["w"])
        assert limit == case["thres"]
        pairs = len(case["scores"])
        assert (pairs > 0 and sum(score > limit for score in case["scores"]) >= enough) == case["moving"]
    for case in meta["dd_interval"]:
        every = flow_pairs.interval(case["fps"])
        kept = range(0, case["n"], every)
        assert (every, len(kept), kept[-1]) == (case["interval"], case["kept"], case["last"])
        assert flow_pairs.needed(len(kept)) == case["count_num"]
    for case in meta["flows"]:
        flow = torch.from_numpy(case["scale"] * golden.noise(f"input/{case['case']}", *case["shape"]))[None]
        expected = math.nan if case["score"] is None else case["score"]
        assert raft.top_speed(flow) == pytest.approx(expected, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("speeds", [[9.0] * 30, [0.0] * 30, [9.0, 0.0] * 15, [0.0] * 24 + [9.0] * 6])
@pytest.mark.parametrize("cut", [0, 1, 7, 25])
def test_looking_less_decides_the_same(monkeypatch: pytest.MonkeyPatch, speeds: list[float], cut: int) -> None:
    """Flows are played back: with the length known beforehand, and with a clip shorter than its header says."""
    length = len(speeds) + 1
    frames = np.zeros((length - cut, 8, 8, 3), np.uint8)

    def decide(stated: int | None) -> flow_pairs.Motion:
        played: Callable[[], float | None] = iter([None, *speeds]).__next__
        extractor = flow_pairs._Dynamic(None, _info(frames, 8.0, stated))
        monkeypatch.setattr(extractor.pairs, "next", lambda frame: played())
        return _push(extractor, frames)

    monkeypatch.setattr(raft, "top_speed", lambda speed: speed)
    every, early = decide(None), decide(length)
    assert early.moving == every.moving == (sum(speeds[: length - cut - 1]) / 9 >= flow_pairs.needed(length - cut))
    assert every.pairs == length - cut - 1 >= early.pairs
    if cut == 0:
        assert early.pairs < every.pairs


def test_a_header_that_states_too_few_frames_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.zeros((40, 8, 8, 3), np.uint8)
    extractor = flow_pairs._Dynamic(None, _info(frames, 8.0, stated=8))
    flows = iter([None, *[9.0] * 40])
    monkeypatch.setattr(extractor.pairs, "next", lambda frame: next(flows))
    monkeypatch.setattr(raft, "top_speed", lambda speed: speed)
    with pytest.raises(Unscored, match="header states 8"):
        _push(extractor, frames)


def test_small_frames_and_single_frames_do_not_apply() -> None:
    with pytest.raises(NotApplicable, match="too_small"):
        _push(flow_pairs._Mean(torch.nn.Linear(1, 1)), np.zeros((2, 64, 200, 3), np.uint8))
    frame = np.zeros((1, 8, 8, 3), np.uint8)
    extractor = flow_pairs._Dynamic(None, _info(frame))
    extractor.pairs.next = lambda frame: None
    with pytest.raises(NotApplicable, match="too_short"):
        _push(extractor, frame)


def test_either_sides_names_load(golden: Golden) -> None:
    mapping = golden.home / "video" / "manifests" / "raft_to_torchvision.json"
    names = json.loads(mapping.read_text())
    assert {name: raft._renamed(name) for name in names} == names
