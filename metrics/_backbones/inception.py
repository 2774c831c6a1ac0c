"""Inception: what a picture shows, as 2048 numbers: the network of the Fréchet inception distance (Heusel et al. 2017).

TensorFlow's network of 2015 as pytorch-fid and torch-fidelity port it: average pools that do not count their padding,
and a maximum in the last block, by mistake. File `pt_inception-2015-12-05-6726825d.pth`; its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from avbench.media.info import MediaInfo
from avbench.parts import VideoBackbone, VideoExtractor, VideoView

from ._checkpoint import network
from ._paper import library
from ._state import build
from ._stills import Stills

SIZE = 299
UNUSED = ("fc.*",)  # the classes
PER_SECOND = 1.0

_Kernel = int | tuple[int, int]
_Step = tuple[tuple[str, int, _Kernel], ...]  # units side by side: name, channels, kernel
_Branch = tuple[_Step, ...]


@dataclass(frozen=True)
class InceptionFrames(VideoBackbone[NDArray[np.float32]]):
    """(F, 2048) of a frame a second from the first on, resized as one of `RESIZERS`."""

    resizer: str
    view: ClassVar[VideoView] = VideoView(fps=PER_SECOND)
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("inception_fid",)

    def open(self, info: MediaInfo) -> VideoExtractor[NDArray[np.float32]]:
        return Stills(network(load, "inception_fid"), RESIZERS[self.resizer])


class Inception(nn.Module):
    """(N, 3, 299, 299) in -1..1 to (N, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Unit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Unit(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = _Unit(32, 64, 3)
        self.Conv2d_3b_1x1 = _Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = _Unit(80, 192, 3, padded=False)
        self.Mixed_5b = _Mixed(192, _a(), 32)
        self.Mixed_5c = _Mixed(256, _a(), 64)
        self.Mixed_5d = _Mixed(288, _a(), 64)
        self.Mixed_6a = _Mixed(288, _B, None)
        self.Mixed_6b = _Mixed(768, _c(128), 192)
        self.Mixed_6c = _Mixed(768, _c(160), 192)
        self.Mixed_6d = _Mixed(768, _c(160), 192)
        self.Mixed_6e = _Mixed(768, _c(192), 192)
        self.Mixed_7a = _Mixed(768, _D, None)
        self.Mixed_7b = _Mixed(1280, _E, 192)
        self.Mixed_7c = _Mixed(2048, _E, 192, largest=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(max_pool2d(x, 3, 2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(max_pool2d(x, 3, 2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        return self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x))).mean(dim=(2, 3))


def load(state: Mapping[str, Tensor], source: str) -> Inception:
    """The network with the official weights `state`, read from `source`."""
    return build(Inception, state, source, UNUSED)


def pytorch_fid(frames: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) to (N, 3, 299, 299): bilinear, not antialiased, as pytorch-fid (and clean-fid's legacy_pytorch)."""
    return 2 * interpolate(_planes(frames) / 255, (SIZE, SIZE), mode="bilinear") - 1


def torch_fidelity(frames: NDArray[np.uint8]) -> Tensor:
    """The same as TensorFlow 1 resizes: corners on corners' pixels, which moves the picture by half a pixel."""
    columns = _as_tensorflow(_planes(frames))
    return (_as_tensorflow(columns.transpose(2, 3)).transpose(2, 3) - 128) / 128


def clean_fid(frames: NDArray[np.uint8]) -> Tensor:
    """The same by Pillow's bicubic on floats, antialiased: clean-fid's `clean`."""
    image = library("PIL.Image")

    def resized(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(image.fromarray(plane).resize((SIZE, SIZE), image.Resampling.BICUBIC)).clip(0, 255)

    planes = np.moveaxis(frames, -1, 1).astype(np.float32)
    return (torch.from_numpy(np.stack([[resized(plane) for plane in frame] for frame in planes])) - 128) / 128


RESIZERS: dict[str, Callable[[NDArray[np.uint8]], Tensor]] = {
    "pytorch_fid": pytorch_fid,
    "torch_fidelity": torch_fidelity,
    "clean_fid": clean_fid,
}


class _Unit(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: _Kernel, stride: int = 1, padded: bool = True) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        around = (sides[0] // 2, sides[1] // 2) if padded and stride == 1 else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, sides, stride, around, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class _Mixed(nn.Module):
    """Branches side by side, the last of them a pooling to `pooled` channels; without these the block halves sides."""

    def __init__(self, inputs: int, branches: tuple[_Branch, ...], pooled: int | None, largest: bool = False) -> None:
        super().__init__()
        self._branches, self._largest, self._halves = branches, largest, pooled is None
        for branch in branches:
            channels = inputs
            for step in branch:
                stride = 2 if self._halves and step == branch[-1] else 1
                for name, outputs, kernel in step:
                    self.add_module(name, _Unit(channels, outputs, kernel, stride))
                channels = sum(outputs for _, outputs, _ in step)
        if pooled is not None:
            self.branch_pool = _Unit(inputs, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for branch in self._branches:
            y = x
            for step in branch:
                y = torch.cat([self.get_submodule(name)(y) for name, _, _ in step], dim=1)
            found.append(y)
        if self._halves:
            return torch.cat([*found, max_pool2d(x, 3, 2)], dim=1)
        pooled = max_pool2d(x, 3, 1, 1) if self._largest else avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return torch.cat([*found, self.branch_pool(pooled)], dim=1)


def _chain(*units: tuple[str, int, _Kernel]) -> _Branch:
    return tuple((unit,) for unit in units)


def _a() -> tuple[_Branch, ...]:
    return (
        _chain(("branch1x1", 64, 1)),
        _chain(("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        _chain(("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
    )


def _c(width: int) -> tuple[_Branch, ...]:
    tall, wide = (7, 1), (1, 7)
    return (
        _chain(("branch1x1", 192, 1)),
        _chain(("branch7x7_1", width, 1), ("branch7x7_2", width, wide), ("branch7x7_3", 192, tall)),
        _chain(
            ("branch7x7dbl_1", width, 1),
            ("branch7x7dbl_2", width, tall),
            ("branch7x7dbl_3", width, wide),
            ("branch7x7dbl_4", width, tall),
            ("branch7x7dbl_5", 192, wide),
        ),
    )


_B = (
    _chain(("branch3x3", 384, 3)),
    _chain(("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
)
_D = (
    _chain(("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3)),
    _chain(
        ("branch7x7x3_1", 192, 1),
        ("branch7x7x3_2", 192, (1, 7)),
        ("branch7x7x3_3", 192, (7, 1)),
        ("branch7x7x3_4", 192, 3),
    ),
)
_E = (
    _chain(("branch1x1", 320, 1)),
    (
        (("branch3x3_1", 384, 1),),
        (("branch3x3_2a", 384, (1, 3)), ("branch3x3_2b", 384, (3, 1))),
    ),
    (
        (("branch3x3dbl_1", 448, 1),),
        (("branch3x3dbl_2", 384, 3),),
        (("branch3x3dbl_3a", 384, (1, 3)), ("branch3x3dbl_3b", 384, (3, 1))),
    ),
)


def _as_tensorflow(x: Tensor) -> Tensor:
    """The last axis to 299: output i lies at i * length / 299 of the input, in single precision."""
    length = x.shape[-1]
    place = torch.arange(SIZE, dtype=torch.float32) * torch.tensor(length / SIZE, dtype=torch.float32)
    before = place.long()
    left, right = x[..., before], x[..., (before + 1).clamp_max(length - 1)]
    return left + (right - left) * (place - before.float())


def _planes(frames: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
