from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.errors import NotApplicable

MUTE = np.zeros(0, np.float32)


def sliding(speed: int, size: int = 128, count: int = 6) -> NDArray[np.uint8]:
    """A smooth texture that moves `speed` pixels a frame to the right, round the edge."""
    texture = np.random.default_rng(0).integers(0, 256, (size, size), np.uint8)
    soft = cv2.GaussianBlur(np.tile(texture, (3, 3)), (0, 0), 3)[size : 2 * size, size : 2 * size]
    wide = cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    return np.stack([np.repeat(np.roll(wide, speed * t, axis=1)[..., None], 3, 2) for t in range(count)])


@pytest.mark.parametrize("speed", [1, 2, 4])
def test_a_sliding_picture_gives_its_speed(arrays: Any, score: Any, speed: int) -> None:
    value = score("motion_flow", arrays(sliding(speed), MUTE, 1, fps=25.0))["motion_flow"]
    assert value == pytest.approx(25 * speed, rel=0.1)  # the edges, round which the texture jumps, cost a little


def test_frame_rate_does_not_matter(arrays: Any, score: Any) -> None:
    slow = score("motion_flow", arrays(sliding(4, count=7), MUTE, 1, fps=12.5))["motion_flow"]
    fast = score("motion_flow", arrays(sliding(2, count=13), MUTE, 1, fps=25.0))["motion_flow"]
    assert slow == pytest.approx(fast, rel=0.05)


def test_size_does_not_matter(arrays: Any, score: Any) -> None:
    small = sliding(2)
    large = np.stack([cv2.resize(frame, (256, 256), interpolation=cv2.INTER_LINEAR) for frame in small])
    values = [score("motion_flow", arrays(frames, MUTE, 1))["motion_flow"] for frames in (small, large)]
    assert values[0] == pytest.approx(values[1], rel=0.05)


def test_freezing_a_world_clip_lowers_it(arrays: Any, score: Any, world: Any) -> None:
    _, take = world("ambient", 8)
    values = []
    for kept in (101, 60, 20, 1):
        frames = take.frames.copy()
        frames[kept:] = frames[kept - 1]
        values.append(score("motion_flow", arrays(frames, MUTE, 1))["motion_flow"])
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.2 < values[0]


def test_one_frame_is_too_few(arrays: Any, score: Any) -> None:
    with pytest.raises(NotApplicable, match="too few frames"):
        score("motion_flow", arrays(sliding(1, count=1), MUTE, 1))
