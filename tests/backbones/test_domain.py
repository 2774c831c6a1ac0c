"""The domain check: the world and what befalls it is in, everything else is out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.metrics._backbones import domain
from avbench.metrics._backbones._shipped import shipped
from avbench.parts import Benchmark
from avbench.records import Sample
from avbench.registry import load
from avbench.world.render import render


def looks(frames: NDArray[np.uint8]) -> float:
    """The mean logit of square frames (T, H, W, 3), looked at as the backbone does."""
    size = (domain.SIZE, domain.SIZE)
    small = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])
    return float(domain.look(shipped(domain.load_sized, "domain"), small.astype(np.uint8)).mean())


def test_noise_plain_colours_and_gradients_are_strangers() -> None:
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 64).astype(np.uint8)[None, None, :, None].repeat(64, 1).repeat(3, 3)
    for frames in (rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8), np.full((2, 64, 64, 3), 120, np.uint8), ramp):
        assert looks(frames) < domain.LEAST


@pytest.mark.parametrize("suite", ["speech", "ambient"])
def test_the_world_is_no_stranger(suite: str) -> None:
    take = render(load(Benchmark, suite)().prompts()[3], seed=991, size=64, seconds=0.5)
    assert looks(take.frames[::6]) > domain.LEAST
    assert looks((take.frames[::6] * 0.6).astype(np.uint8)) > domain.LEAST


def test_a_clip_is_refused_with_a_reason(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (25, 48, 64, 3), dtype=np.uint8)
    write(tmp_path / "a.mp4", Sample(frames, Fraction(25), np.zeros(16000, np.float32), 16000))
    with pytest.raises(Unscored, match="out of domain"):
        domain.check_world(sweep(tmp_path / "a.mp4", [domain.WorldLook()]))


@pytest.mark.slow
def test_no_real_or_foreign_clip_passes(shared: Path) -> None:
    paths = [p for p in sorted((shared / "media").iterdir()) if p.suffix in (".mp4", ".mpg", ".png", ".flac", ".wav")]
    assert len(paths) >= 10
    for path in paths:
        with pytest.raises((Unscored, NotApplicable)):
            domain.check_world(sweep(path, [domain.WorldLook()]))


@pytest.mark.slow
def test_clips_of_every_suite_pass() -> None:
    told = []
    for suite in ("ambient", "speech", "speech-zh", "complex", "uniavatar"):
        for index, prompt in enumerate(load(Benchmark, suite)().prompts()[::5]):
            take = render(prompt, seed=992 + index, size=(64, 128)[index % 2], seconds=1.0)
            told.append(looks(take.frames[::12]) > domain.LEAST)
    assert np.mean(told) >= 0.98
