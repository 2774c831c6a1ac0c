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


def _plain(c: Canvas, rng: np.random.Generator) -> None:
    wall = _wall(rng, (186, 194, 200), (206, 196, 182), (176, 190, 178), (190, 180, 198), (150, 164, 180))
    _sky(c, shade(wall, 1.04), shade(wall, 0.94), 1 + PAD)


def _hall(c: Canvas, rng: np.random.Generator) -> None:
    wall = _wall(rng, (214, 204, 184), (196, 200, 206))
    _sky(c, wall, shade(wall, 0.9), 0.72)
    for k in range(4):
        x = 0.28 * k - 0.02
        c.rectangle(x, -PAD, x + 0.07, 0.74, shade(wall, 0.84))
        c.rectangle(x + 0.11, 0.16, x + 0.22, 0.56, (176, 206, 226))
        c.ellipse(x + 0.165, 0.16, 0.055, 0.06, (176, 206, 226))
    _floor(c, (172, 150, 122), 0.72)


def _bedroom(c: Canvas, rng: np.random.Generator) -> None:
    wall = _wall(rng, (206, 190, 206), (190, 204, 216), (222, 208, 190))
    _sky(c, wall, shade(wall, 0.93), 0.78)
    _floor(c, (156, 128, 104), 0.78)
    c.rectangle(0.02, 0.46, 0.98, 0.60, (136, 100, 72))
    c.rectangle(0.0, 0.58, 1.0, 0.86, _wall(rng, (120, 150, 190), (190, 120, 130), (140, 170, 140)))
    for x in (0.14, 0.60):
        c.ellipse(x + 0.13, 0.60, 0.14, 0.06, (244, 242, 236))


def _cafe(c: Canvas, rng: np.random.Generator) -> None:
    wall = _wall(rng, (124, 92, 70), (98, 112, 100), (140, 82, 66))
    _sky(c, wall, shade(wall, 0.9), 0.8)
    for k in range(3):
        x = 0.18 + 0.32 * k
        c.line([(x, -PAD), (x, 0.10)], (60, 50, 44), 0.01)
        c.ellipse(x, 0.13, 0.06, 0.045, (255, 226, 150))
    c.rectangle(-PAD, 0.44, 1 + PAD, 0.47, (176, 138, 98))
    for k in range(7):
        c.rectangle(
            0.04 + 0.14 * k, 0.36, 0.10 + 0.14 * k, 0.44, _wall(rng, (226, 222, 210), (190, 90, 70), (100, 140, 150))
        )
    _floor(c, (110, 84, 66), 0.8)


def _classroom(c: Canvas, rng: np.random.Generator) -> None:
    wall = _wall(rng, (224, 214, 190), (206, 216, 206))
    _sky(c, wall, shade(wall, 0.94), 0.8)
    c.rectangle(0.06, 0.08, 0.94, 0.52, (150, 112, 76))
    c.rectangle(0.08, 0.10, 0.92, 0.50, (48, 88, 70))
    for k in range(4):
        c.line([(0.14, 0.17 + 0.08 * k), (0.3 + float(rng.uniform(0, 0.5)), 0.17 + 0.08 * k)], (206, 216, 206), 0.012)
    _floor(c, (176, 146, 112), 0.8)


def _library(c: Canvas, rng: np.random.Generator) -> None:
    c.rectangle(-PAD, -PAD, 1 + PAD, 1 + PAD, (112, 80, 56))
    for row in range(5):
        y = -0.04 + 0.20 * row
        x = -PAD
        while x < 1 + PAD:
            w = float(rng.uniform(0.025, 0.05))
            top = y + float(rng.uniform(0.0, 0.05))
            c.rectangle(
                x,
                top,
                x + w - 0.005,
                y + 0.165,
                _wall(rng, (150, 66, 58), (62, 92, 132), (190, 162, 92), (84, 116, 84)),
            )
            x += w
    _floor(c, (132, 98, 74), 0.92)


def _garage(c: Canvas, rng: np.random.Generator) -> None:
    wall = _wall(rng, (176, 176, 172), (150, 160, 168))
    c.rectangle(-PAD, -PAD, 1 + PAD, 1 + PAD, wall)
    for k in range(9):
        c.line([(-PAD, 0.04 + 0.085 * k), (1 + PAD, 0.04 + 0.085 * k)], shade(wall, 0.84), 0.012)
    c.rectangle(0.78, 0.34, 1 + PAD, 0.40, (122, 92, 66))
    _floor(c, (128, 126, 124), 0.78)


def _garden(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (136, 190, 228), (218, 232, 236), 0.5)
    for k in range(13):
        c.polygon(
            ((x := -PAD + 0.09 * k, 0.36), (x + 0.035, 0.31), (x + 0.07, 0.36), (x + 0.07, 0.62), (x, 0.62)),
            (226, 222, 210),
        )
    _floor(c, (110, 156, 78), 0.58)
    for x, y in rng.uniform((-PAD, 0.60), (1 + PAD, 0.74), (26, 2)):
        c.ellipse(x, y, 0.024, 0.022, _wall(rng, (222, 82, 96), (240, 200, 80), (240, 240, 236), (176, 110, 200)))


def _yard(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (146, 190, 222), (216, 226, 230), 0.5)
    brick = _wall(rng, (168, 104, 84), (176, 150, 122))
    c.rectangle(-PAD, 0.30, 1 + PAD, 0.66, brick)
    for k in range(6):
        c.line([(-PAD, 0.30 + 0.06 * k), (1 + PAD, 0.30 + 0.06 * k)], shade(brick, 0.82), 0.008)
    _floor(c, (158, 146, 124), 0.66)


