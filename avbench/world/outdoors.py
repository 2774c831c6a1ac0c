"""Places under the sky, by name."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import Canvas, shade
from avbench.world.ground import PAD, floor, sky, wall_colour


def street(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (140, 178, 216), (206, 220, 230), 0.62)
    x = -PAD
    while x < 1:
        w, h = float(rng.uniform(0.18, 0.3)), float(rng.uniform(0.12, 0.4))
        colour = wall_colour(rng, (172, 128, 108), (150, 150, 156), (190, 172, 140))
        c.rectangle(x, 0.62 - h, x + w, 0.64, colour)
        for wx in np.arange(x + 0.04, x + w - 0.03, 0.07):
            for wy in np.arange(0.66 - h, 0.58, 0.09):
                c.rectangle(wx, wy, wx + 0.035, wy + 0.05, shade(colour, 0.66))
        x += w
    floor(c, (124, 124, 128), 0.63)
    c.rectangle(-PAD, 0.63, 1 + PAD, 0.70, (176, 172, 166))


def station(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (176, 186, 190), (206, 208, 204), 0.7)
    c.polygon(((-PAD, -PAD), (1 + PAD, -PAD), (1 + PAD, 0.08), (-PAD, 0.16)), (96, 104, 112))
    for x in (0.12, 0.5, 0.88):
        c.rectangle(x, 0.0, x + 0.03, 0.72, (86, 92, 98))
    train = wall_colour(rng, (60, 110, 160), (176, 62, 54), (70, 130, 90))
    c.rectangle(-PAD, 0.34, 1 + PAD, 0.66, train)
    for k in range(6):
        c.rectangle(0.02 + 0.17 * k, 0.40, 0.14 + 0.17 * k, 0.52, (206, 222, 230))
    floor(c, (146, 142, 138), 0.68)


def harbour(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (138, 182, 216), (220, 228, 230), 0.5)
    c.rectangle(-PAD, 0.48, 1 + PAD, 0.78, (74, 122, 150))
    for x in (0.14, 0.52, 0.84):
        x += float(rng.uniform(-0.05, 0.05))
        c.polygon(
            ((x - 0.12, 0.50), (x + 0.12, 0.50), (x + 0.08, 0.58), (x - 0.09, 0.58)),
            wall_colour(rng, (196, 74, 62), (236, 232, 222), (60, 96, 140)),
        )
        c.line([(x, 0.50), (x, 0.22)], (110, 84, 62), 0.012)
        c.polygon(((x + 0.01, 0.24), (x + 0.01, 0.47), (x + 0.10, 0.47)), (240, 236, 224))
    floor(c, (150, 144, 136), 0.76)


def roof(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (120, 150, 196), (226, 206, 186), 0.74)
    for _ in range(8):
        x, w, h = (float(v) for v in rng.uniform((-PAD, 0.06, 0.1), (0.95, 0.16, 0.4)))
        c.rectangle(x, 0.74 - h, x + w, 0.76, wall_colour(rng, (122, 128, 142), (146, 134, 130)))
    floor(c, (150, 118, 100), 0.74)
    c.rectangle(-PAD, 0.72, 1 + PAD, 0.77, (112, 88, 76))


def beach(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (112, 178, 226), (204, 228, 238), 0.42)
    c.ellipse(float(rng.uniform(0.6, 0.9)), 0.12, 0.07, 0.07, (255, 240, 180))
    c.rectangle(-PAD, 0.40, 1 + PAD, 0.66, (64, 132, 172))
    floor(c, (220, 196, 148), 0.62)


def lake(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (128, 184, 224), (222, 232, 234), 0.46)
    for x in (0.1, 0.5, 0.9):
        c.ellipse(x + float(rng.uniform(-0.1, 0.1)), 0.47, 0.3, 0.12, wall_colour(rng, (84, 124, 88), (98, 134, 92)))
    c.rectangle(-PAD, 0.46, 1 + PAD, 0.84, (92, 146, 178))
    for y in rng.uniform(0.5, 0.82, 9):
        x = float(rng.uniform(0, 0.9))
        c.line([(x, y), (x + 0.12, y)], (150, 190, 210), 0.008)
    floor(c, (124, 150, 90), 0.84)


def forest(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (150, 190, 180), (190, 212, 178), 0.7)
    floor(c, (96, 116, 64), 0.66)
    for x in np.sort(rng.uniform(-PAD, 1 + PAD, 9)):
        w = float(rng.uniform(0.015, 0.035))
        c.rectangle(x - w, -PAD, x + w, 0.72, (94, 74, 56))
    for x, y in rng.uniform((-PAD, -PAD), (1 + PAD, 0.26), (22, 2)):
        c.ellipse(x, y, 0.12, 0.09, wall_colour(rng, (70, 118, 62), (88, 136, 70), (56, 100, 60)))


def park(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (126, 184, 230), (214, 232, 240), 0.6)
    for x in rng.uniform(0, 1, 4):
        c.ellipse(x, 0.54, 0.16, 0.12, wall_colour(rng, (84, 138, 76), (102, 152, 84)))
    floor(c, (112, 164, 84), 0.58)
    for x in rng.uniform(0.1, 0.9, 2):
        c.ellipse(x, float(rng.uniform(0.06, 0.2)), 0.14, 0.045, (244, 248, 250))


def garden(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (136, 190, 228), (218, 232, 236), 0.5)
    for k in range(13):
        c.polygon(
            ((x := -PAD + 0.09 * k, 0.36), (x + 0.035, 0.31), (x + 0.07, 0.36), (x + 0.07, 0.62), (x, 0.62)),
            (226, 222, 210),
        )
    floor(c, (110, 156, 78), 0.58)
    for x, y in rng.uniform((-PAD, 0.60), (1 + PAD, 0.74), (26, 2)):
        c.ellipse(x, y, 0.024, 0.022, wall_colour(rng, (222, 82, 96), (240, 200, 80), (240, 240, 236), (176, 110, 200)))


def yard(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (146, 190, 222), (216, 226, 230), 0.5)
    brick = wall_colour(rng, (168, 104, 84), (176, 150, 122))
    c.rectangle(-PAD, 0.30, 1 + PAD, 0.66, brick)
    for k in range(6):
        c.line([(-PAD, 0.30 + 0.06 * k), (1 + PAD, 0.30 + 0.06 * k)], shade(brick, 0.82), 0.008)
    floor(c, (158, 146, 124), 0.66)


def field(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (112, 176, 226), (220, 232, 236), 0.52)
    c.ellipse(float(rng.uniform(0.2, 0.8)), 0.56, 0.5, 0.10, (136, 170, 96))
    floor(c, wall_colour(rng, (190, 178, 92), (140, 172, 84)), 0.54)
    for x, y in rng.uniform((-PAD, 0.58), (1 + PAD, 1), (40, 2)):
        c.line([(x, y), (x + 0.01, y - 0.05)], (120, 140, 62), 0.008)


def mountain(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (120, 168, 216), (220, 228, 236), 0.7)
    for x, h, w in ((0.2, 0.42, 0.34), (0.75, 0.52, 0.42), (0.48, 0.30, 0.3)):
        x += float(rng.uniform(-0.06, 0.06))
        c.polygon(((x - w, 0.72), (x, 0.72 - h), (x + w, 0.72)), (122, 126, 140))
        c.polygon(((x - 0.3 * w, 0.72 - 0.7 * h), (x, 0.72 - h), (x + 0.3 * w, 0.72 - 0.7 * h)), (240, 244, 248))
    floor(c, (132, 136, 110), 0.70)


def night(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (14, 18, 44), (44, 50, 88), 0.84)
    for x, y in rng.uniform((-PAD, -PAD), (1 + PAD, 0.6), (36, 2)):
        c.ellipse(x, y, 0.006, 0.006, (220, 224, 240))
    x = -PAD
    while x < 1:
        w, h = float(rng.uniform(0.1, 0.22)), float(rng.uniform(0.04, 0.16))
        c.rectangle(x, 0.84 - h, x + w, 1 + PAD, (22, 24, 36))
        c.rectangle(x + 0.03, 0.87 - h, x + 0.055, 0.90 - h, (236, 200, 110))
        x += w
    c.rectangle(-PAD, 0.86, 1 + PAD, 1 + PAD, (24, 26, 38))


def open_sky(c: Canvas, rng: np.random.Generator) -> None:
    sky(c, (98, 160, 220), (206, 226, 240), 1 + PAD)
    for x, y in rng.uniform((0, 0.05), (1, 0.9), (5, 2)):
        for k in range(3):
            c.ellipse(x + 0.06 * k - 0.06, y + 0.01 * (k % 2), 0.08, 0.04, (240, 246, 250))
