"""What happens in a scene: times and strengths of a source's events, from which picture and sound both follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from avbench.world.canvas import RGB, Box, Canvas

CONTROL = 100  # Hz of `Plan.curve`
FAR = 1000.0  # seconds: no such event
COLOURS: dict[str, RGB] = {
    "red": (208, 62, 54), "orange": (232, 136, 48), "yellow": (238, 206, 72), "green": (86, 164, 92),
    "blue": (66, 112, 196), "purple": (142, 92, 176), "white": (236, 234, 228), "black": (52, 52, 58),
    "brown": (142, 98, 62), "grey": (150, 152, 156), "pink": (232, 140, 168),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """`times` in seconds, `strengths` in (0, 1]; `curve` (n,) level in [0, 1] at CONTROL Hz for what goes on and on.

    `pitch` multiplies frequencies, `speed` rates; `colour` and `variant` only change the look; `seed` feeds noise.
    """

    times: tuple[float, ...]
    strengths: tuple[float, ...]
    seconds: float
    curve: NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    pitch: float = 1.0
    speed: float = 1.0
    colour: RGB = COLOURS["red"]
    variant: int = 0
    seed: int = 0

    def rng(self) -> np.random.Generator:
        """A fresh generator of this plan."""
        return np.random.default_rng((self.seed, 0x50D))

    def level(self, t: float) -> float:
        """The curve at second `t`."""
        return float(self.curve[min(len(self.curve) - 1, max(0, round(t * CONTROL)))])

    def last(self, t: float) -> tuple[float, float, int]:
        """Seconds since the latest event at or before `t`, its strength and index; (FAR, 0, -1) before the first."""
        i = int(np.searchsorted(self.times, t + 1e-6)) - 1
        return (t - self.times[i], self.strengths[i], i) if i >= 0 else (FAR, 0.0, -1)

    def until(self, t: float) -> tuple[float, float]:
        """Seconds to the next event after `t` and its strength; (FAR, 0) after the last."""
        i = int(np.searchsorted(self.times, t + 1e-6))
        return (self.times[i] - t, self.strengths[i]) if i < len(self.times) else (FAR, 0.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of sounding event: how its times are drawn, how it sounds (S,) and how it looks at second `t`.

    `draw` paints into the unit square of the canvas and returns the sounding object's box. `wide` kinds fill the
    picture; `counted` kinds honour a number of events; `gap` is the least time between two of them in seconds.
    """

    name: str
    plan: Callable[[np.random.Generator, float, int | None], tuple[list[float], list[float]]]
    sound: Callable[[Plan, int], NDArray[np.float64]]
    draw: Callable[[Canvas, Plan, float], Box]
    places: tuple[str, ...]
    wide: bool = False
    counted: bool = True
    loudness: float = 0.16


def beats(
    rng: np.random.Generator, seconds: float, count: int | None, gap: float, usual: tuple[int, int] = (2, 5)
) -> tuple[list[float], list[float]]:
    """`count` (else a usual number of) events, at least `gap` seconds apart where they fit, uneven by a fifth."""
    span = seconds - 0.75
    most = max(1, int(span / gap) + 1)
    n = min(count or int(rng.integers(usual[0], usual[1] + 1)), most)
    if n == 1:
        return [float(rng.uniform(0.4, max(0.5, min(1.6, seconds - 0.9))))], [1.0]
    step = min(span / (n - 1), max(gap, rng.uniform(0.75, 1.0) * span / (n - 1)))
    start = 0.4 + rng.uniform(0, max(0.0, span - step * (n - 1)))
    wobble = min(0.2 * step, 0.5 * max(0.0, step - gap), 0.2)  # the last is at least 0.15 s from the end
    times = [float(start + i * step + rng.uniform(-wobble, wobble)) for i in range(n)]
    return times, [float(x) for x in rng.uniform(0.65, 1.0, n)]


def steady(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """Something that goes on from the beginning."""
    return [0.0], [1.0]


def swell(rng: np.random.Generator, seconds: float, low: float, rate: float) -> NDArray[np.float64]:
    """A slow random curve between `low` and 1 at CONTROL Hz, changing about `rate` times a second."""
    n = int(seconds * CONTROL) + 2
    knots = int(seconds * rate) + 3
    raw = np.interp(np.arange(n) / CONTROL, np.arange(knots) / rate, rng.uniform(0, 1, knots))
    smooth = np.convolve(np.pad(raw, 15, "edge"), np.hanning(31) / np.hanning(31).sum(), "valid")
    span = smooth.max() - smooth.min() + 1e-9
    return np.asarray(low + (1 - low) * (smooth - smooth.min()) / span)
