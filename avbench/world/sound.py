"""Sounds from physics in a few lines: modes that ring, noise in a band, strings, rooms. All float64 at 16 kHz."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

RATE = 16000
Signal = NDArray[np.float64]


def modes(seconds: float, hz: Sequence[float], decay: Sequence[float], gain: Sequence[float]) -> Signal:
    """A struck body: damped sinusoids of `hz`, falling to 1/e in `decay` seconds, with `gain`."""
    t = np.arange(int(seconds * RATE)) / RATE
    out = np.zeros_like(t)
    for f, d, g in zip(hz, decay, gain, strict=True):
        if f < RATE / 2:
            out += g * np.exp(-t / d) * np.sin(2 * np.pi * f * t)
    return out


def noise(rng: np.random.Generator, count: int, low: float, high: float) -> Signal:
    """White noise through a band of `low` to `high` Hz, unit root mean square."""
    sos = butter(2, (max(20.0, low), min(high, 0.49 * RATE)), "bandpass", fs=RATE, output="sos")
    out: Signal = sosfilt(sos, rng.standard_normal(count + 400))[400:]
    return out / (float(np.sqrt(np.mean(out**2))) + 1e-12)


def burst(rng: np.random.Generator, seconds: float, low: float, high: float, decay: float) -> Signal:
    """Noise that starts at once and falls to 1/e in `decay` seconds."""
    n = int(seconds * RATE)
    return noise(rng, n, low, high) * np.exp(-np.arange(n) / RATE / decay)


def pluck(rng: np.random.Generator, seconds: float, hz: float, damping: float = 0.996) -> Signal:
    """A plucked string (Karplus and Strong 1983), tuned by linear interpolation of the loop."""
    n = int(seconds * RATE)
    period = RATE / hz - 0.5
    whole = int(period)
    part = period - whole
    start = np.zeros(n)
    start[: whole + 1] = lfilter([0.5, 0.5], [1], rng.uniform(-1, 1, whole + 1))
    loop = np.zeros(whole + 3)
    loop[0] = 1
    loop[whole] -= damping * 0.5 * (1 - part)
    loop[whole + 1] -= damping * 0.5
    loop[whole + 2] -= damping * 0.5 * part
    return np.asarray(lfilter([1.0], loop, start), np.float64)


def add(track: Signal, piece: Signal, at: float, gain: float = 1.0) -> None:
    """Mixes `piece` into `track` from second `at` on; what falls outside is lost."""
    start = round(at * RATE)
    lead = max(0, -start)
    piece = piece[lead : lead + max(0, len(track) - max(0, start))]
    track[max(0, start) : max(0, start) + len(piece)] += gain * piece


def room(track: Signal, seed: int, seconds: float, wet: float) -> Signal:
    """Adds the reverberation of a room: decaying noise, no pre-delay, so that onsets stay where they are."""
    if wet <= 0:
        return track
    rng = np.random.default_rng((seed, 0x400E))
    n = int(seconds * RATE)
    tail = rng.standard_normal(n) * np.exp(-5 * np.arange(n) / n)
    tail /= np.sqrt(np.sum(tail**2))
    wetted: Signal = track + wet * fftconvolve(track, tail)[: len(track)]
    return wetted


def stretch(curve: Signal, count: int) -> Signal:
    """A control curve as `count` samples."""
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(curve)), curve)


def level(track: Signal, rms: float) -> Signal:
    """Scales so that the loudest 100 ms have the root mean square `rms`; silence stays silence."""
    if not np.any(track):
        return track
    power = np.convolve(track**2, np.ones(1600) / 1600, "same")
    return track * (rms / (float(np.sqrt(power.max())) + 1e-12))
