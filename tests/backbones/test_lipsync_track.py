"""Tracking and cropping against the reference's numbers, and at their edges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.metrics._lipsync_crop import crops, smooth
from avbench.metrics._lipsync_track import PRESETS, Track, tracks

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden

REFERENCE = PRESETS["reference"]


def _face(x: float, size: float = 200.0, y: float = 0.0) -> NDArray[np.float64]:
    return np.array([[x, y, x + size, y + size, 0.99]])


def _still(frames: int) -> list[NDArray[np.float64]]:
    return [_face(50.0)] * frames


@pytest.mark.parametrize(("min_track", "min_face"), [(100, 100), (50, 100), (25, 50)])
def test_tracks(golden: Golden, min_track: int, min_face: int) -> None:
    inputs, expected = golden.inputs("lipsync/track"), golden.expected("lipsync/track")
    faces = [every[seen] for every, seen in zip(inputs["faces"], inputs["present"], strict=True)]
    found = tracks(
        [frame[np.argsort(-frame[:, 4], kind="stable")] for frame in faces],
        replace(REFERENCE, min_track=min_track, min_face=min_face),
    )
    assert len(found) == expected[f"n_{min_track}_{min_face}"]
    for i, track in enumerate(found):
        key = f"t_{min_track}_{min_face}_{i}"
        np.testing.assert_array_equal(np.arange(track.start, track.stop), expected[f"{key}_frame"])
        np.testing.assert_array_equal(track.boxes, expected[f"{key}_bbox"])


def test_crops(golden: Golden) -> None:
    inputs, expected = golden.inputs("lipsync/crop"), golden.expected("lipsync/crop")
    track = Track(0, inputs["boxes"], 60)
    path = smooth(track)
    for side, found in (("s", path.half), ("x", path.x), ("y", path.y)):
        np.testing.assert_array_equal(found, expected[side])
    cut = crops(inputs["frames"], track)
    np.testing.assert_allclose(cut[:, 8::16, 8::16].astype(int), expected["sub"], atol=1, rtol=0)
    per_channel = cut.astype(np.int64).sum(axis=(1, 2))
    np.testing.assert_allclose(per_channel, expected["sums"], atol=224 * 224 // 100)  # 1 on every hundredth pixel


@pytest.mark.parametrize(("frames", "count"), [(100, 0), (101, 1)])
def test_four_seconds_are_one_frame_short(frames: int, count: int) -> None:
    assert len(tracks(_still(frames), REFERENCE)) == count


@pytest.mark.parametrize(("gap", "lengths"), [(24, [124]), (25, [])])
def test_a_gap_of_more_than_25_frames_ends_a_track(gap: int, lengths: list[int]) -> None:
    empty = np.empty((0, 5))
    faces = [*_still(50), *[empty] * gap, *_still(50)]
    assert [len(track.boxes) for track in tracks(faces, replace(REFERENCE, min_track=60))] == lengths


def test_a_cut_ends_a_track() -> None:
    assert len(tracks(_still(204), REFERENCE, [(0, 102), (102, 204)])) == 2
    assert tracks(_still(204), REFERENCE, [(0, 100), (100, 150), (150, 204)]) == []


def test_a_face_of_100_pixels_is_too_small() -> None:
    assert tracks([_face(0, size=100.0)] * 120, REFERENCE) == []
    assert len(tracks([_face(0, size=100.5)] * 120, REFERENCE)) == 1


def test_mochabench_looks_at_one_face_of_a_frame() -> None:
    """The stranger comes first in every second frame: there MoChaBench sees no match, the reference looks on."""
    friend, stranger = _face(50.0), _face(900.0)
    faces = [np.concatenate([stranger, friend] if t % 2 else [friend, stranger]) for t in range(102)]
    followed = {preset: tracks(faces, PRESETS[preset])[0].detections for preset in ("latentsync", "mochabench")}
    assert followed == {"latentsync": 102, "mochabench": 51}


def test_a_face_at_the_edge_is_padded_with_grey() -> None:
    white = np.full((240, 320, 3), 255, np.uint8)
    (cut, *_) = crops([white] * 9, Track(0, np.tile([-40.0, 100, 40, 180], (9, 1)), 9))
    assert (cut[:, :100] == 110).all()
    assert (cut[:, 124:] == 255).all()


def test_a_track_too_short_to_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="6 frames is too short"):
        smooth(Track(0, np.tile([0.0, 0, 200, 200], (6, 1)), 6))
