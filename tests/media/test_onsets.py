"""Onsets and mel filters are librosa's, without librosa."""

from __future__ import annotations

import numpy as np
import pytest

from avbench.media.mel import slaney_filters
from avbench.media.onsets import onset_strength, onset_times


def bursts(rate: int, seed: int) -> np.ndarray:
    """Two seconds of noise with decaying tones at random times."""
    draw = np.random.default_rng(seed)
    samples = 0.01 * draw.standard_normal(2 * rate)
    for start in draw.uniform(0, 1.8, 5):
        time = np.arange(2 * rate) / rate - start
        samples += np.where(time > 0, np.exp(-20 * np.abs(time)) * np.sin(900 * time * (1 + start)), 0)
    return samples.astype(np.float32)


@pytest.mark.parametrize(("rate", "window", "bands"), [(22_050, 2048, 128), (16_000, 512, 40), (44_100, 2048, 128)])
def test_equal_to_librosa(rate: int, window: int, bands: int) -> None:
    librosa = pytest.importorskip("librosa", reason="the reference; in the extra dev")
    ours, theirs = slaney_filters(rate, window, bands), librosa.filters.mel(sr=rate, n_fft=window, n_mels=bands)
    assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-9)
    for seed in range(5):
        samples = bursts(rate, seed)
        curve = librosa.onset.onset_strength(y=samples, sr=rate, n_fft=window, n_mels=bands)
        assert onset_strength(samples, rate, 512, window, bands) == pytest.approx(curve, abs=1e-3)
        times = librosa.onset.onset_detect(y=samples, sr=rate, units="time")
        assert onset_times(samples, rate).tolist() == times.tolist()


def test_each_band_has_the_same_area() -> None:
    filters = slaney_filters(16_000, 8192, 20)
    assert filters.sum(axis=1) * 16_000 / 8192 == pytest.approx(np.ones(20), rel=0.02)


def test_silence_and_a_step_have_no_and_one_onset() -> None:
    assert onset_times(np.zeros(22_050, np.float32), 22_050).size == 0
    step = np.zeros(22_050, np.float32)
    step[11_025:] = np.sin(np.arange(11_025) * 0.2)
    assert onset_times(step, 22_050) == pytest.approx([0.5], abs=0.05)
