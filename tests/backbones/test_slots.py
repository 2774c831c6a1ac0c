"""Output frames while decoding equal those of the whole clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avbench.media.info import MediaInfo, VideoInfo
from avbench.metrics._backbones._frames import at_rate
from avbench.metrics._backbones._slots import Slots

RATES = [8, 12, 15, 16, Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 30, 50, 60]


def _info(fps: Fraction) -> MediaInfo:
    return MediaInfo(Path("clip"), "array", VideoInfo(0, "raw", "rgb24", 64, 64, 0, fps, 0.0, None, None), None)


def _shown(starts: list[float], fps: Fraction, rate: Fraction) -> tuple[list[int], Slots[int]]:
    slots = Slots[int](rate, _info(fps))
    found = [slots.push(i, time) for i, time in enumerate(starts)] + [slots.close()]
    kept = [shown for shown in found if shown is not None]
    assert [shown.slot for shown in kept[1:]] == [shown.slot + shown.count for shown in kept[:-1]]
    return [shown.frame for shown in kept for _ in range(shown.count)], slots


@given(st.sampled_from(RATES), st.integers(1, 200), st.sampled_from([Fraction(25), Fraction(1, 2)]))
def test_constant_rates(fps: Fraction, frames: int, rate: Fraction) -> None:
    fps = Fraction(fps)
    starts = [Fraction(i) / fps for i in range(frames)]
    found, slots = _shown([float(start) for start in starts], fps, rate)
    assert found == at_rate(starts, frames / fps, rate).tolist()
    assert slots.seconds == pytest.approx(frames / fps)


def test_a_late_start_is_kept_and_a_held_frame_is_repeated() -> None:
    found, slots = _shown([0.5, 0.54, 0.7, 0.74], Fraction(25), Fraction(25))
    assert found == [0, 1, 1, 1, 1, 2, 3]
    assert slots.start == 0.5


def test_nothing_comes_of_nothing() -> None:
    assert _shown([], Fraction(25), Fraction(25))[0] == []
