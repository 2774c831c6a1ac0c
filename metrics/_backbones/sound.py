"""What every backbone over audio checks first: that there is finite sound, long enough to measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.parts import Audio

SILENCE_DBFS = -60.0  # a 20 ms window below this holds nothing a listener hears at a normal level


def finite(audio: Audio, seconds: float = 0.0) -> NDArray[np.float32]:
    """The samples, when all are finite and last at least `seconds`; else Unscored or NotApplicable with the reason."""
    samples = audio.samples
    length = len(samples) / audio.rate
    if length == 0 or length < seconds:
        raise NotApplicable(f"audio is too short: {length:.2f} s, at least {max(seconds, 1 / audio.rate):.2f} s needed")
    broken = int(np.count_nonzero(~np.isfinite(samples)))
    if broken:
        raise Unscored(f"audio holds {broken} samples that are not finite numbers")
    return samples


def audible(audio: Audio, seconds: float = 0.0) -> NDArray[np.float32]:
    """As `finite`; NotApplicable when no 20 ms window reaches -60 dBFS, since silence has no timing."""
    samples = finite(audio, seconds)
    if window_dbfs(samples, audio.rate).max() < SILENCE_DBFS:
        raise NotApplicable(f"audio is silent: no 20 ms window reaches {SILENCE_DBFS:.0f} dBFS")
    return samples


def window_dbfs(samples: NDArray[np.float32], rate: int, seconds: float = 0.02) -> NDArray[np.float64]:
    """RMS level of consecutive windows in dBFS, floored at -120; the loudest channel counts. (S,) or (S, C) -> (W,)."""
    channels = samples.reshape(len(samples), -1).astype(np.float64)
    size = max(1, round(rate * seconds))
    starts = np.arange(0, len(channels), size)
    counts = np.diff(np.append(starts, len(channels)))
    power = np.add.reduceat(channels**2, starts, axis=0).max(axis=1) / counts
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))
