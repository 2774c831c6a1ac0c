"""A network over every frame of a clip for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avbench.parts import Frames, VideoExtractor

from ._checkpoint import device, down

if TYPE_CHECKING:
    from torch import Tensor


class Stills(VideoExtractor[NDArray[np.float32]]):
    """A row a frame: `net` of the `pixels` that are made of a chunk of frames (N, H, W, 3)."""

    def __init__(self, net: Callable[[Tensor], Tensor], pixels: Callable[[NDArray[np.uint8]], Tensor]) -> None:
        self._net, self._pixels = net, pixels
        self._found: list[NDArray[np.float32]] = []

    def push(self, frames: Frames) -> None:
        from avbench.products import inference

        with inference():
            self._found.append(down(self._net(self._pixels(frames.data).to(device()))))

    def finish(self) -> NDArray[np.float32]:
        return np.concatenate(self._found)
