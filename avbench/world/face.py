"""A plain frontal talking head: its portrait, with the eyes and mouth of a frame, placed with the head's sway."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.world.canvas import Box, Canvas, mix, shade
from avbench.world.portrait import CHIN, CX, EYE_X, EYE_Y, MARGIN, MOUTH, MOUTH_Y, TOP, Portrait
from avbench.world.speakers import Speaker
from avbench.world.viseme import Lips

GAPE = 0.115  # how far the lips part at aperture 1, in pictures
LIP = (188, 84, 88)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is: centre shift (dx, dy) in pictures, `zoom`, `tilt` in degrees; `lid` 1 open to 0 shut."""

    dx: float
    dy: float
    zoom: float
    tilt: float
    lid: float
    brow: float
    gaze: float


def poses(seed: int, frames: int, fps: float, zoom: float, dx: float, dy: float) -> list[Pose]:
    """A slow sway, blinks every two to four seconds, brows that rise now and then."""
    rng = np.random.default_rng((seed, 0xFACE))
    t = np.arange(frames) / fps
    wave = [np.sin(2 * np.pi * (rng.uniform(0.15, 0.4) * t + rng.uniform())) * rng.uniform(0.5, 1.0) for _ in range(5)]
    lid = np.ones(frames)
    at = rng.uniform(0.5, 2.0)
    while at < t[-1]:
        lid = np.minimum(lid, np.clip(np.abs(t - at) / 0.09 - 0.15, 0, 1))
        at += rng.uniform(1.8, 4.0)
    return [
        Pose(
            dx + 0.012 * wave[0][i], dy + 0.008 * wave[1][i], zoom * (1 + 0.008 * wave[2][i]), 1.8 * wave[3][i],
            float(lid[i]), float(max(0.0, wave[4][i])), float(0.006 * wave[1][i] - 0.004 * wave[0][i]),
        )
        for i in range(frames)
    ]  # fmt: skip


