"""A signal on an even time grid, and the lag between two of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GRID = 100.0  # hertz; the parabola through the peak is good to a tenth of a step
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
    """`seconds` by which the sound comes late, the Pearson `correlation` there, and how far this peak stands above the
    best one at another place (`margin`, at most 1 + correlation).
    """

    seconds: float
    correlation: float
    margin: float


def resampled(times: Floats, values: Floats, grid: Floats) -> Floats:
    """`values` (N,) at `times` (N,) blurred and read at `grid` (M,); NaN outside and where little is known."""
    from scipy.ndimage import gaussian_filter1d

    known = np.isfinite(values)
    if not known.any():
        return np.full(len(grid), np.nan)
    inside = (grid >= times[0]) & (grid <= times[-1])
    weight = np.interp(grid, times, known.astype(np.float64))
    dense = np.interp(grid, times, np.where(known, values, 0.0))
    weight = gaussian_filter1d(np.where(inside, weight, 0.0), BLUR * GRID, mode="constant")
    dense = gaussian_filter1d(np.where(inside, dense, 0.0), BLUR * GRID, mode="constant")
    return np.where(inside & (weight > 0.25), dense / np.maximum(weight, 1e-9), np.nan)


def find_lag(times: Floats, seen: Floats, heard: Curve, reach: float, overlap: float = 0.5) -> Lag | None:
    """The lag, at most `reach` seconds either way, at which `heard` follows `seen` (T,) at `times` (T,) best.

    At each lag the Pearson correlation is taken over the part both cover, at least `overlap` of the shorter one: gain
    and constant level do not matter. The peak is placed between grid points by a parabola. None when one of the two
    is constant everywhere.
    """
    start, end = min(times[0], heard.start), max(times[-1], heard.times[-1])
    grid = start + np.arange(int((end - start) * GRID) + 1) / GRID
    a, b = resampled(times, seen, grid), resampled(heard.times, heard.values, grid)
    least = overlap * min(np.isfinite(a).sum(), np.isfinite(b).sum())
    steps = min(round(reach * GRID), len(grid) - 1)
    scores = np.array([_correlation(a, b, step, least) for step in range(-steps, steps + 1)])
    if not np.isfinite(scores).any():
        return None
    peak = int(np.nanargmax(scores))
    away = np.abs(np.arange(len(scores)) - peak) > 0.2 * GRID  # one speech syllable or footstep
    rival = float(np.nanmax(scores[away])) if np.isfinite(scores[away]).any() else 0.0
    height = float(scores[peak])
    return Lag((peak - steps + _vertex(scores, peak)) / GRID, height, max(0.0, height - rival))


def _correlation(a: Floats, b: Floats, step: int, least: float) -> float:
    """Pearson correlation of a[i] and b[i + step] where both are known; NaN when fewer than `least` or constant."""
    x, y = (a[: len(a) - step], b[step:]) if step >= 0 else (a[-step:], b[:step])
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < max(least, 2):
        return float("nan")
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm > 1e-9 else float("nan")


def _vertex(scores: Floats, peak: int) -> float:
    """Offset in steps, within ±0.5, of the vertex of the parabola through the peak and its neighbours."""
    if not 0 < peak < len(scores) - 1:
        return 0.0
    left, middle, right = scores[peak - 1 : peak + 2]
    bend = left - 2 * middle + right
    if not np.isfinite(bend) or bend >= 0:
        return 0.0
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
