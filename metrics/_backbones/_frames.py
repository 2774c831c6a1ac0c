"""Which frames a protocol looks at, and how it resizes and crops them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from avbench.parts import Frames

SIZE = 224


def at_rate(starts: Sequence[Fraction], end: Fraction, rate: Fraction) -> NDArray[np.int64]:
    """Indices of the source frames that FFmpeg's `fps` filter shows at `rate`, in order of its output.

    `starts` are the frames' presentation times, `end` the time at which the last one ends, in seconds. Output slot k
    shows the last frame whose time, rounded to slots, is at most k.
    """
    slots = np.array([_round(start * rate) for start in starts])
    shown = np.arange(slots[0], _round(end * rate))
    return np.searchsorted(slots, shown, side="right") - 1


def _round(x: Fraction) -> int:
    """To the nearest whole number, halves away from zero."""
    whole = math.floor(abs(x) + Fraction(1, 2))
    return whole if x >= 0 else -whole


def shrink(frames: NDArray[np.uint8], size: int = SIZE) -> Tensor:
    """uint8 frames (T, H, W, 3) to (T, 3, h, w) whose short side is `size`: bicubic, antialiased, on bytes.

    The byte kernel clips between its two passes, so resizing floats, as a GPU must, gives other pixels.
    """
    height, width = frames.shape[1:3]
    short, long = sorted((height, width))
    other = int(size * long / short)
    target = (size, other) if height <= width else (other, size)
    planes = torch.from_numpy(frames).permute(0, 3, 1, 2)
    return planes if target == (height, width) else interpolate(planes, target, mode="bicubic", antialias=True)


@dataclass(frozen=True, slots=True)
class Still:
    """One frame of a chunk, which it keeps in memory; its `shrunk` picture is made once for all who see the chunk."""

    chunk: Frames
    index: int

    def shrunk(self, size: int = SIZE) -> Tensor:
        """`shrink` of this frame, (1, 3, h, w)."""
        key = ("shrunk", size, self.index)
        if key not in self.chunk.made:
            self.chunk.made[key] = shrink(self.chunk.data[self.index : self.index + 1], size)
        small: Tensor = self.chunk.made[key]
        return small


def stills(chunk: Frames) -> Iterator[tuple[Still, float]]:
    """The frames of a chunk with their times."""
    for index, time in enumerate(chunk.times):
        yield Still(chunk, index), float(time)


def centre_crop(x: Tensor, size: int = SIZE) -> Tensor:
    """The middle of (..., H, W); halves round to even, as in torchvision."""
    top, left = round((x.shape[-2] - size) / 2), round((x.shape[-1] - size) / 2)
    return x[..., top : top + size, left : left + size]


def three_crops(x: Tensor, size: int = SIZE) -> list[Tensor]:
    """Squares at the start, middle and end of the long side of (..., H, W); halves round up, as in pytorchvideo."""
    height, width = x.shape[-2:]
    top, left = math.ceil((height - size) / 2), math.ceil((width - size) / 2)
    if height > width:
        places = [(0, left), (top, left), (height - size, left)]
    else:
        places = [(top, 0), (top, left), (top, width - size)]
    return [x[..., y : y + size, x0 : x0 + size] for y, x0 in places]
