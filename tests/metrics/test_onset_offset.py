from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.metrics._backbones.curve import Curve, find_lag, held
from avbench.records import Score, Status

RATE = 16_000
FRAME = 1 / 25
FLASHES = [9, 23, 31, 52, 66, 80]


def flashes(at: list[int] = FLASHES, count: int = 100) -> NDArray[np.uint8]:
    """A grey picture on which a bright square flashes up at each frame of `at` and fades."""
    frames = np.full((count, 64, 64, 3), 90, np.uint8)
    for index in at:
        for step in range(min(7, count - index)):
            frames[index + step, 20:40, 20:40] = 90 + 130 * 0.6**step
    return frames


def clicks(at: list[float], seconds: float = 4.0) -> NDArray[np.float32]:
    t = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).normal(size=len(t))
    sound = sum((t >= start) * np.exp(-np.maximum(t - start, 0) * 60) * noise for start in at)
    return np.asarray(0.2 * sound + 1e-3 * noise, np.float32)


@pytest.mark.parametrize("frames_late", [-20, -8, -1, 0, 1, 3, 8, 20])
def test_clicks_k_frames_late_give_k_frames(arrays: Any, score: Any, frames_late: int) -> None:
    sound = clicks([(index + frames_late) * FRAME for index in FLASHES])
    answer = score("onset_offset", arrays(flashes(), sound, RATE))
    assert answer["onset_offset"] == pytest.approx(frames_late * FRAME, abs=FRAME / 2)
    assert answer["onset_offset_abs"] == abs(answer["onset_offset"])
    assert answer["onset_offset_conf"] > 0.5


def test_loudness_and_chunks_do_not_matter(arrays: Any, score: Any) -> None:
    sound = clicks([index * FRAME + 0.1 for index in FLASHES])
    first = score("onset_offset", arrays(flashes(), sound, RATE, chunk=1))
    second = score("onset_offset", arrays(flashes(), 0.1 * sound, RATE, chunk=64))
    assert first == pytest.approx(second, abs=1e-3)


def test_a_late_start_of_the_video_counts(arrays: Any, score: Any) -> None:
    features = arrays(flashes(), clicks([index * FRAME for index in FLASHES]), RATE)
    features.times = features.times + 0.5  # the stream's start, as the container states it
    assert score("onset_offset", features)["onset_offset"] == pytest.approx(-0.5, abs=FRAME / 2)


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.9, 0.9), st.integers(0, 1000))
def test_any_lag_of_a_curve_is_found_below_the_grid(lag: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bumps = rng.uniform(1, 5, 6)
    times = np.arange(150) / 25

    def shape(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.exp(-(((t[:, None] - bumps) / 0.06) ** 2)).sum(axis=1))

    heard = shape(np.arange(600) / 100 - lag)
    found = find_lag(times, shape(times), Curve(heard, 100.0, 0.0), reach=1.0)
    assert found is not None
    assert found.seconds == pytest.approx(lag, abs=0.02)


@pytest.mark.parametrize("index", [8, 9, 14, 25, 32])  # drum, string, clock, impact, bell
@pytest.mark.parametrize("seconds", [-0.24, 0.32])  # earlier would cut off the first event
def test_it_follows_a_shift_of_a_world_clip(
    arrays: Any, score: Any, world: Any, late: Any, index: int, seconds: float
) -> None:
    prompt, take = world("ambient", index)
    as_rendered = score("onset_offset", arrays(take.frames, take.audio, take.sample_rate), prompt)
    moved = late(take.audio, seconds, take.sample_rate)
    shifted = score("onset_offset", arrays(take.frames, moved, take.sample_rate), prompt)
    assert abs(as_rendered["onset_offset"]) < 0.15
    assert shifted["onset_offset"] - as_rendered["onset_offset"] == pytest.approx(seconds, abs=1.1 * FRAME)


def test_reasons(arrays: Any, score: Any) -> None:
    sound = clicks([index * FRAME for index in FLASHES])
    with pytest.raises(Unscored, match="nothing moves"):
        score("onset_offset", arrays(np.full((100, 64, 64, 3), 9, np.uint8), sound, RATE))
    with pytest.raises(NotApplicable, match="silent"):
        score("onset_offset", arrays(flashes(), np.zeros(4 * RATE, np.float32), RATE))
    with pytest.raises(NotApplicable, match="no audio stream"):
        score("onset_offset", arrays(flashes(), np.zeros(0, np.float32), RATE))
    with pytest.raises(NotApplicable, match=r"video is too short: 0\.16 s"):
        score("onset_offset", arrays(flashes([2], count=5), sound, RATE))
    with pytest.raises(NotApplicable, match="too short"):
        score("onset_offset", arrays(flashes([2], count=1), sound, RATE))


def test_no_common_rhythm_leaves_the_offset_unscored(arrays: Any, score: Any) -> None:
    rng = np.random.default_rng(3)
    hiss = np.asarray(0.1 * rng.normal(size=12 * RATE), np.float32)
    static = rng.integers(0, 256, (300, 16, 16, 3), np.uint8)
    answer = score("onset_offset", arrays(static, hiss, RATE))
    assert isinstance(answer["onset_offset"], Score) and answer["onset_offset"].status is Status.UNSCORED
    assert answer["onset_offset_conf"] < 0.3


def test_a_held_picture_does_not_begin_to_change_before_it_does() -> None:
    times = np.array([0, 1, 2, 5, 6, 11, 12, 13, 14]) * FRAME
    change = np.array([0.0, 1, 2, 3, 4, np.nan, 6, 7, 8])
    steady = times[:3]
    assert held(steady, change[:3]) == (pytest.approx(steady), pytest.approx(change[:3]))
    filled, values = held(times, change)
    assert filled / FRAME == pytest.approx([0, 1, 2, 4, 5, 6, 10, 11, 12, 13, 14])
    assert values == pytest.approx([0, 1, 2, 0, 3, 4, np.nan, np.nan, 6, 7, 8], nan_ok=True)
    assert held(times[:1], change[:1]) == (pytest.approx([0]), pytest.approx([0]))
