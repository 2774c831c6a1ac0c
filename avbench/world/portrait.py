"""The still part of a head, painted once a clip: hair, ears, skin with its light, nose, beard; no eyes, no mouth."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.world.canvas import Canvas, mix, shade
from avbench.world.speakers import Speaker

CX, TOP, CHIN = 0.5, 0.13, 0.90  # the head in its own unit square
HALF = 0.285  # half the face's width
EYE_Y, EYE_X, NOSE_Y, MOUTH_Y = 0.455, 0.118, 0.60, 0.735
MOUTH = 0.112  # half the resting mouth's width
MARGIN = 0.10  # the sprite is this much larger on each side, so that sway shows no edge


class Portrait:
    """`base` (side, side, 3) and its opacity `alpha` (side, side, 3), MARGIN larger than a picture of `px` pixels."""

    def __init__(self, speaker: Speaker, px: int) -> None:
        self.speaker, self.px = speaker, px
        self.half = HALF * speaker.face_width
        self.side = int(px * (1 + 2 * MARGIN))
        self.base = self._paint()
        alpha = self._mask()
        self.alpha = cv2.merge([alpha, alpha, alpha])

    def canvas(self) -> Canvas:
        """An empty canvas in the head's own unit square."""
        canvas = Canvas(self.side)
        canvas.scale = 1 / (1 + 2 * MARGIN)
        canvas.origin = (MARGIN * canvas.scale, MARGIN * canvas.scale)
        return canvas

    def _blur(self, canvas: Canvas, sigma: float) -> None:
        canvas.image = cv2.GaussianBlur(canvas.image, (0, 0), sigma * self.px).astype(np.uint8)

    def _hair_back(self, c: Canvas, colour: tuple[int, int, int]) -> None:
        s, w = self.speaker, self.half
        if s.hair_style == "long":
            c.ellipse(CX, 0.40, w + 0.085, 0.335, colour)
            c.polygon(
                ((CX - w - 0.085, 0.4), (CX + w + 0.085, 0.4), (CX + w + 0.10, 1.1), (CX - w - 0.10, 1.1)), colour
            )
        elif s.hair_style == "bob":
            c.ellipse(CX, 0.40, w + 0.08, 0.335, colour)
            c.polygon(
                ((CX - w - 0.08, 0.4), (CX + w + 0.08, 0.4), (CX + w + 0.06, 0.80), (CX - w - 0.06, 0.80)), colour
            )
        elif s.hair_style == "curly":
            for k in range(16):
                a = np.pi * (0.82 + 1.36 * k / 15)
                c.ellipse(
                    CX + (w + 0.045) * np.cos(a),
                    0.40 + 0.285 * np.sin(a),
                    0.085,
                    0.085,
                    shade(colour, 0.9 + 0.25 * (k % 2)),
                )
            for side in (-1, 1):
                for k in range(3):
                    c.ellipse(
                        CX + side * (w + 0.045), 0.52 + 0.085 * k, 0.075, 0.075, shade(colour, 0.9 + 0.2 * (k % 2))
                    )
        elif s.hair_style == "bun":
            c.ellipse(CX, 0.075, 0.105, 0.085, shade(colour, 0.92))
            c.ellipse(CX, 0.38, w + 0.035, 0.30, colour)
        elif s.hair_style == "bald top":
            for side in (-1, 1):
                c.ellipse(CX + side * (w + 0.005), 0.44, 0.05, 0.13, colour)
        elif s.hair_style == "short":
            c.ellipse(CX, 0.375, w + 0.035, 0.30, colour)

    def _hair_front(self, c: Canvas, colour: tuple[int, int, int]) -> None:
        s, w = self.speaker, self.half
        light = shade(colour, 1.22)
        if s.hair_style in ("short", "bun", "long"):
            # a hairline across the top of the forehead
            outer = [
                (CX + (w + 0.03) * np.cos(a), 0.385 + 0.305 * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 25)
            ]
            dip = 0.035 if s.hair_style == "short" else 0.0
            inner = [
                (CX + (w - 0.02) * np.cos(a), 0.375 + (0.150 + dip * np.cos(3 * a) * 0.4) * np.sin(a))
                for a in np.linspace(2 * np.pi, np.pi, 25)
            ]
            c.polygon([*outer, *inner], colour)
            c.line([(CX - 0.16, 0.19), (CX - 0.02, 0.135), (CX + 0.13, 0.165)], light, 0.014)
        elif s.hair_style == "bob":
            outer = [(CX + (w + 0.05) * np.cos(a), 0.40 + 0.32 * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 25)]
            c.polygon([*outer, (CX + w - 0.01, 0.335), (CX, 0.305), (CX - w + 0.01, 0.335)], colour)
            for side in (-1, 1):
                x = CX + side * (w + 0.012)
                c.polygon(
                    ((x - 0.035, 0.34), (x + 0.035, 0.34), (x + 0.04, 0.79), (x - 0.012 * side - 0.02, 0.79)), colour
                )
            c.line([(CX - 0.16, 0.2), (CX, 0.15), (CX + 0.15, 0.19)], light, 0.014)
        elif s.hair_style == "curly":
            for k in range(9):
                a = np.pi * (1.12 + 0.76 * k / 8)
                c.ellipse(
                    CX + (w - 0.015) * np.cos(a),
                    0.365 + 0.205 * np.sin(a),
                    0.07,
                    0.06,
                    shade(colour, 1.0 + 0.3 * (k % 2)),
                )

    def _paint(self) -> NDArray[np.uint8]:
        """Everything but eyes, brows and mouth."""
        s, c, w = self.speaker, self.canvas(), self.half
        skin, dark, light = s.skin, shade(s.skin, 0.74), shade(s.skin, 1.07)
        rim = shade(skin, 0.86) if s.hair_style.startswith("bald") else s.hair_colour
        c.image[:] = rim  # what shows through the head's soft edge
        c.rectangle(-0.2, 0.95, 1.2, 1.2, shade(s.shirt, 0.9))
        self._hair_back(c, s.hair_colour)
        c.ellipse(CX, 1.12, 0.46, 0.19, s.shirt)
        c.rectangle(CX - 0.13, 0.8, CX + 0.13, 1.0, shade(skin, 0.72))
        c.ellipse(CX, 0.985, 0.14, 0.05, shade(skin, 0.78))
        if s.hair_style in ("short", "bald", "bald top", "bun"):
            for side in (-1, 1):
                c.ellipse(CX + side * (w + 0.012), 0.50, 0.042, 0.075, shade(skin, 0.86))
        c.polygon(self._outline(), skin)
        self._blur(c, 0.006)
        face = c.image.copy()
        # soft light: cheeks and forehead bright, sides, eye sockets and under the lip dark
        lit = self.canvas()
        lit.image[:] = skin
        for side in (-1, 1):
            lit.ellipse(CX + side * w, 0.56, 0.085, 0.30, dark)
            lit.ellipse(CX + side * EYE_X, EYE_Y - 0.012, 0.088, 0.052, shade(skin, 0.70))
        lit.ellipse(CX, CHIN + 0.02, 0.2, 0.05, dark)
        self._blur(lit, 0.022)
        lit.ellipse(CX, 0.33, 0.17, 0.075, light)
        for side in (-1, 1):
            lit.ellipse(CX + side * 0.155, 0.585, 0.075, 0.055, mix(light, (255, 150, 140), 0.22 if s.woman else 0.12))
        lit.ellipse(CX, 0.50, 0.026, 0.10, shade(skin, 1.10))
        lit.ellipse(CX, 0.845, 0.075, 0.035, light)
        self._blur(lit, 0.016)
        inside = self.canvas()
        inside.polygon(self._outline(), (255, 255, 255))
        self._blur(inside, 0.008)
        k = inside.image.astype(np.float32) / 255
        c.image = (face * (1 - k) + lit.image * k).astype(np.uint8)
        # nose
        c.ellipse(CX, NOSE_Y, 0.052, 0.030, shade(skin, 0.93))
        c.ellipse(CX, NOSE_Y - 0.010, 0.030, 0.026, shade(skin, 1.06))
        for side in (-1, 1):
            c.ellipse(CX + side * 0.024, NOSE_Y + 0.014, 0.013, 0.008, shade(skin, 0.48))
        if s.age == "old":
            for side in (-1, 1):
                c.line([(CX + side * 0.075, 0.61), (CX + side * 0.125, 0.69)], shade(skin, 0.80), 0.009)
            for y in (0.285, 0.325):
                c.line([(CX - 0.11, y), (CX, y - 0.006), (CX + 0.11, y)], shade(skin, 0.86), 0.007)
        if s.beard:
            hair = shade(s.hair_colour, 0.8 if s.hair == "white" else 1.0)
            outline = [p for p in self._outline() if p[1] > 0.60]
            c.polygon([(CX - 0.2, 0.66), (CX + 0.2, 0.66), *[(x, y + 0.012) for x, y in outline]], hair)
            c.ellipse(CX, MOUTH_Y - 0.055, 0.13, 0.032, hair)
            c.ellipse(CX, MOUTH_Y + 0.035, MOUTH + 0.035, 0.085, mix(skin, hair, 0.35))
        self._blur(c, 0.004)
        self._hair_front(c, s.hair_colour)
        return c.image

    def _outline(self) -> list[tuple[float, float]]:
        """The face's contour: a wide oval above, a narrower jaw below."""
        points = []
        for a in np.linspace(0, 2 * np.pi, 48, endpoint=False):
            ca, sa = np.cos(a), np.sin(a)
            jaw = 1 - 0.13 * max(0.0, sa) ** 2
            points.append((CX + self.half * ca * jaw, 0.50 + ((CHIN - 0.50) if sa > 0 else (0.50 - TOP - 0.03)) * sa))
        return points

    def _mask(self) -> NDArray[np.uint8]:
        s, c = self.speaker, self.canvas()
        white = (255, 255, 255)
        self._hair_back(c, white)
        self._hair_front(c, white)
        c.polygon(self._outline(), white)
        if s.hair_style in ("short", "bald", "bald top", "bun"):
            for side in (-1, 1):
                c.ellipse(CX + side * (self.half + 0.012), 0.50, 0.042, 0.075, white)
        c.rectangle(CX - 0.13, 0.8, CX + 0.13, 1.1, white)
        c.ellipse(CX, 1.12, 0.46, 0.19, white)
        solid = (c.image[..., 0] > 200).astype(np.uint8) * 255
        return cv2.GaussianBlur(solid, (0, 0), 0.004 * self.px).astype(np.uint8)
