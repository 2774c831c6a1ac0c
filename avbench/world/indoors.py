"""Rooms, by name."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import Canvas, mix, shade
from avbench.world.ground import PAD, floor, sky, wall_colour


def room(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (wall := wall_colour(rng, (196, 204, 192), (206, 190, 172), (178, 192, 208))), shade(wall, 0.92), 0.74)
    floor(c, (150, 116, 86), 0.74)
    c.rectangle(-PAD, 0.72, 1 + PAD, 0.745, (232, 228, 220))
    x = float(rng.uniform(0.02, 0.5))
    c.rectangle(x, 0.10, x + 0.30, 0.44, (240, 236, 226))
    c.rectangle(x + 0.03, 0.13, x + 0.27, 0.41, (158, 200, 232))
    c.line([(x + 0.15, 0.12), (x + 0.15, 0.42)], (240, 236, 226), 0.02)


def bedroom(c: Canvas, rng: np.random.Generator) -> None:
    wall = wall_colour(rng, (206, 190, 206), (190, 204, 216), (222, 208, 190))
    sky(c, wall, shade(wall, 0.93), 0.78)
    floor(c, (156, 128, 104), 0.78)
    c.rectangle(0.02, 0.46, 0.98, 0.60, (136, 100, 72))
    c.rectangle(0.0, 0.58, 1.0, 0.86, wall_colour(rng, (120, 150, 190), (190, 120, 130), (140, 170, 140)))
    for x in (0.14, 0.60):
        c.ellipse(x + 0.13, 0.60, 0.14, 0.06, (244, 242, 236))


def kitchen(c: Canvas, rng: np.random.Generator) -> None:
    wall = wall_colour(rng, (226, 220, 204), (204, 218, 210))
    c.rectangle(-PAD, -PAD, 1 + PAD, 1 + PAD, wall)
    for k in range(8):
        c.line([(-PAD, 0.30 + 0.07 * k), (1 + PAD, 0.30 + 0.07 * k)], shade(wall, 0.92), 0.006)
        c.line([(0.14 * k, 0.28), (0.14 * k, 0.8)], shade(wall, 0.92), 0.006)
    cupboard = wall_colour(rng, (120, 150, 146), (176, 128, 92), (142, 148, 170))
    for k in range(4):
        c.rectangle(0.27 * k - 0.06, -PAD, 0.27 * k + 0.18, 0.22, cupboard)
    floor(c, (168, 140, 112), 0.80)


def cafe(c: Canvas, rng: np.random.Generator) -> None:
    wall = wall_colour(rng, (124, 92, 70), (98, 112, 100), (140, 82, 66))
    sky(c, wall, shade(wall, 0.9), 0.8)
    for k in range(3):
        x = 0.18 + 0.32 * k
        c.line([(x, -PAD), (x, 0.10)], (60, 50, 44), 0.01)
        c.ellipse(x, 0.13, 0.06, 0.045, (255, 226, 150))
    c.rectangle(-PAD, 0.44, 1 + PAD, 0.47, (176, 138, 98))
    for k in range(7):
        c.rectangle(
            0.04 + 0.14 * k,
            0.36,
            0.10 + 0.14 * k,
            0.44,
            wall_colour(rng, (226, 222, 210), (190, 90, 70), (100, 140, 150)),
        )
    floor(c, (110, 84, 66), 0.8)


def office(c: Canvas, rng: np.random.Generator) -> None:
    wall = wall_colour(rng, (206, 210, 214), (188, 200, 206))
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
                wall_colour(rng, (176, 70, 62), (64, 104, 150), (212, 184, 96), (90, 130, 92)),
            )
    floor(c, (126, 130, 140), 0.80)


def classroom(c: Canvas, rng: np.random.Generator) -> None:
    wall = wall_colour(rng, (224, 214, 190), (206, 216, 206))
    sky(c, wall, shade(wall, 0.94), 0.8)
    c.rectangle(0.06, 0.08, 0.94, 0.52, (150, 112, 76))
    c.rectangle(0.08, 0.10, 0.92, 0.50, (48, 88, 70))
    for k in range(4):
        c.line([(0.14, 0.17 + 0.08 * k), (0.3 + float(rng.uniform(0, 0.5)), 0.17 + 0.08 * k)], (206, 216, 206), 0.012)
    floor(c, (176, 146, 112), 0.8)


def library(c: Canvas, rng: np.random.Generator) -> None:
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
                wall_colour(rng, (150, 66, 58), (62, 92, 132), (190, 162, 92), (84, 116, 84)),
            )
            x += w
    floor(c, (132, 98, 74), 0.92)


def hall(c: Canvas, rng: np.random.Generator) -> None:
    wall = wall_colour(rng, (214, 204, 184), (196, 200, 206))
    sky(c, wall, shade(wall, 0.9), 0.72)
    for k in range(4):
        x = 0.28 * k - 0.02
        c.rectangle(x, -PAD, x + 0.07, 0.74, shade(wall, 0.84))
        c.rectangle(x + 0.11, 0.16, x + 0.22, 0.56, (176, 206, 226))
        c.ellipse(x + 0.165, 0.16, 0.055, 0.06, (176, 206, 226))
    floor(c, (172, 150, 122), 0.72)


def stage(c: Canvas, rng: np.random.Generator) -> None:
    red = wall_colour(rng, (136, 40, 48), (70, 52, 110), (44, 70, 104))
    for k in range(14):
        c.rectangle(-PAD + 0.09 * k, -PAD, 0.02 + 0.09 * k, 0.8, shade(red, 0.8 + 0.3 * (k % 2)))
    floor(c, (120, 84, 56), 0.76)
    c.polygon(((0.42, -PAD), (0.58, -PAD), (0.95, 0.95), (0.05, 0.95)), mix(red, (255, 240, 200), 0.28))


def workshop(c: Canvas, rng: np.random.Generator) -> None:
    c.rectangle(-PAD, -PAD, 1 + PAD, 1 + PAD, wall_colour(rng, (150, 132, 112), (126, 130, 128)))
    for k in range(9):
        c.line([(-PAD, 0.09 * k), (1 + PAD, 0.09 * k)], (112, 98, 84), 0.006)
    for k in range(5):
        x = 0.08 + 0.19 * k
        c.line([(x, 0.08), (x, 0.30)], (84, 60, 44), 0.02)
        c.rectangle(x - 0.03, 0.24, x + 0.03, 0.32, (150, 154, 160))
    floor(c, (112, 98, 86), 0.80)


def garage(c: Canvas, rng: np.random.Generator) -> None:
    wall = wall_colour(rng, (176, 176, 172), (150, 160, 168))
    c.rectangle(-PAD, -PAD, 1 + PAD, 1 + PAD, wall)
    for k in range(9):
        c.line([(-PAD, 0.04 + 0.085 * k), (1 + PAD, 0.04 + 0.085 * k)], shade(wall, 0.84), 0.012)
    c.rectangle(0.78, 0.34, 1 + PAD, 0.40, (122, 92, 66))
    floor(c, (128, 126, 124), 0.78)


def plain(c: Canvas, rng: np.random.Generator) -> None:
    wall = wall_colour(rng, (186, 194, 200), (206, 196, 182), (176, 190, 178), (190, 180, 198), (150, 164, 180))
    sky(c, shade(wall, 1.04), shade(wall, 0.94), 1 + PAD)
