"""Numbers to shapes: coordinates that a template draws as inline SVG. No text is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

import numpy as np
from numpy.typing import NDArray

from .look import Look

Span = tuple[float, float]
WIDTH, WAVE_HEIGHT = 1000.0, 64.0
FEW = 40  # values a strip shows one by one; of more it shows the distribution
FEW_POINTS = 12  # of a curve, to be marked


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its interval along an axis of 0..100; the ends equal the middle where there is no interval."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Strip:
    """The values of one model along an axis of 0..100: single dots of few, else an outline; the box is the middle half.

    `outline` is an SVG path around zero, 10 high at the mode.
    """

    dots: tuple[float, ...]
    outline: str
    box: Span
    median: float
    count: int


@dataclass(frozen=True, slots=True)
class Axis:
    """The range a strip or a line is drawn in, and round numbers on it: (place of 0..100, number)."""

    low: float
    high: float
    ticks: tuple[tuple[float, float], ...]

    def place(self, value: float) -> float:
        """Where a value stands, 0..100."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)


@dataclass(frozen=True, slots=True)
class Line:
    """A named curve: an SVG path in a box of 100 x 100, y upwards taken care of. `dots` are its points where few."""

    name: str
    path: str
    dots: tuple[Span, ...] = ()


def wave(look: Look, seconds: float) -> str:
    """The waveform as a closed path in a box of WIDTH x WAVE_HEIGHT that spans `seconds`; full scale fills it."""
    if not look.low or seconds <= 0:
        return ""
    step = WIDTH * look.audio / seconds / len(look.low)
    left, half = WIDTH * look.start / seconds, WAVE_HEIGHT / 2
    places = [left + step * (i + 0.5) for i in range(len(look.low))]
    over = [f"{x:.0f} {half * (1 - y):.1f}" for x, y in zip(places, look.high, strict=True)]
    under = [f"{x:.0f} {half * (1 - y):.1f}" for x, y in zip(reversed(places), reversed(look.low), strict=True)]
    return "M" + "L".join(over + under) + "Z"


def axis(values: Sequence[float], *also: float) -> Axis:
    """A range that holds all finite values, with a little room, and three to six round ticks; of counts, whole ones."""
    finite = [value for value in (*values, *also) if isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    room = 0.04 * (high - low) or abs(high) * 0.1 or 1.0
    low, high = low - room, high + room
    step = _round_step((high - low) / 4)
    if all(value == int(value) for value in finite):
        step = max(step, 1.0)
    ticks = [i * step for i in range(ceil(low / step), floor(high / step) + 1)]
    return Axis(low, high, tuple((round(100 * (t - low) / (high - low), 2), t) for t in ticks))


def interval(along: Axis, mean: float, low: float | None, high: float | None) -> Interval:
    """A leaderboard cell on its metric's axis."""
    ends = (mean, mean) if low is None or high is None else (low, high)
    return Interval(along.place(mean), along.place(ends[0]), along.place(ends[1]))


def strip(along: Axis, values: NDArray[np.float64]) -> Strip:
    """One model's finite values (N,), N >= 1, on the metric's axis."""
    quarter, median, three = np.quantile(values, [0.25, 0.5, 0.75])
    dots: tuple[float, ...] = ()
    outline = ""
    if len(values) <= FEW:
        dots = tuple(along.place(float(value)) for value in values)
    else:
        counts, edges = np.histogram(values, bins=32, range=(along.low, along.high))
        smooth = np.convolve(counts, [0.25, 0.5, 0.25], mode="same")
        tall = 10 * smooth / smooth.max()
        points = [(along.place(float(e)), float(t)) for e, t in zip((edges[:-1] + edges[1:]) / 2, tall, strict=True)]
        ring = [*((x, -t) for x, t in points), *((x, t) for x, t in reversed(points))]
        outline = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z"
    box = (along.place(float(quarter)), along.place(float(three)))
    return Strip(dots, outline, box, along.place(float(median)), len(values))


def line(name: str, across: Axis, along: Axis, x: Sequence[float], y: Sequence[float]) -> Line:
    """A curve in a box of 100 x 100; a value that is not finite breaks it."""
    path, dots, pen = [], [], "M"
    for a, b in zip(x, y, strict=True):
        if not (isfinite(a) and isfinite(b)):
            pen = "M"
            continue
        dots.append((across.place(a), round(100 - along.place(b), 2)))
        path.append(f"{pen}{dots[-1][0]:.2f} {dots[-1][1]:.2f}")
        pen = "L"
    return Line(name, "".join(path), tuple(dots) if len(dots) <= FEW_POINTS else ())


def _round_step(rough: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten that is at least as large."""
    power = 10.0 ** floor(log10(rough)) if rough > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
