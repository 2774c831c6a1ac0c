"""Where scenes happen: still backgrounds, painted once a clip."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.world import indoors, outdoors
from avbench.world.canvas import Canvas
from avbench.world.ground import PAD

PLACES: dict[str, Callable[[Canvas, np.random.Generator], None]] = {
    "room": indoors.room,
    "living-room": indoors.room,
    "bedroom": indoors.bedroom,
    "kitchen": indoors.kitchen,
    "cafe": indoors.cafe,
    "office": indoors.office,
    "classroom": indoors.classroom,
    "library": indoors.library,
    "hall": indoors.hall,
    "stage": indoors.stage,
    "workshop": indoors.workshop,
    "garage": indoors.garage,
    "plain": indoors.plain,
    "street": outdoors.street,
    "station": outdoors.station,
    "harbour": outdoors.harbour,
    "roof": outdoors.roof,
    "beach": outdoors.beach,
    "lake": outdoors.lake,
    "forest": outdoors.forest,
    "park": outdoors.park,
    "garden": outdoors.garden,
    "yard": outdoors.yard,
    "field": outdoors.field,
    "mountain": outdoors.mountain,
    "night": outdoors.night,
    "sky": outdoors.open_sky,
}
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
