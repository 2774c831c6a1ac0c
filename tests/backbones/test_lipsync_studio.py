"""Faces embedded while frames go by equal faces cut out of the whole clip."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avbench.metrics._lipsync_crop import crops
from avbench.metrics._lipsync_studio import LEAST, WINDOW, Cast, Rule, Studio
from avbench.metrics._lipsync_track import PRESETS, tracks

LENGTH = 130
FRAMES = np.random.default_rng(0).integers(0, 256, (LENGTH, 24, 32, 3), dtype=np.uint8).repeat(10, 1).repeat(10, 2)
Detections = list[NDArray[np.float64]]


def _embed(crops: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """Numbers that tell windows apart: some pixels of the first and the last crop."""
    ends = np.stack([crops[:count], crops[WINDOW - 1 : WINDOW - 1 + count]], axis=1)
    return ends[:, :, ::56, ::56].reshape(count, -1).astype(np.float32)


def _detections(seed: int, absent: set[int]) -> Detections:
    """Two faces that wander; the first is out of sight in the frames `absent`."""
    rng = np.random.default_rng(seed)
    centres = np.cumsum(rng.normal(0, 2, (LENGTH, 2, 2)), axis=0) + np.array([[90.0, 120], [220, 120]])
    boxes = np.concatenate([centres - 60, centres + rng.uniform(55, 65, (LENGTH, 2, 1))], axis=2)
    faces = np.concatenate([boxes, np.full((LENGTH, 2, 1), 0.99)], axis=2)
    return [frame[1:] if number in absent else frame for number, frame in enumerate(faces)]


def _streamed(faces: Detections, rule: Rule, cuts: set[int], held: list[int] | None = None) -> Cast:
    cast = Cast(rule, Studio(_embed))
    frames: dict[int, NDArray[np.uint8]] = {}
    for number, found in enumerate(faces):
        if number in cuts:
            cast.cut(frames)
        frames[number] = FRAMES[number % LENGTH]
        cast.see(number, found, frames)
        for old in [old for old in frames if old < cast.needs(number + 1)]:
            del frames[old]
        if held is not None:
            held.append(len(frames))
    cast.cut(frames)
    return cast


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 1000),
    st.sets(st.integers(0, LENGTH - 1), max_size=40),
    st.sets(st.integers(20, LENGTH - 20), max_size=2),
    st.sampled_from(["reference", "mochabench"]),
)
def test_streamed_equals_whole(seed: int, absent: set[int], cuts: set[int], name: str) -> None:
    preset = replace(PRESETS[name], min_track=LEAST)
    faces = _detections(seed, absent)
    edges = [0, *sorted(cuts), LENGTH]
    wanted = tracks(faces, preset, list(pairwise(edges)))
    found = [face for face in _streamed(faces, Rule.of(preset), cuts).faces() if face.track.size > preset.min_face]
    assert [face.track.start for face in found] == [track.start for track in wanted]
    for face, track in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(face.track.boxes, track.boxes)
        cut = crops(list(FRAMES), track)
        np.testing.assert_array_equal(face.lip, _embed(cut, len(cut) - WINDOW))


def test_few_frames_are_held_however_long_the_clip() -> None:
    held: list[int] = []
    faces = _detections(0, set(range(60, 84))) * 4
    _streamed(faces, Rule.of(PRESETS["reference"]), set(), held)
    assert max(held) <= 31
    assert np.median(held) == 6


def test_a_face_is_embedded_once_for_all_rules() -> None:
    calls: list[int] = []

    def embed(crops: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
        calls.append(count)
        return _embed(crops, count)

    studio = Studio(embed)
    casts = [Cast(Rule.of(PRESETS[name]), studio) for name in ("reference", "latentsync", "mochabench")]
    frames = dict(enumerate(FRAMES))
    for number, found in enumerate(_detections(0, set())):
        for cast in casts:
            cast.see(number, found, frames)
    for cast in casts:
        cast.cut(frames)
    assert sum(calls) == 2 * (LENGTH - WINDOW)


@pytest.mark.parametrize(("size", "count"), [(100, 0), (101, 1)])
def test_small_faces_are_not_embedded(size: int, count: int) -> None:
    faces = [np.array([[100.0, 50, 100 + size, 50 + size, 0.99]])] * 300
    cast = _streamed(faces, Rule.of(PRESETS["reference"]), set())
    assert len(cast.faces()) == count
    assert cast.longest == (300, size)
