"""The signal metrics against the reference implementations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.media.onsets import onset_times
from avbench.metrics.av_align import iou_often, iou_once, iou_two_sided, local_maxima

Golden = Callable[[str], Path]


def test_av_align_rules(golden: Golden) -> None:
    cases = json.loads(golden("distribution/{}_avpure.json").read_text())["align"]
    assert len(cases) > 5
    for name, case in cases.items():
        onsets, peaks, step = np.array(case["audio"]), np.array(case["video"]), 1 / case["fps"]
        ours = {
            "tempotokens_2023": iou_often(onsets, peaks, step),
            "tempotokens_2025": iou_once(onsets, peaks, step),
            "javisbench": iou_often(onsets, peaks, step, guard=1e-6),
            "svg_baseline": iou_two_sided(onsets, peaks, step),
            "mova": iou_once(onsets, peaks, step),
        }
        for variant, value in ours.items():
            if case[variant] == "ZeroDivisionError":
                assert len(onsets) + len(peaks) == 0
            else:
                assert value == pytest.approx(case[variant], abs=1e-9), (name, variant)


def test_local_maxima(golden: Golden) -> None:
    case = json.loads(golden("distribution/{}_avpure.json").read_text())["local_max"]
    curve = np.array(case["curve"])
    assert curve[0] == curve[1]
    for key, floor in (("no_threshold", 0.0), ("threshold_0p1", 0.1)):
        assert local_maxima(curve[1:], floor) / case["fps"] == pytest.approx(case[key])


@pytest.mark.parametrize("rate", [22_050, 16_000, 44_100])
def test_onsets(golden: Golden, golden_inputs: Any, rate: int) -> None:
    path = golden("distribution/{}_avalign_dsp.json")
    case = json.loads(path.read_text())["onset"][str(rate)]
    times, samples = golden_inputs.clicks(path.name.split("_")[0], rate)
    assert times.tolist() == case["true"]
    assert onset_times(samples, rate) == pytest.approx(case["times"])


def test_flow(golden: Golden, golden_inputs: Any, arrays: Any) -> None:
    from avbench.metrics._backbones.flow import Flow

    path = golden("distribution/{}_avalign_dsp.json")
    case = json.loads(path.read_text())["flow"]
    frames = np.stack(golden_inputs.flow_frames(path.name.split("_")[0]))[..., ::-1]
    flow = arrays(np.ascontiguousarray(frames), np.zeros(0, np.float32), 1, fps=case["fps"])[Flow()]
    assert flow.magnitude == pytest.approx(case["trajectory"][1:], abs=1e-2)
    assert flow.times[local_maxima(flow.magnitude, 0.1)] == pytest.approx(case["peaks"])


def test_temporal_flickering(golden: Golden, golden_inputs: Any, arrays: Any, score: Any) -> None:
    meta = json.loads(str(np.load(golden("video/{}_aggregate.npz"))["meta"]))
    for case in meta["tf"]:
        frames = noisy_frames(golden_inputs.seeded_array, case)
        answer = score("temporal_flickering", arrays(frames, np.zeros(0, np.float32), 1))
        assert answer["temporal_flickering"] == pytest.approx(case["score"], abs=1e-7)


def noisy_frames(seeded_array: Any, case: dict[str, Any]) -> NDArray[np.uint8]:
    """`frames(case, n, h, w, dy, dx)` of the video goldens' README."""

    def unit(name: str, *shape: int) -> NDArray[np.float32]:
        flat = 10 * seeded_array(f"input/{case['case']}/{name}", (int(np.prod(shape)),))
        return np.asarray(flat.reshape(shape), np.float32)

    h, w = case["h"], case["w"]
    coarse = unit("coarse", -(-h // 8), -(-w // 8), 3).repeat(8, 0).repeat(8, 1)[:h, :w]
    base = np.float32(40) * coarse + np.float32(8) * unit("fine", h, w, 3) + np.float32(127.5)
    rolled = (np.roll(base, (t * case["dy"], t * case["dx"]), (0, 1)) for t in range(case["n"]))
    noisy = [frame + np.float32(2) * unit(f"noise{t}", h, w, 3) for t, frame in enumerate(rolled)]
    return np.stack([np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in noisy])
