"""The resampling of resampy 0.4 (filter `kaiser_best`), without its compiler: what VGGish's reference hears."""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

ZEROS, BETA, ROLLOFF = 50, 12.984585247040012, 0.9173473712608761  # zero crossings a side; shape, corner of the window
TABLE = 1 << 13  # the filter is a table of so many values a zero crossing, with straight lines in between


def resample(samples: NDArray[np.float32], rate: int, to: int) -> NDArray[np.float32]:
    """(n,) at `rate` Hz to (int(n * to / rate),) at `to` Hz.

    Sums are of float32, sample by sample from the middle outwards, as the reference adds: the logarithms of quiet
    bands show any other order.
    """
    if rate == to:
        return samples
    common = gcd(rate, to)
    up, down = to // common, rate // common
    count = int(len(samples) * to / rate)
    left, right = _wings(up, down)
    taps = left.shape[1]
    at = np.arange(-(-count // up))[:, None] * down + np.arange(up) * down // up  # the input sample before each output
    wave = np.zeros(taps + int(at.max(initial=0)) + taps + 1)
    wave[taps : taps + len(samples)] = samples[: len(wave) - taps]
    found = np.zeros(at.shape, np.float32)
    for step, wing, first in ((-1, left, taps), (1, right, taps + 1)):
        for tap in range(taps):
            found = (found + wing[:, tap] * wave[at + (first + step * tap)]).astype(np.float32)
    return found.reshape(-1)[:count]


@lru_cache(maxsize=8)
def _wings(up: int, down: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weights of the samples before and after, (up, taps) each, for each place of an output between inputs.

    Steps through the table are whole, as the reference has them: with a fraction the filter would be another.
    """
    scale = min(1.0, up / down)
    step = int(scale * TABLE)
    taps = (ZEROS * TABLE + 1) // step
    part = scale * (np.arange(up) * down % up / up)
    left, right = (np.stack([_filter(start * TABLE, step, taps) for start in wing]) for wing in (part, scale - part))
    return scale * left, scale * right


def _filter(start: float, step: int, taps: int) -> NDArray[np.float64]:
    """The table's values from `start` on, every `step`, then zeros."""
    table, offset = _table(), int(start)
    index = offset + step * np.arange((len(table) - offset) // step)
    values = np.zeros(taps)
    after = table[np.minimum(index + 1, len(table) - 1)]
    values[: len(index)] = table[index] + (start - offset) * (after - table[index])
    return values


@lru_cache(maxsize=1)
def _table() -> NDArray[np.float64]:
    """The right half of the filter, (ZEROS * TABLE + 1,)."""
    size = ZEROS * TABLE
    taper = np.kaiser(2 * size + 1, BETA)[size:]
    return np.asarray(taper * ROLLOFF * np.sinc(ROLLOFF * np.linspace(0, ZEROS, size + 1)))
