"""I3D: what happens in 16 frames, as 400 logits (Carreira and Zisserman 2017; the port that VideoGPT's FVD uses).

File `i3d_pretrained_400.pt`, converted from TensorFlow Hub; its keys load as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d, interpolate, max_pool3d, pad

from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView
from avbench.products import inference

from ._checkpoint import down, network, up
from ._state import build

FRAMES = 16  # consecutive ones from the first on, at the clip's own rate
JAVIS_FRAMES = 24
LONGEST = 1000  # frames of which JavisBench's squares are held (300 kB each)
SIZE = 224
EPS = 1e-5  # of the batch norms; the other port, trained otherwise, has 1e-3

_MIXED = {
    "3b": (192, 64, 96, 128, 16, 32, 32),
    "3c": (256, 128, 128, 192, 32, 96, 64),
    "4b": (480, 192, 96, 208, 16, 48, 64),
    "4c": (512, 160, 112, 224, 24, 64, 64),
    "4d": (512, 128, 128, 256, 24, 64, 64),
    "4e": (512, 112, 144, 288, 32, 64, 64),
    "4f": (528, 256, 160, 320, 32, 128, 128),
    "5b": (832, 256, 160, 320, 32, 128, 128),
    "5c": (832, 384, 192, 384, 48, 128, 128),
}


@dataclass(frozen=True)
class I3dLogits(VideoBackbone[NDArray[np.float32]]):
    """(400,) of the clip's first 16 frames: short side to 224 and the centre square, or `squashed` to a square."""

    squash: bool = False
    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("i3d_400",)

    def open(self, info: MediaInfo) -> VideoExtractor[NDArray[np.float32]]:
        return _First(network(load, "i3d_400"), squashed if self.squash else squares)


@dataclass(frozen=True)
class I3dJavis(VideoBackbone[NDArray[np.float32]]):
    """(2, 400) of 24 frames spread over the clip, as JavisBench shows them, and as it meant to."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("i3d_400",)

    def open(self, info: MediaInfo) -> VideoExtractor[NDArray[np.float32]]:
        return _Spread(network(load, "i3d_400"))


class I3d(nn.Module):
    """(N, 3, T, 224, 224) in -1..1, T at least 9, to (N, 400) logits, the mean over time."""

    def __init__(self, eps: float = EPS) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = _Unit(3, 64, 7, 2, eps)
        self.Conv3d_2b_1x1 = _Unit(64, 64, 1, 1, eps)
        self.Conv3d_2c_3x3 = _Unit(64, 192, 3, 1, eps)
        for name, sizes in _MIXED.items():
            self.add_module(f"Mixed_{name}", _Mixed(*sizes, eps=eps))
        self.logits = _Unit(1024, 400, 1, 1, None)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.pooled(x)).flatten(2).mean(dim=2)

    def pooled(self, x: Tensor) -> Tensor:
        """(N, 1024, t, 1, 1)."""
        x = _largest(self.Conv3d_1a_7x7(x), (1, 3, 3), (1, 2, 2))
        x = _largest(self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x)), (1, 3, 3), (1, 2, 2))
        for name in _MIXED:
            if name == "4b":
                x = _largest(x, (3, 3, 3), (2, 2, 2))
            if name == "5b":
                x = _largest(x, (2, 2, 2), (2, 2, 2))
            x = self.get_submodule(f"Mixed_{name}")(x)
        return avg_pool3d(x, (2, 7, 7), 1)


def load(state: Mapping[str, Tensor], source: str, eps: float = EPS) -> I3d:
    """The network with the official weights `state`, read from `source`."""
    return build(lambda: I3d(eps), state, source)


def squares(frames: NDArray[np.uint8]) -> Tensor:
    """(T, H, W, 3) to (3, T, 224, 224) in -1..1: bilinear, not antialiased, the long side rounded up, the middle."""
    height, width = frames.shape[1:3]
    scale = SIZE / min(height, width)
    target = (SIZE, math.ceil(width * scale)) if height < width else (math.ceil(height * scale), SIZE)
    planes = interpolate(_planes(frames), target, mode="bilinear")
    top, left = ((side - SIZE) // 2 for side in planes.shape[-2:])
    return _signed(planes[..., top : top + SIZE, left : left + SIZE])


def squashed(frames: NDArray[np.uint8]) -> Tensor:
    """(T, H, W, 3) to (3, T, 224, 224) in -1..1, the aspect ratio lost, as cd-fvd."""
    return _signed(interpolate(_planes(frames), (SIZE, SIZE), mode="bilinear"))


def padded(frames: NDArray[np.uint8]) -> Tensor:
    """(T, H, W, 3) to (T, 3, 224, 224) in 0..1 as JavisBench: long side to 224, antialiased, black around."""
    height, width = frames.shape[1:3]
    size = (SIZE, int(SIZE * width / height)) if height > width else (int(SIZE * height / width), SIZE)
    planes = _planes(frames)
    if size != (height, width):
        planes = interpolate(planes, size, mode="bilinear", antialias=True)
    top, left = ((SIZE - side) // 2 for side in size)
    return pad(planes, (left, SIZE - size[1] - left, top, SIZE - size[0] - top))


def javis_bytes(planes: Tensor, shipped: bool) -> Tensor:
    """Planes in 0..1 as the bytes that JavisBench makes of them.

    What it `shipped` takes them for -1..1: I3D sees black as grey and never anything darker.
    """
    signed = planes if shipped else 2 * planes - 1
    return ((signed + 1) * 127.5).clamp(0, 255).to(torch.uint8)


def spread(length: int) -> list[int]:
    """The frames that JavisBench looks at."""
    return [int(place) for place in torch.linspace(0, length - 1, JAVIS_FRAMES).round()]


class _First(VideoExtractor[NDArray[np.float32]]):
    def __init__(self, net: I3d, fit: Callable[[NDArray[np.uint8]], Tensor] = squares) -> None:
        self._net, self._fit = net, fit
        self._held: list[NDArray[np.uint8]] = []

    def push(self, frames: Frames) -> None:
        self._held.extend(frame.copy() for frame in frames.data[: FRAMES - len(self._held)])

    def finish(self) -> NDArray[np.float32]:
        if len(self._held) < FRAMES:
            raise NotApplicable(f"too_short: {len(self._held)} frames, {FRAMES} needed")
        with inference():
            return down(self._net(up(self._fit(np.stack(self._held))[None], self._net))[0])


class _Spread(VideoExtractor[NDArray[np.float32]]):
    """Holds every frame's small square: which of them count is known at the end."""

    def __init__(self, net: I3d) -> None:
        self._net = net
        self._held: list[tuple[Tensor, Tensor]] = []

    def push(self, frames: Frames) -> None:
        if len(self._held) + len(frames.data) > LONGEST:
            raise Unscored(f"too_long: over {LONGEST} frames")
        planes = padded(frames.data)
        self._held.extend(zip(javis_bytes(planes, shipped=True), javis_bytes(planes, shipped=False), strict=True))

    def finish(self) -> NDArray[np.float32]:
        chosen = [self._held[i] for i in spread(len(self._held))]
        found = []
        with inference():
            for side in zip(*chosen, strict=True):
                clip = _signed(torch.stack(side).float() / 255)
                found.append(down(self._net(up(clip[None], self._net))[0]))
        return np.stack(found)


