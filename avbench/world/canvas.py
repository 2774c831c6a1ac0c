"""Drawing in unit coordinates: (0, 0) is the picture's top left corner, (1, 1) its bottom right."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]
Point = tuple[float, float]
Box = tuple[float, float, float, float]
SHIFT = 5  # fractional bits of OpenCV's drawing coordinates


def shade(colour: RGB, by: float) -> RGB:
    """`colour` times `by`, clipped."""
    r, g, b = (int(min(255, max(0, c * by))) for c in colour)
    return r, g, b


def mix(a: RGB, b: RGB, t: float) -> RGB:
    """From `a` (t = 0) to `b` (t = 1)."""
    r, g, bl = (int(x + (y - x) * t) for x, y in zip(a, b, strict=True))
    return r, g, bl


class Canvas:
    """A square uint8 RGB image of `px` pixels. `origin` and `scale` place what is drawn (a prop, a camera)."""

    def __init__(self, px: int) -> None:
        self.px = px
        self.image: NDArray[np.uint8] = np.zeros((px, px, 3), np.uint8)
        self.origin: Point = (0.0, 0.0)
        self.scale = 1.0

    def _at(self, x: float, y: float) -> tuple[int, int]:
        k = self.px * (1 << SHIFT)
        u = (self.origin[0] + x * self.scale) * k - (1 << SHIFT) / 2
        v = (self.origin[1] + y * self.scale) * k - (1 << SHIFT) / 2
        return int(np.clip(u, -1e6, 1e6)), int(np.clip(v, -1e6, 1e6))

    def _size(self, r: float) -> int:
        return max(1, int(r * self.scale * self.px * (1 << SHIFT)))

    def _points(self, points: Sequence[Point]) -> NDArray[np.int32]:
        return np.array([self._at(x, y) for x, y in points], np.int32)

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: RGB,
        angle: float = 0,
        arc: tuple[float, float] = (0, 360),
    ) -> None:
        cv2.ellipse(
            self.image, self._at(x, y), (self._size(rx), self._size(ry)), angle, *arc, colour, -1, cv2.LINE_AA, SHIFT
        )

    def ring(self, x: float, y: float, rx: float, ry: float, colour: RGB, width: float) -> None:
        thick = max(1, round(width * self.scale * self.px))
        cv2.ellipse(
            self.image, self._at(x, y), (self._size(rx), self._size(ry)), 0, 0, 360, colour, thick, cv2.LINE_AA, SHIFT
        )

    def polygon(self, points: Sequence[Point], colour: RGB) -> None:
        cv2.fillPoly(self.image, [self._points(points)], colour, cv2.LINE_AA, SHIFT)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, colour: RGB) -> None:
        self.polygon(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), colour)

    def line(self, points: Sequence[Point], colour: RGB, width: float) -> None:
        thick = max(1, round(width * self.scale * self.px))
        cv2.polylines(self.image, [self._points(points)], False, colour, thick, cv2.LINE_AA, SHIFT)

    def glow(self, x: float, y: float, radius: float, colour: RGB, strength: float) -> None:
        """Light added around a point, falling off to nothing at `radius`."""
        cx, cy = ((self.origin[k] + v * self.scale) * self.px for k, v in enumerate((x, y)))
        r = radius * self.scale * self.px
        x0, x1 = max(0, int(cx - r)), min(self.px, int(cx + r) + 1)
        y0, y1 = max(0, int(cy - r)), min(self.px, int(cy + r) + 1)
        if x1 <= x0 or y1 <= y0 or strength <= 0:
            return
        whole = max(2, int(2 * r))
        mask = cv2.resize(_GLOW, (whole, whole), interpolation=cv2.INTER_LINEAR)
        left, top = int(cx - r), int(cy - r)
        mask = mask[y0 - top : y1 - top, x0 - left : x1 - left]
        y1, x1 = y0 + mask.shape[0], x0 + mask.shape[1]
        light = cv2.LUT(cv2.merge([mask] * 3), _ramp(colour, strength))
        self.image[y0:y1, x0:x1] = cv2.add(self.image[y0:y1, x0:x1], light)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box in drawing coordinates as a box in the unit picture, clipped to it."""
        xs = [min(1.0, max(0.0, self.origin[0] + x * self.scale)) for x in (x0, x1)]
        ys = [min(1.0, max(0.0, self.origin[1] + y * self.scale)) for y in (y0, y1)]
        return xs[0], ys[0], xs[1], ys[1]


_FAR = np.hypot(*np.meshgrid(np.linspace(-1, 1, 128), np.linspace(-1, 1, 128)))
_GLOW = (255 * np.clip(1 - _FAR, 0, 1) ** 2).astype(np.uint8)


def _ramp(colour: RGB, strength: float) -> NDArray[np.uint8]:
    """Look-up table (1, 256, 3) from the glow's mask to the light added to each channel."""
    ramp = np.arange(256)[:, None] / 255 * strength * np.array(colour)
    table: NDArray[np.uint8] = np.clip(ramp, 0, 255).astype(np.uint8)[None]
    return table
