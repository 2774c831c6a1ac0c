"""Where scenes happen: still backgrounds, painted once a clip."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.world.canvas import RGB, Canvas, mix, shade

PAD = 0.08  # the background is this much larger on each side, so that the camera can drift
Paint = Callable[[Canvas, np.random.Generator], None]


def _sky(c: Canvas, top: RGB, low: RGB, horizon: float) -> None:
    for k in range(16):
        y0, y1 = -PAD + (horizon + PAD) * k / 16, -PAD + (horizon + PAD) * (k + 1) / 16
        c.rectangle(-PAD, y0, 1 + PAD, y1 + 0.01, mix(top, low, k / 15))


def _floor(c: Canvas, colour: RGB, horizon: float) -> None:
    for k in range(8):
        y0, y1 = horizon + (1 + PAD - horizon) * k / 8, horizon + (1 + PAD - horizon) * (k + 1) / 8
        c.rectangle(-PAD, y0, 1 + PAD, y1 + 0.01, shade(colour, 0.92 + 0.16 * k / 7))


def _wall(rng: np.random.Generator, *colours: RGB) -> RGB:
    return shade(colours[int(rng.integers(len(colours)))], float(rng.uniform(0.94, 1.06)))


def _room(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (wall := _wall(rng, (196, 204, 192), (206, 190, 172), (178, 192, 208))), shade(wall, 0.92), 0.74)
    _floor(c, (150, 116, 86), 0.74)
    c.rectangle(-PAD, 0.72, 1 + PAD, 0.745, (232, 228, 220))
    x = float(rng.uniform(0.02, 0.5))
    c.rectangle(x, 0.10, x + 0.30, 0.44, (240, 236, 226))
    c.rectangle(x + 0.03, 0.13, x + 0.27, 0.41, (158, 200, 232))
    c.line([(x + 0.15, 0.12), (x + 0.15, 0.42)], (240, 236, 226), 0.02)


def _street(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (140, 178, 216), (206, 220, 230), 0.62)
    x = -PAD
    while x < 1:
        w, h = float(rng.uniform(0.18, 0.3)), float(rng.uniform(0.12, 0.4))
        colour = _wall(rng, (172, 128, 108), (150, 150, 156), (190, 172, 140))
        c.rectangle(x, 0.62 - h, x + w, 0.64, colour)
        for wx in np.arange(x + 0.04, x + w - 0.03, 0.07):
            for wy in np.arange(0.66 - h, 0.58, 0.09):
                c.rectangle(wx, wy, wx + 0.035, wy + 0.05, shade(colour, 0.66))
        x += w
    _floor(c, (124, 124, 128), 0.63)
    c.rectangle(-PAD, 0.63, 1 + PAD, 0.70, (176, 172, 166))


def _beach(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (112, 178, 226), (204, 228, 238), 0.42)
    c.ellipse(float(rng.uniform(0.6, 0.9)), 0.12, 0.07, 0.07, (255, 240, 180))
    c.rectangle(-PAD, 0.40, 1 + PAD, 0.66, (64, 132, 172))
    _floor(c, (220, 196, 148), 0.62)


def _forest(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (150, 190, 180), (190, 212, 178), 0.7)
    _floor(c, (96, 116, 64), 0.66)
    for x in np.sort(rng.uniform(-PAD, 1 + PAD, 9)):
        w = float(rng.uniform(0.015, 0.035))
        c.rectangle(x - w, -PAD, x + w, 0.72, (94, 74, 56))
    for x, y in rng.uniform((-PAD, -PAD), (1 + PAD, 0.26), (22, 2)):
        c.ellipse(x, y, 0.12, 0.09, _wall(rng, (70, 118, 62), (88, 136, 70), (56, 100, 60)))


def _park(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (126, 184, 230), (214, 232, 240), 0.6)
    for x in rng.uniform(0, 1, 4):
        c.ellipse(x, 0.54, 0.16, 0.12, _wall(rng, (84, 138, 76), (102, 152, 84)))
    _floor(c, (112, 164, 84), 0.58)
    for x in rng.uniform(0.1, 0.9, 2):
        c.ellipse(x, float(rng.uniform(0.06, 0.2)), 0.14, 0.045, (244, 248, 250))


def _kitchen(c: Canvas, rng: np.random.Generator) -> None:
    wall = _wall(rng, (226, 220, 204), (204, 218, 210))
    c.rectangle(-PAD, -PAD, 1 + PAD, 1 + PAD, wall)
    for k in range(8):
        c.line([(-PAD, 0.30 + 0.07 * k), (1 + PAD, 0.30 + 0.07 * k)], shade(wall, 0.92), 0.006)
        c.line([(0.14 * k, 0.28), (0.14 * k, 0.8)], shade(wall, 0.92), 0.006)
    cupboard = _wall(rng, (120, 150, 146), (176, 128, 92), (142, 148, 170))
    for k in range(4):
        c.rectangle(0.27 * k - 0.06, -PAD, 0.27 * k + 0.18, 0.22, cupboard)
    _floor(c, (168, 140, 112), 0.80)


def _stage(c: Canvas, rng: np.random.Generator) -> None:
    red = _wall(rng, (136, 40, 48), (70, 52, 110), (44, 70, 104))
    for k in range(14):
        c.rectangle(-PAD + 0.09 * k, -PAD, 0.02 + 0.09 * k, 0.8, shade(red, 0.8 + 0.3 * (k % 2)))
    _floor(c, (120, 84, 56), 0.76)
    c.polygon(((0.42, -PAD), (0.58, -PAD), (0.95, 0.95), (0.05, 0.95)), mix(red, (255, 240, 200), 0.28))


def _night(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (14, 18, 44), (44, 50, 88), 0.84)
    for x, y in rng.uniform((-PAD, -PAD), (1 + PAD, 0.6), (36, 2)):
        c.ellipse(x, y, 0.006, 0.006, (220, 224, 240))
    x = -PAD
    while x < 1:
        w, h = float(rng.uniform(0.1, 0.22)), float(rng.uniform(0.04, 0.16))
        c.rectangle(x, 0.84 - h, x + w, 1 + PAD, (22, 24, 36))
        c.rectangle(x + 0.03, 0.87 - h, x + 0.055, 0.90 - h, (236, 200, 110))
        x += w
    c.rectangle(-PAD, 0.86, 1 + PAD, 1 + PAD, (24, 26, 38))


def _office(c: Canvas, rng: np.random.Generator) -> None:
    wall = _wall(rng, (206, 210, 214), (188, 200, 206))
    c.rectangle(-PAD, -PAD, 1 + PAD, 1 + PAD, wall)
    for k in range(3):
        y = 0.14 + 0.15 * k
        c.rectangle(0.60, y + 0.11, 0.98, y + 0.13, (132, 100, 74))
        for j in range(8):
            c.rectangle(
                0.62 + 0.042 * j,
                y + 0.02 * (j % 3),
                0.652 + 0.042 * j,
                y + 0.11,
                _wall(rng, (176, 70, 62), (64, 104, 150), (212, 184, 96), (90, 130, 92)),
            )
    _floor(c, (126, 130, 140), 0.80)


def _workshop(c: Canvas, rng: np.random.Generator) -> None:
    c.rectangle(-PAD, -PAD, 1 + PAD, 1 + PAD, _wall(rng, (150, 132, 112), (126, 130, 128)))
    for k in range(9):
        c.line([(-PAD, 0.09 * k), (1 + PAD, 0.09 * k)], (112, 98, 84), 0.006)
    for k in range(5):
        x = 0.08 + 0.19 * k
        c.line([(x, 0.08), (x, 0.30)], (84, 60, 44), 0.02)
        c.rectangle(x - 0.03, 0.24, x + 0.03, 0.32, (150, 154, 160))
    _floor(c, (112, 98, 86), 0.80)


def _sky_place(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (98, 160, 220), (206, 226, 240), 1 + PAD)
    for x, y in rng.uniform((0, 0.05), (1, 0.9), (5, 2)):
        for k in range(3):
            c.ellipse(x + 0.06 * k - 0.06, y + 0.01 * (k % 2), 0.08, 0.04, (240, 246, 250))


PLACES: dict[str, Paint] = {
    "room": _room, "street": _street, "beach": _beach, "forest": _forest, "park": _park, "kitchen": _kitchen,
    "stage": _stage, "night": _night, "office": _office, "workshop": _workshop, "sky": _sky_place,
}  # fmt: skip
ECHO = {  # seconds and share of reverberation; 0 outdoors
    "room": (0.25, 0.10), "kitchen": (0.25, 0.12), "stage": (0.45, 0.16), "office": (0.2, 0.08), "workshop": (0.35, 0.12),
}  # fmt: skip


def paint(place: str, seed: int, px: int) -> NDArray[np.uint8]:
    """The background of a place, PAD larger than a picture of `px` pixels on each side, a little out of focus."""
    side = round(px * (1 + 2 * PAD))
    canvas = Canvas(side)
    canvas.scale = px / side
    canvas.origin = (PAD * canvas.scale, PAD * canvas.scale)
    PLACES[place](canvas, np.random.default_rng((seed, 0x91AC)))
    return cv2.GaussianBlur(canvas.image, (0, 0), 0.008 * px).astype(np.uint8)
