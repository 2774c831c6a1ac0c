"""What every place has: a sky or wall above, ground below."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import RGB, Canvas, mix, shade

PAD = 0.08  # a background is this much larger than the picture on each side, so that the camera can drift


def sky(c: Canvas, top: RGB, low: RGB, horizon: float) -> None:
    """A gradient from the top of the picture down to `horizon`."""
    for k in range(16):
        y0, y1 = -PAD + (horizon + PAD) * k / 16, -PAD + (horizon + PAD) * (k + 1) / 16
        c.rectangle(-PAD, y0, 1 + PAD, y1 + 0.01, mix(top, low, k / 15))


def floor(c: Canvas, colour: RGB, horizon: float) -> None:
    """Ground from `horizon` down, lighter towards us."""
    for k in range(8):
        y0, y1 = horizon + (1 + PAD - horizon) * k / 8, horizon + (1 + PAD - horizon) * (k + 1) / 8
        c.rectangle(-PAD, y0, 1 + PAD, y1 + 0.01, shade(colour, 0.92 + 0.16 * k / 7))


def wall_colour(rng: np.random.Generator, *colours: RGB) -> RGB:
    """One of `colours`, a little lighter or darker."""
    return shade(colours[int(rng.integers(len(colours)))], float(rng.uniform(0.94, 1.06)))
