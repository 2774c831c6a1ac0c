"""Frame choice and crops."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avbench.metrics._backbones import _frames

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden


def _starts(case: dict[str, Any]) -> tuple[list[Fraction], Fraction]:
    base = Fraction(case["time_base"])
    starts = [base * (case["first_pts"] + i * case["frame_duration"]) for i in range(case["n_frames"])]
    return starts, starts[-1] + base * case["frame_duration"]


@pytest.mark.parametrize(("key", "rate"), [("sync_25", Fraction(25)), ("imagebind_0_5", Fraction(1, 2))])
def test_frames_are_those_of_libavfilter(golden: Golden, key: str, rate: Fraction) -> None:
    cases = golden.records("av_semantics/frame_selection")
    chosen = {name: case for name, case in cases.items() if key in case}
    assert chosen
    for name, case in chosen.items():
        assert _frames.at_rate(*_starts(case), rate).tolist() == case[key], name


@given(st.integers(1, 300), st.sampled_from([Fraction(8), Fraction(30000, 1001), Fraction(60)]))
def test_frames_follow_the_closed_form_of_a_constant_rate(frames: int, fps: Fraction) -> None:
    found = _frames.at_rate([i / fps for i in range(frames)], frames / fps, Fraction(25))
    slots = [math.floor(i * 25 / fps + Fraction(1, 2)) for i in range(frames + 1)]
    assert len(found) == slots[-1]
    assert found.tolist() == [max(i for i in range(frames) if slots[i] <= k) for k in range(slots[-1])]


@pytest.mark.parametrize(
    ("size", "shrunk"), [((360, 640), (224, 398)), ((500, 300), (373, 224)), ((224, 224), (224, 224))]
)
def test_the_short_side_becomes_224(size: tuple[int, int], shrunk: tuple[int, int]) -> None:
    small = _frames.shrink(np.zeros((1, *size, 3), np.uint8))
    assert (small.dtype, small.shape[2:]) == (torch.uint8, shrunk)


def test_crops_round_as_their_sources_do() -> None:
    columns = torch.arange(229).expand(1, 224, 229)  # 5 to spare: the middle is 2 for one and 3 for the other
    assert _frames.centre_crop(columns)[0, 0, 0] == 2
    assert [int(crop[0, 0, 0]) for crop in _frames.three_crops(columns)] == [0, 3, 5]
    assert [int(crop[0, 0, 0]) for crop in _frames.three_crops(columns.mT)] == [0, 3, 5]