class _Unit(nn.Module):
    """A convolution with TensorFlow's padding, batch norm and ReLU; or, without `eps`, a convolution with a bias."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, eps: float | None) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, size, stride, bias=eps is None)
        self.bn = None if eps is None else nn.BatchNorm3d(outputs, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3d(_same(x, self.conv3d.kernel_size, self.conv3d.stride))
        return x if self.bn is None else self.bn(x).relu()


class _Mixed(nn.Module):
    def __init__(self, inputs: int, b0: int, b1a: int, b1b: int, b2a: int, b2b: int, b3b: int, eps: float) -> None:
        super().__init__()
        self.b0 = _Unit(inputs, b0, 1, 1, eps)
        self.b1a, self.b1b = _Unit(inputs, b1a, 1, 1, eps), _Unit(b1a, b1b, 3, 1, eps)
        self.b2a, self.b2b = _Unit(inputs, b2a, 1, 1, eps), _Unit(b2a, b2b, 3, 1, eps)
        self.b3b = _Unit(inputs, b3b, 1, 1, eps)

    def forward(self, x: Tensor) -> Tensor:
        branches = (self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(_largest(x, (3,) * 3, (1,) * 3)))
        return torch.cat(branches, dim=1)


def _largest(x: Tensor, size: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    return max_pool3d(_same(x, size, stride), size, stride)


def _same(x: Tensor, size: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Zeros around, so that every stride's worth of input gives an output; the smaller half before."""
    around: list[int] = []
    for length, width, step in reversed(list(zip(x.shape[2:], size, stride, strict=True))):
        total = max(width - (step if length % step == 0 else length % step), 0)
        around += [total // 2, total - total // 2]
    return pad(x, around)


def _planes(frames: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 255


def _signed(planes: Tensor) -> Tensor:
    return ((planes - 0.5) * 2).transpose(0, 1)