class Head:
    """The head of one speaker at `px` pixels a picture side."""

    def __init__(self, speaker: Speaker, px: int) -> None:
        self.speaker, self.px = speaker, px
        self.portrait = Portrait(speaker, px)

    def _eyes(self, c: Canvas, pose: Pose) -> None:
        s = self.speaker
        lash = mix(shade(s.skin, 0.35), (20, 14, 12), 0.6)
        brow = mix(s.hair_colour, (60, 44, 36), 0.5) if s.hair not in ("grey", "white") else shade(s.hair_colour, 0.62)
        for side in (-1, 1):
            x = CX + side * EYE_X
            open_ = pose.lid
            if open_ > 0.15:
                c.ellipse(x, EYE_Y, 0.060, 0.031 * open_, lash)
                c.ellipse(x, EYE_Y + 0.004, 0.052, 0.024 * open_, (244, 242, 238))
                r = min(0.026, 0.029 * open_)
                c.ellipse(x + pose.gaze, EYE_Y + 0.002, 0.026, r, s.eyes)
                c.ellipse(x + pose.gaze, EYE_Y + 0.002, 0.013, min(0.013, r), (12, 10, 10))
                c.ellipse(x + pose.gaze + 0.009, EYE_Y - 0.007, 0.006, 0.005 * open_, (255, 255, 255))
            else:
                c.ellipse(x, EYE_Y + 0.006, 0.058, 0.026, shade(s.skin, 0.74))
                c.line([(x - 0.055, EYE_Y + 0.006), (x, EYE_Y + 0.018), (x + 0.055, EYE_Y + 0.006)], lash, 0.013)
            lift = 0.075 + 0.014 * pose.brow
            inner, outer = x - side * 0.062, x + side * 0.072
            thick = 0.017 if s.woman else 0.025
            c.line(
                [(inner, EYE_Y - lift + 0.006), (x + side * 0.01, EYE_Y - lift - 0.013), (outer, EYE_Y - lift + 0.006)],
                brow, thick,
            )  # fmt: skip
            if s.glasses:
                c.ring(x, EYE_Y + 0.004, 0.084, 0.062, (62, 58, 60), 0.009)
        if s.glasses:
            c.line([(CX - 0.032, EYE_Y - 0.006), (CX, EYE_Y - 0.014), (CX + 0.032, EYE_Y - 0.006)], (40, 40, 44), 0.012)

    def _mouth(self, c: Canvas, aperture: float, width: float) -> Box:
        s = self.speaker
        half = MOUTH * (1 + 0.16 * width - 0.05 * aperture)
        gap = GAPE * aperture
        top, bottom = MOUTH_Y - 0.30 * gap, MOUTH_Y + 0.70 * gap
        round_ = max(0.0, -width)
        upper, lower = 0.030 + 0.008 * round_, 0.036 + 0.010 * round_
        lip = mix(LIP if s.woman else (176, 92, 86), s.skin, 0.12 if s.woman else 0.38)
        u = np.linspace(-1, 1, 21)
        arch = np.sqrt(np.clip(1 - u**2, 0, 1))
        bow = arch * (1 - 0.22 * np.exp(-((u / 0.16) ** 2)))
        outer_top = [(CX + half * x, top - upper * y) for x, y in zip(u, bow, strict=True)]
        outer_low = [(CX + half * x, bottom + lower * y) for x, y in zip(u[::-1], arch, strict=True)]
        corner = MOUTH_Y + 0.15 * gap
        curve = arch**0.8
        outer_top = [(x, corner + (y - corner) * b) for (x, y), b in zip(outer_top, curve, strict=True)]
        outer_low = [(x, corner + (y - corner) * b) for (x, y), b in zip(outer_low, curve, strict=True)]
        if gap > 0.03:
            c.ellipse(CX, bottom + lower + 0.012, half * 0.7, 0.012, shade(s.skin, 0.82))
        c.polygon([*outer_top, *outer_low], lip)
        inner = half * 0.86
        if gap > 0.004:
            hole_top = [(CX + inner * x, corner + (top - corner) * y) for x, y in zip(u, curve, strict=True)]
            hole_low = [(CX + inner * x, corner + (bottom - corner) * y) for x, y in zip(u[::-1], curve, strict=True)]
            c.polygon([*hole_top, *hole_low], (52, 14, 18))
            if gap > 0.022:
                edge = top + min(0.024, 0.36 * gap)
                upper_edge = [
                    (CX + 0.8 * inner * x, corner + (top - corner) * y) for x, y in zip(u, curve, strict=True)
                ]
                lower_edge = [(x, max(y, min(edge, 2 * corner - y))) for x, y in upper_edge[::-1]]
                c.polygon([*upper_edge, *lower_edge], (240, 236, 228))
            if gap > 0.045:
                c.ellipse(CX, bottom - 0.012, 0.55 * inner, min(0.02, 0.22 * gap), (172, 74, 80))
        else:
            c.line([(CX - inner, corner), (CX, corner + 0.003), (CX + inner, corner)], shade(lip, 0.5), 0.010)
        return CX - half, top - upper, CX + half, bottom + lower

    def draw(self, onto: NDArray[np.uint8], pose: Pose, aperture: float, width: float) -> tuple[Box, Box]:
        """Paints the head over `onto` (px, px, 3) in place; returns the face and mouth boxes in unit coordinates."""
        c = self.portrait.canvas()
        c.image = self.portrait.base.copy()
        self._eyes(c, pose)
        mouth = self._mouth(c, aperture, width)
        scale = self.px / self.portrait.side * (1 + 2 * MARGIN)  # 1 up to rounding
        turn = np.asarray(cv2.getRotationMatrix2D((0.0, 0.0), pose.tilt, pose.zoom * scale), np.float64)
        middle = np.array([(MARGIN + 0.5) * self.px, (MARGIN + 0.62) * self.px])
        target = np.array([(0.5 + pose.dx) * self.px, (0.62 + pose.dy) * self.px])
        turn[:, 2] = target - turn[:, :2] @ middle
        size = (self.px, self.px)
        head = cv2.warpAffine(c.image, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(self.portrait.alpha, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        onto[:] = cv2.add(
            cv2.multiply(head, alpha, scale=1 / 255), cv2.multiply(onto, cv2.bitwise_not(alpha), scale=1 / 255)
        )
        face = (CX - self.portrait.half, TOP + 0.03, CX + self.portrait.half, CHIN)
        return self._moved(face, turn), self._moved(mouth, turn)

    def _moved(self, box: Box, turn: NDArray[np.float64]) -> Box:
        x0, y0, x1, y1 = box
        corners = (np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]) + MARGIN) * self.px
        moved = (corners @ turn[:, :2].T + turn[:, 2]) / self.px
        low, high = np.clip(moved.min(0), 0, 1), np.clip(moved.max(0), 0, 1)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def still(frames: int) -> Lips:
    """A closed mouth."""
    return Lips(np.zeros(frames, np.float32), np.zeros(frames, np.float32))
