"""Pictures that are not the world's, to tell it from: photographs that packages bring, textures, other drawings."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.errors import UsageError

PHOTOGRAPHS = (  # of scikit-image; its astronaut is kept for the tests
    "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
    "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "motorcycle_right.png", "retina.jpg",
    "rocket.jpg",
)  # fmt: skip
Picture = NDArray[np.uint8]


def stranger(rng: np.random.Generator, size: int) -> Picture:
    """A random picture, (size, size, 3) RGB."""
    makers = (_photograph, _photograph, _photograph, _leaves, _cloud, _drawing, _plain)
    return makers[int(rng.integers(len(makers)))](rng, size)


@cache
def photographs() -> tuple[Picture, ...]:
    """Raises UsageError where the packages that bring them are not installed."""
    try:
        import matplotlib
        import skimage.data
    except ImportError as error:
        raise UsageError("training the domain check needs photographs: pip install 'avbench[train]'") from error
    paths = [Path(skimage.data.__file__).parent / name for name in PHOTOGRAPHS]
    face = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    read = [cv2.imread(str(path)) for path in (*paths, face, face, face)]  # a talker's like counts thrice
    return tuple(cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8) for image in read if image is not None)


def _photograph(rng: np.random.Generator, size: int) -> Picture:
    """A part of one, sometimes before another one out of focus, as a person before a wall."""
    part = _part(rng, size)
    if rng.random() < 0.3:
        back = cv2.GaussianBlur(_part(rng, size), (0, 0), rng.uniform(2, 12))
        mask = np.zeros((size, size, 1), np.float32)
        centre = (int(rng.uniform(0.3, 0.7) * size), int(rng.uniform(0.4, 0.8) * size))
        axes = (int(rng.uniform(0.15, 0.4) * size), int(rng.uniform(0.2, 0.5) * size))
        cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, (1.0,), -1)
        part = (mask * part + (1 - mask) * back).astype(np.uint8)
    return part


def _part(rng: np.random.Generator, size: int) -> Picture:
    known = photographs()
    image = known[int(rng.integers(len(known)))]
    side = int(rng.uniform(0.2, 1.0) * min(image.shape[:2]))
    top, left = (int(rng.integers(0, whole - side + 1)) for whole in image.shape[:2])
    small = cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        small = small[:, ::-1]
    if rng.random() < 0.3:
        small = small[..., rng.permutation(3)]
    return np.ascontiguousarray(small, np.uint8)


def _cloud(rng: np.random.Generator, size: int) -> Picture:
    """Noise whose spectrum falls as nature's does, or slower."""
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    fall = np.maximum(np.hypot(fy, fx), 1 / size) ** -rng.uniform(0, 2.2)
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((3, size, size))) * fall, s=(size, size))
    mixed = np.einsum("ij,jhw->hwi", np.eye(3) + rng.uniform(0, 1.5), noise)
    return _levels(128 + rng.uniform(15, 70) * mixed / mixed.std() + rng.uniform(-60, 60, 3))


def _leaves(rng: np.random.Generator, size: int) -> Picture:
    """Textured discs that cover one another, sizes as in nature."""
    image = np.zeros((size, size, 3), np.uint8)
    for _ in range(int(rng.integers(20, 200))):
        radius = int(min(size / 2, 2 / rng.uniform(0.02, 1)))
        at = tuple(int(x) for x in rng.integers(0, size, 2))
        cv2.circle(image, at, max(1, radius), [int(x) for x in rng.integers(0, 256, 3)], -1, cv2.LINE_AA)
    return _levels(image + rng.uniform(0, 25) * (_cloud(rng, size) / 128.0 - 1))


def _drawing(rng: np.random.Generator, size: int) -> Picture:
    """Lines, boxes, discs and letters on one colour, as in a chart, a game or a skeleton of a pose."""
    dark = rng.random() < 0.5
    image = np.full((size, size, 3), 0 if dark else rng.integers(0, 256, 3), np.uint8)
    points = [tuple(int(x) for x in rng.integers(0, size, 2)) for _ in range(20)]
    for k in range(int(rng.integers(2, 18))):
        colour = [int(x) for x in rng.integers(0, 256, 3)]
        kind = int(rng.integers(4))
        if kind == 0:
            cv2.line(image, points[k], points[k + 1], colour, int(rng.integers(1, 5)), cv2.LINE_AA)
        elif kind == 1:
            cv2.rectangle(image, points[k], points[k + 1], colour, -1 if rng.random() < 0.5 else 1)
        elif kind == 2:
            cv2.circle(image, points[k], int(rng.integers(1, size // 4)), colour, -1 if rng.random() < 0.5 else 1)
        else:
            cv2.putText(image, "AbcXyz07"[k % 8], points[k], 0, rng.uniform(0.3, 1.2), colour, 1, cv2.LINE_AA)
    return image


def _plain(rng: np.random.Generator, size: int) -> Picture:
    """One colour, or one that runs into another."""
    ends = rng.uniform(0, 255, (2, 3)) if rng.random() < 0.7 else np.repeat(rng.uniform(0, 255, (1, 3)), 2, 0)
    along = np.linspace(0, 1, size)[:, None, None]
    image = np.broadcast_to(ends[0] * along + ends[1] * (1 - along), (size, size, 3))
    return _levels(image if rng.random() < 0.5 else image.transpose(1, 0, 2))


def _levels(image: NDArray[np.floating]) -> Picture:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
