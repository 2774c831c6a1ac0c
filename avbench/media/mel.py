"""The mel filter bank that the field's audio front ends share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LINEAR_HZ = 200 / 3  # below 1 kHz a mel is two thirds of 100 Hz; above, 27 mels are a factor of 6.4
_KNEE_HZ, _KNEE_MEL, _LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27


def slaney_filters(
    rate: int, window: int, bands: int, low: float = 0.0, high: float | None = None
) -> NDArray[np.float32]:
    """Triangles of equal area on the mel scale of Slaney's Auditory Toolbox: (bands, window // 2 + 1) float32.

    The same as `librosa.filters.mel` with its defaults. `low` and `high` in Hz; `high` is half the rate unless given.
    """
    high = rate / 2 if high is None else high
    corners = _to_hz(np.linspace(_to_mel(low), _to_mel(high), bands + 2))
    bins = np.linspace(0, rate / 2, window // 2 + 1)
    rise = (bins - corners[:-2, None]) / np.diff(corners)[:-1, None]
    fall = (corners[2:, None] - bins) / np.diff(corners)[1:, None]
    area = (corners[2:] - corners[:-2])[:, None] / 2
    return np.asarray(np.maximum(0, np.minimum(rise, fall)) / area, np.float32)


def _to_mel(hz: float) -> float:
    return hz / _LINEAR_HZ if hz < _KNEE_HZ else _KNEE_MEL + float(np.log(hz / _KNEE_HZ)) / _LOG_STEP


def _to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.asarray(np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, above))
