"""Loudness, levels, bandwidth and speech share against closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.media.sweep import sweep
from avbench.metrics._backbones.levels import clipped_share
from avbench.metrics._backbones.vad import VoiceActivity

RATE = 48_000
FRAMES = np.zeros((2, 8, 8, 3), np.uint8)


def sine(hertz: float, gain: float = 1.0, seconds: float = 2.0) -> NDArray[np.float32]:
    return np.asarray(gain * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE), np.float32)


def test_loudness_of_the_reference_tone(arrays: Any, score: Any) -> None:
    """BS.1770: a 997 Hz sine at 0 dBFS in one channel has -3.01 LUFS; 20 dB less gives 20 LU less."""
    values = [score("loudness", arrays(FRAMES, sine(997, gain), RATE))["loudness_lufs"] for gain in (1.0, 0.1)]
    assert values == pytest.approx([-3.01, -23.01], abs=0.05)


def test_loudness_says_why_there_is_none(arrays: Any, score: Any) -> None:
    with pytest.raises(NotApplicable, match=r"too short: 0\.39 s, at least 0\.40 s"):
        score("loudness", arrays(FRAMES, sine(997, seconds=0.39), RATE))
    with pytest.raises(Unscored, match="silent"):
        score("loudness", arrays(FRAMES, np.zeros(RATE, np.float32), RATE))


def test_silence_ratio_counts_windows(arrays: Any, score: Any) -> None:
    half = np.concatenate([sine(440, 0.1), np.zeros(2 * RATE, np.float32)])
    values = [score("audio_levels", arrays(FRAMES, s, RATE))["silence_ratio"] for s in (sine(440), half, 0 * half)]
    assert values == [0.0, 0.5, 1.0]


def test_clipping_counts_flat_tops_only() -> None:
    clean = np.array([0.0, 1.0, 0.0, -1.0, 0.0, 0.5, 0.5, 0.5, 0.0, 0.0], np.float32)[:, None]
    flat = np.array([0.0, 1.0, 1.0, 1.0, 0.0, -1.0, -1.0, 0.0, 1.0, -1.0], np.float32)[:, None]
    assert clipped_share(clean) == 0.0
    assert clipped_share(flat) == 0.5
    assert clipped_share(np.concatenate([clean, flat], axis=1)) == 0.25


def test_more_gain_clips_more(arrays: Any, score: Any) -> None:
    values = []
    for gain in (0.9, 1.1, 2.0, 8.0):
        samples = np.clip(gain * sine(440), -1, 1)
        values.append(score("audio_levels", arrays(FRAMES, samples, RATE))["clipping_ratio"])
    assert values[0] == 0.0
    assert values == sorted(values) and len(set(values)) == 4
    assert values[2] == pytest.approx(2 / 3, abs=0.01)  # |sin| > 1/2 two thirds of the time


@pytest.mark.parametrize("hertz", [500.0, 4000.0, 15_000.0])
@pytest.mark.parametrize("gain", [1.0, 0.05])
def test_bandwidth_of_a_tone_is_its_frequency(arrays: Any, score: Any, hertz: float, gain: float) -> None:
    value = score("bandwidth", arrays(FRAMES, sine(hertz, gain), RATE))["bandwidth_hz"]
    assert value == pytest.approx(hertz, abs=2 * RATE / 2048)


def test_bandwidth_of_filtered_noise_falls(arrays: Any, score: Any) -> None:
    from scipy.signal import butter, sosfilt

    noise = 0.1 * np.random.default_rng(0).normal(size=2 * RATE)
    values = []
    for edge in (20_000, 8_000, 3_400):
        band = sosfilt(butter(8, edge, fs=RATE, output="sos"), noise)
        values.append(score("bandwidth", arrays(FRAMES, band.astype(np.float32), RATE))["bandwidth_hz"])
    assert values == pytest.approx([20_000, 8_000, 3_400], rel=0.15)  # the filter's skirt
    with pytest.raises(Unscored, match="silent"):
        score("bandwidth", arrays(FRAMES, np.zeros(RATE, np.float32), RATE))


def test_speech_ratio(arrays: Any, score: Any) -> None:
    assert score("speech_ratio", arrays(FRAMES, np.zeros(RATE, np.float32), RATE))["speech_ratio"] == 0.0
    hiss = np.asarray(0.05 * np.random.default_rng(0).normal(size=2 * RATE), np.float32)
    assert score("speech_ratio", arrays(FRAMES, hiss, RATE))["speech_ratio"] == 0.0
    with pytest.raises(NotApplicable, match="too short"):
        score("speech_ratio", arrays(FRAMES, hiss[: RATE // 5], RATE))


def test_speech_ratio_does_not_depend_on_what_came_before(shared: Path, score: Any, world: Any, arrays: Any) -> None:
    path = shared / "media" / "jfk.flac"
    first = score("speech_ratio", sweep(path, [VoiceActivity()]))
    _, take = world("ambient", 8)
    score("speech_ratio", arrays(take.frames, take.audio, take.sample_rate))
    assert score("speech_ratio", sweep(path, [VoiceActivity()])) == first
    assert 0.6 < first["speech_ratio"] < 0.9


@pytest.mark.parametrize("name", ["loudness", "audio_levels", "bandwidth", "speech_ratio"])
def test_numbers_that_are_not_finite_never_become_a_score(arrays: Any, score: Any, name: str) -> None:
    samples = sine(440)
    samples[1000] = np.nan
    with pytest.raises(Unscored, match="not finite"):
        score(name, arrays(FRAMES, samples, 16_000))