def _field(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (112, 176, 226), (220, 232, 236), 0.52)
    c.ellipse(float(rng.uniform(0.2, 0.8)), 0.56, 0.5, 0.10, (136, 170, 96))
    _floor(c, _wall(rng, (190, 178, 92), (140, 172, 84)), 0.54)
    for x, y in rng.uniform((-PAD, 0.58), (1 + PAD, 1), (40, 2)):
        c.line([(x, y), (x + 0.01, y - 0.05)], (120, 140, 62), 0.008)


def _mountain(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (120, 168, 216), (220, 228, 236), 0.7)
    for x, h, w in ((0.2, 0.42, 0.34), (0.75, 0.52, 0.42), (0.48, 0.30, 0.3)):
        x += float(rng.uniform(-0.06, 0.06))
        c.polygon(((x - w, 0.72), (x, 0.72 - h), (x + w, 0.72)), (122, 126, 140))
        c.polygon(((x - 0.3 * w, 0.72 - 0.7 * h), (x, 0.72 - h), (x + 0.3 * w, 0.72 - 0.7 * h)), (240, 244, 248))
    _floor(c, (132, 136, 110), 0.70)


def _lake(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (128, 184, 224), (222, 232, 234), 0.46)
    for x in (0.1, 0.5, 0.9):
        c.ellipse(x + float(rng.uniform(-0.1, 0.1)), 0.47, 0.3, 0.12, _wall(rng, (84, 124, 88), (98, 134, 92)))
    c.rectangle(-PAD, 0.46, 1 + PAD, 0.84, (92, 146, 178))
    for y in rng.uniform(0.5, 0.82, 9):
        x = float(rng.uniform(0, 0.9))
        c.line([(x, y), (x + 0.12, y)], (150, 190, 210), 0.008)
    _floor(c, (124, 150, 90), 0.84)


def _harbour(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (138, 182, 216), (220, 228, 230), 0.5)
    c.rectangle(-PAD, 0.48, 1 + PAD, 0.78, (74, 122, 150))
    for x in (0.14, 0.52, 0.84):
        x += float(rng.uniform(-0.05, 0.05))
        c.polygon(
            ((x - 0.12, 0.50), (x + 0.12, 0.50), (x + 0.08, 0.58), (x - 0.09, 0.58)),
            _wall(rng, (196, 74, 62), (236, 232, 222), (60, 96, 140)),
        )
        c.line([(x, 0.50), (x, 0.22)], (110, 84, 62), 0.012)
        c.polygon(((x + 0.01, 0.24), (x + 0.01, 0.47), (x + 0.10, 0.47)), (240, 236, 224))
    _floor(c, (150, 144, 136), 0.76)


def _station(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (176, 186, 190), (206, 208, 204), 0.7)
    c.polygon(((-PAD, -PAD), (1 + PAD, -PAD), (1 + PAD, 0.08), (-PAD, 0.16)), (96, 104, 112))
    for x in (0.12, 0.5, 0.88):
        c.rectangle(x, 0.0, x + 0.03, 0.72, (86, 92, 98))
    train = _wall(rng, (60, 110, 160), (176, 62, 54), (70, 130, 90))
    c.rectangle(-PAD, 0.34, 1 + PAD, 0.66, train)
    for k in range(6):
        c.rectangle(0.02 + 0.17 * k, 0.40, 0.14 + 0.17 * k, 0.52, (206, 222, 230))
    _floor(c, (146, 142, 138), 0.68)


def _roof(c: Canvas, rng: np.random.Generator) -> None:
    _sky(c, (120, 150, 196), (226, 206, 186), 0.74)
    for _ in range(8):
        x, w, h = (float(v) for v in rng.uniform((-PAD, 0.06, 0.1), (0.95, 0.16, 0.4)))
        c.rectangle(x, 0.74 - h, x + w, 0.76, _wall(rng, (122, 128, 142), (146, 134, 130)))
    _floor(c, (150, 118, 100), 0.74)
    c.rectangle(-PAD, 0.72, 1 + PAD, 0.77, (112, 88, 76))


PLACES: dict[str, Paint] = {
    "room": _room, "living-room": _room, "bedroom": _bedroom, "kitchen": _kitchen, "cafe": _cafe, "office": _office,
    "classroom": _classroom, "library": _library, "hall": _hall, "stage": _stage, "workshop": _workshop,
    "garage": _garage, "plain": _plain, "street": _street, "station": _station, "harbour": _harbour, "roof": _roof,
    "beach": _beach, "lake": _lake, "forest": _forest, "park": _park, "garden": _garden, "yard": _yard,
    "field": _field, "mountain": _mountain, "night": _night, "sky": _sky_place,
}  # fmt: skip
ECHO = {  # seconds and share of reverberation; none outdoors
    "room": (0.25, 0.10), "living-room": (0.25, 0.10), "bedroom": (0.2, 0.07), "kitchen": (0.25, 0.12),
    "cafe": (0.3, 0.09), "office": (0.2, 0.08), "classroom": (0.3, 0.11), "library": (0.25, 0.08),
    "hall": (0.5, 0.16), "stage": (0.45, 0.14), "workshop": (0.35, 0.12), "garage": (0.4, 0.13), "plain": (0.15, 0.05),
    "station": (0.4, 0.08),
}  # fmt: skip


def paint(place: str, seed: int, px: int) -> NDArray[np.uint8]:
    """The background of a place, PAD larger than a picture of `px` pixels on each side, a little out of focus."""
    side = round(px * (1 + 2 * PAD))
    canvas = Canvas(side)
    canvas.scale = px / side
    canvas.origin = (PAD * canvas.scale, PAD * canvas.scale)
    PLACES[place](canvas, np.random.default_rng((seed, 0x91AC)))
    return cv2.GaussianBlur(canvas.image, (0, 0), 0.008 * px).astype(np.uint8)
