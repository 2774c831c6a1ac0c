from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avbench.errors import NotApplicable

MUTE = np.zeros(0, np.float32)


def test_a_still_clip_reaches_one(arrays: Any, score: Any) -> None:
    frames = np.full((5, 8, 8, 3), 77, np.uint8)
    assert score("temporal_flickering", arrays(frames, MUTE, 1))["temporal_flickering"] == 1.0


def test_alternating_levels_have_a_closed_form(arrays: Any, score: Any) -> None:
    frames = np.zeros((6, 8, 8, 3), np.uint8)
    frames[1::2] = 51  # a fifth of full scale
    assert score("temporal_flickering", arrays(frames, MUTE, 1))["temporal_flickering"] == pytest.approx(0.8)


def test_chunks_do_not_matter(arrays: Any, score: Any) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (11, 20, 30, 3), np.uint8)
    values = {score("temporal_flickering", arrays(frames, MUTE, 1, chunk=k))["temporal_flickering"] for k in (1, 4, 64)}
    assert len(values) == 1


def test_more_noise_flickers_more(arrays: Any, score: Any, world: Any) -> None:
    _, take = world("ambient", 8)
    noise = np.random.default_rng(1).normal(size=take.frames.shape)
    values = []
    for amount in (0, 4, 8, 16):
        frames = np.clip(take.frames + amount * noise, 0, 255).astype(np.uint8)
        values.append(score("temporal_flickering", arrays(frames, MUTE, 1))["temporal_flickering"])
    assert values == sorted(values, reverse=True) and len(set(values)) == 4


def test_one_frame_is_too_few(arrays: Any, score: Any) -> None:
    with pytest.raises(NotApplicable, match="too few frames: 1, at least 2"):
        score("temporal_flickering", arrays(np.zeros((1, 8, 8, 3), np.uint8), MUTE, 1))
