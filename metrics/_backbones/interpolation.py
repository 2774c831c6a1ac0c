"""How well every second frame of a clip is told from its neighbours: one difference a pair of even frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView

from ._checkpoint import network

if TYPE_CHECKING:
    from .amt import Amt


@dataclass(frozen=True)
class MiddleFrames(VideoBackbone[NDArray[np.float64]]):
    """(P,) VBench's: mean |difference|, 0..255, of each odd frame and the one that AMT-S puts there, at full size.

    Of `every` pairs the first.
    """

    every: int = 1
    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("amt_s",)

    def open(self, info: MediaInfo) -> VideoExtractor[NDArray[np.float64]]:
        from . import amt

        return _Middles(network(amt.load, "amt_s", "state_dict"), self.every)


class _Middles(VideoExtractor[NDArray[np.float64]]):
    """Holds two frames: the even one before and the odd one that waits for the next."""

    def __init__(self, net: Amt, every: int = 1) -> None:
        self._net, self._every = net, every
        self._pairs = 0
        self._held: list[NDArray[np.uint8]] = []
        self._found: list[float] = []

    def push(self, frames: Frames) -> None:
        for frame in frames.data:
            if len(self._held) == 2:
                even, odd = self._held
                if self._pairs % self._every == 0:
                    self._found.append(self._difference(even, odd, frame))
                self._pairs += 1
                self._held = []
            self._held.append(frame.copy())

    def finish(self) -> NDArray[np.float64]:
        return np.array(self._found)

    def _difference(self, even: NDArray[np.uint8], odd: NDArray[np.uint8], following: NDArray[np.uint8]) -> float:
        from avbench.products import inference

        from .amt import SMALLEST, difference, middle

        height, width = even.shape[:2]
        if min(height, width) <= SMALLEST - 16:
            raise NotApplicable(f"too_small: {width} x {height} px, AMT-S needs {SMALLEST} a side")
        with inference():
            return difference(middle(self._net, even, following), odd)
