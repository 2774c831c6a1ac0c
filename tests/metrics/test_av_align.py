from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.metrics.av_align import iou_often, iou_once, iou_two_sided, local_maxima
from avbench.records import Score, Status

RATE = 22_050
Times = NDArray[np.float64]
times = st.lists(st.integers(0, 200), max_size=12, unique=True).map(lambda ticks: np.sort(np.array(ticks, float) / 40))


def test_equal_times_reach_one() -> None:
    peaks = np.array([0.2, 0.8, 1.6])
    assert iou_once(peaks, peaks, 0.04) == iou_often(peaks, peaks, 0.04) == iou_two_sided(peaks, peaks, 0.04) == 1.0


@given(times, times)
def test_the_values_stay_in_their_range(onsets: Times, peaks: Times) -> None:
    assert 0 <= iou_once(onsets, peaks, 0.04) <= 1
    assert 0 <= iou_two_sided(onsets, peaks, 0.04) <= 1
    assert iou_once(onsets, peaks, 0.04) <= iou_often(onsets, peaks, 0.04)


@given(times, times)
def test_two_sided_is_symmetric(onsets: Times, peaks: Times) -> None:
    assert iou_two_sided(onsets, peaks, 0.04) == pytest.approx(iou_two_sided(peaks, onsets, 0.04))


@given(times, times, st.integers(0, 40))
def test_moving_both_sides_changes_nothing(onsets: Times, peaks: Times, ticks: int) -> None:
    by = ticks / 8  # a power of two: sums stay exact, and so do the comparisons
    exact_onsets, exact_peaks = np.round(onsets * 64) / 64, np.round(peaks * 64) / 64
    assert iou_once(exact_onsets + by, exact_peaks + by, 0.05) == iou_once(exact_onsets, exact_peaks, 0.05)


def test_only_strict_maxima_above_the_floor_are_peaks() -> None:
    magnitude = np.array([0.5, 0.2, 0.3, 0.2, 0.05, 0.08, 0.05, 0.4, 0.4, 0.1, 0.9])
    assert local_maxima(magnitude, 0.0).tolist() == [3, 6]
    assert local_maxima(magnitude, 0.1).tolist() == [3]


def jumps(at: list[int], count: int = 75) -> NDArray[np.uint8]:
    """A textured square that creeps by 1 px, and jumps by 5 at the frames `at`."""
    texture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8).repeat(2, 0).repeat(2, 1)[:24, :24]
    frames, x = np.full((count, 64, 96, 3), 100, np.uint8), 4
    for index in range(count):
        x += 5 if index in at else 0
        frames[index, 20:44, x : x + 24] = texture
    return frames


def clicks(at: list[float], seconds: float = 3.0) -> NDArray[np.float32]:
    """Decaying bursts of noise at the times `at`."""
    t = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).normal(size=len(t))
    sound = sum((t >= start) * np.exp(-np.maximum(t - start, 0) * 60) * noise for start in at)
    return np.asarray(0.2 * sound + 1e-3 * noise, np.float32)


def test_jumps_and_clicks_together_align(arrays: Any, score: Any) -> None:
    frames = jumps([12, 30, 55])
    together = score("av_align", arrays(frames, clicks([12 / 25, 30 / 25, 55 / 25]), RATE))
    apart = score("av_align", arrays(frames, clicks([20 / 25, 40 / 25, 65 / 25]), RATE))
    assert together["av_align"] >= 0.75  # three pairs; librosa may hear the noise set in at the start
    assert apart["av_align"] == 0.0


def test_loudness_does_not_matter(arrays: Any, score: Any) -> None:
    frames, sound = jumps([12, 30, 55]), clicks([0.5, 1.2, 2.2])
    loud, quiet = (score("av_align", arrays(frames, gain * sound, RATE)) for gain in (1.0, 0.25))
    assert loud == quiet


def test_nothing_to_align_is_not_zero(arrays: Any, score: Any) -> None:
    still = score("av_align", arrays(np.full((75, 32, 32, 3), 9, np.uint8), clicks([1.0]), RATE))["av_align"]
    assert isinstance(still, Score) and still.status is Status.NOT_APPLICABLE and "motion has no peak" in still.reason
    with pytest.raises(NotApplicable, match="silent"):
        score("av_align", arrays(jumps([12]), np.zeros(3 * RATE, np.float32), RATE))
    with pytest.raises(NotApplicable, match="at least 3"):
        score("av_align", arrays(jumps([1], count=2), clicks([1.0]), RATE))
