"""A signal on an even time grid, and the lag between two of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GRID = 100.0  # hertz; the parabola through the peak is good to a tenth of a step
SLIDE = 6  # grid steps, a frame and a half
BLUR = 0.04  # seconds, standard deviation: one frame at 25 fps


@dataclass(frozen=True, slots=True)
class Curve:
    """A signal: `values` (N,) on an even grid; sample i lies at `start + i / rate` seconds on the clip's axis."""

    values: Floats
    rate: float
    start: float

    @property
    def times(self) -> Floats:
        return self.start + np.arange(len(self.values)) / self.rate


@dataclass(frozen=True, slots=True)
class Lag:
    """`seconds` by which the sound comes late and the normalised cross-correlation there, -1..1."""

    seconds: float
    correlation: float


def find_lag(times: Floats, seen: Floats, heard: Curve, reach: float) -> Lag | None:
    """The lag, at most `reach` seconds either way, at which `heard` follows `seen` (T,) at `times` (T,) best.

    Both are blurred, read on a grid of 10 ms, and freed from their means; c(k) = sum a[i] b[i + k] / (|a| |b|). What is
    unknown (NaN) or outside counts as the mean, so a lag that leaves little overlap needs a better match to win. Gain
    and constant level do not matter. The peak is placed between grid points by a parabola. None when one is constant.
    """
    start, end = min(times[0], heard.start), max(times[-1], heard.times[-1])
    grid = start + np.arange(round((end - start) * GRID) + 1) / GRID
    a, b = _centred(times, seen, grid), _centred(heard.times, heard.values, grid)
    norm = float(np.sqrt((a @ a) * (b @ b)))
    if norm < 1e-9:
        return None
    reached = min(round(reach * GRID), len(a) - 1)
    within = slice(len(a) - 1 - reached, len(a) + reached)  # index len(a) - 1 of a full correlation is lag 0
    products = np.correlate(b, a, mode="full")[within]
    peak = int(products.argmax())
    correlation = float(products[peak]) / norm
    # What slid out of the overlap pulls the peak towards lag 0; near the peak, the overlap's own energy undoes that.
    ones = np.ones(len(a))
    energy = np.correlate(ones, a**2, mode="full")[within] * np.correlate(b**2, ones, mode="full")[within]
    near = slice(max(0, peak - SLIDE), peak + SLIDE + 1)
    fair = products[near] / np.sqrt(np.maximum(energy[near], 1e-9 * norm**2))
    top = int(fair.argmax())
    return Lag((near.start + top - reached + _vertex(fair, top)) / GRID, correlation)


def held(times: Floats, change: Floats) -> tuple[Floats, Floats]:
    """`times` (T,) and `change` (T,) since the frame before, with nothing changing while a picture is held.

    Where a frame stands over half longer than the median one, a zero goes in just before the next (NaN where that is
    unknown). Else a change after a pause would seem to begin with the pause. Clips of constant rate stay as they are.
    """
    gaps = np.diff(times)
    if not len(gaps):
        return times, change
    step = float(np.median(gaps))
    late = np.flatnonzero(gaps > 1.5 * step) + 1
    return np.insert(times, late, times[late] - step), np.insert(change, late, 0 * change[late])


def _centred(times: Floats, values: Floats, grid: Floats) -> Floats:
    """`values` (N,) at `times` (N,), blurred, on the `grid` (M,), minus their mean; 0 where they are unknown or end."""
    from scipy.ndimage import gaussian_filter1d

    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(grid))
    inside = (grid >= times[0]) & (grid <= times[-1])
    weight = np.where(inside, np.interp(grid, times, known.astype(np.float64)), 0.0)
    mean = values[known].mean()
    dense = np.where(inside, np.interp(grid, times, np.where(known, values - mean, 0.0)), 0.0)
    blurred: Floats = gaussian_filter1d(dense, BLUR * GRID, mode="constant")
    return np.where(weight > 0, blurred - blurred[weight > 0].mean(), 0.0)


def _vertex(scores: Floats, peak: int) -> float:
    """Offset in steps, within ±0.5, of the vertex of the parabola through the peak and its neighbours."""
    if not 0 < peak < len(scores) - 1:
        return 0.0
    left, middle, right = scores[peak - 1 : peak + 2]
    bend = left - 2 * middle + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0
