"""How good each frame is for MUSIQ and MANIQA, as VBench, Verse-Bench and pyiqa show frames to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView

from ._checkpoint import device, network

if TYPE_CHECKING:
    from torch import Tensor

    from .maniqa import Maniqa

LONGEST = 512  # pixels of the longer side that VBench shows to MUSIQ
_TOKENS = 2048  # patches that MUSIQ takes at once, 130 MB of them after its first convolution
Scores = NDArray[np.float64]  # (T,)


@dataclass(frozen=True)
class MusiqSpaq(VideoBackbone[Scores]):
    """(T,) about 0..100 by the SPAQ weights, of frames shrunk as VBench does."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("musiq_spaq",)

    def open(self, info: MediaInfo) -> VideoExtractor[Scores]:
        from . import musiq

        net = network(musiq.load, "musiq_spaq")
        return _Each(lambda frames, first: _musiq(net, shrunk(frames, LONGEST)))


@dataclass(frozen=True)
class MusiqKoniq(VideoBackbone[Scores]):
    """(T,) about 0..100 by the KonIQ weights, of frames at full size."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("musiq_koniq",)

    def open(self, info: MediaInfo) -> VideoExtractor[Scores]:
        from . import musiq

        net = network(musiq.load, "musiq_koniq")
        return _Each(lambda frames, first: _musiq(net, shrunk(frames, None)))


@dataclass(frozen=True)
class ManiqaScores(VideoBackbone[Scores]):
    """(T,) about 0..1: of 20 crops of a grid, patches pooled (pyiqa), or of 20 at random, averaged (Verse-Bench)."""

    random: bool = False
    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("maniqa_koniq",)

    def open(self, info: MediaInfo) -> VideoExtractor[Scores]:
        from . import maniqa

        net = network(maniqa.load, "maniqa_koniq")
        return _Each(lambda frames, first: _maniqa(net, frames, first if self.random else None))


def shrunk(frames: NDArray[np.uint8], longest: int | None) -> Tensor:
    """(T, 3, h, w) in 0..1; the longer side at most `longest`: bilinear on floats without antialiasing, as VBench."""
    import torch
    from torch.nn.functional import interpolate

    planes = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
    height, width = frames.shape[1:3]
    if longest is not None and max(height, width) > longest:
        scale = longest / max(height, width)
        planes = interpolate(planes, (int(scale * height), int(scale * width)), mode="bilinear")
    return planes / 255


def random_corners(height: int, width: int, frame: int) -> list[tuple[int, int]]:
    """The crops' upper left corners in frame number `frame`; the same in every run, where Verse-Bench's are not."""
    from .maniqa import CROP, CROPS

    if min(height, width) <= CROP:
        raise NotApplicable(f"too_small: {width} x {height} px, over {CROP} a side needed")
    rng = np.random.default_rng(frame)
    return [(int(rng.integers(height - CROP)), int(rng.integers(width - CROP))) for _ in range(CROPS)]


class _Each(VideoExtractor[Scores]):
    """Scores of chunks, which are given with the number of their first frame."""

    def __init__(self, score: Callable[[NDArray[np.uint8], int], Scores]) -> None:
        self._score = score
        self._found: list[Scores] = []
        self._seen = 0

    def push(self, frames: Frames) -> None:
        from avbench.products import inference

        with inference():
            self._found.append(self._score(frames.data, self._seen))
        self._seen += len(frames.data)

    def finish(self) -> Scores:
        return np.concatenate(self._found)


def _musiq(net: Callable[[Tensor], Tensor], pictures: Tensor) -> Scores:
    import torch

    own = -(-pictures.shape[-2] // 32) * -(-pictures.shape[-1] // 32)
    at_once = max(1, _TOKENS // (own + 193))  # 49 and 144 patches at most in the other two sizes
    found = torch.cat([net(part.to(device())) for part in pictures.split(at_once)])
    return np.asarray(found.cpu().numpy(), np.float64)


def _maniqa(net: Maniqa, frames: NDArray[np.uint8], first: int | None) -> Scores:
    import torch

    from .maniqa import CROP, crop_mean, enlarged, grid, pooled, prepared

    found = []
    for i, frame in enumerate(frames):
        picture = prepared(torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1).float() / 255)
        if first is None:
            picture = enlarged(picture)
            corners = grid(*picture.shape[1:])
        else:
            height, width = frame.shape[:2]
            corners = random_corners(height, width, first + i)
        crops = torch.stack([picture[:, y : y + CROP, x : x + CROP] for y, x in corners])
        parts = [net(part.to(device())) for part in crops.split(4)]
        scores, weights = (torch.cat(side) for side in zip(*parts, strict=True))
        found.append(float(pooled(scores, weights) if first is None else crop_mean(scores, weights)))
    return np.array(found)
