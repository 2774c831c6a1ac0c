"""S3FD: finds faces in frames (Zhang et al. 2017, in the form of joonson/syncnet_python detectors/s3fd).

Official file `sfd_face.pth`; its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avbench.products import inference

from ._checkpoint import up
from ._state import build

SCALE = 0.25
THRESHOLD = 0.9

_MEAN_RGB = (123.0, 117.0, 104.0)
_STRIDES = (4, 8, 16, 32, 64, 128)  # nominal; pooling with floor and ceil changes the real ones, the priors keep these
_FLOOR = 0.05  # probability below which no box counts, whatever the threshold
_OVERLAP, _SAME_FACE = 0.3, 0.1  # two suppressions in a row, not one: a box dropped by the first cannot drop others
_CANDIDATES, _BOXES = 5000, 750


@dataclass(frozen=True, slots=True)
class Faces:
    """What the network says of N equal frames: box corners (N, P, 4) in 0..1 of the frame, and probabilities (N, P)."""

    boxes: Tensor
    probability: Tensor


class L2Norm(nn.Module):
    """Scales each position's channels to unit length, then each channel by its weight."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        length = x.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10
        return x / length * self.weight[:, None, None]


class S3FD(nn.Module):
    """VGG16 with six detection heads, one for each face size from 16 to 512 pixels of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg = nn.ModuleList(_vgg())
        self.L2Norm3_3 = L2Norm(256)
        self.L2Norm4_3 = L2Norm(512)
        self.L2Norm5_3 = L2Norm(512)
        self.extras = nn.ModuleList(
            [
                nn.Conv2d(1024, 256, 1),
                nn.Conv2d(256, 512, 3, 2, 1),
                nn.Conv2d(512, 128, 1),
                nn.Conv2d(128, 256, 3, 2, 1),
            ]
        )
        channels = (256, 512, 512, 1024, 512, 256)
        self.loc = nn.ModuleList(nn.Conv2d(n, 4, 3, padding=1) for n in channels)
        self.conf = nn.ModuleList(nn.Conv2d(n, 4 if i == 0 else 2, 3, padding=1) for i, n in enumerate(channels))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, list[tuple[int, int]]]:
        """(N, 3, H, W) RGB less its mean to offsets (N, P, 4), probabilities (N, P, 2) and the six maps' sizes."""
        sources = self._sources(x)
        offsets, logits = [], []
        for i, source in enumerate(sources):
            offsets.append(self.loc[i](source).permute(0, 2, 3, 1).flatten(1, 2))
            scores = self.conf[i](source)
            if i == 0:  # small faces meet much background: three chances to call it that
                scores = torch.cat([scores[:, :3].amax(dim=1, keepdim=True), scores[:, 3:]], dim=1)
            logits.append(scores.permute(0, 2, 3, 1).flatten(1, 2))
        sizes = [(source.shape[2], source.shape[3]) for source in sources]
        return torch.cat(offsets, dim=1), torch.cat(logits, dim=1).softmax(dim=-1), sizes

    def _sources(self, x: Tensor) -> list[Tensor]:
        norms = {15: self.L2Norm3_3, 22: self.L2Norm4_3, 29: self.L2Norm5_3}
        sources = []
        for i, layer in enumerate(self.vgg):
            x = layer(x)
            if i in norms:
                sources.append(norms[i](x))
        sources.append(x)
        for i, layer in enumerate(self.extras):
            x = layer(x).relu()
            if i % 2:
                sources.append(x)
        return sources


def load(state: Mapping[str, Tensor], source: str) -> S3FD:
    """The network with the official weights `state`, read from `source`."""
    return build(S3FD, state, source)


def shrink(frame: NDArray[np.uint8], scale: float = SCALE) -> NDArray[np.uint8]:
    """The frame as the detector sees it: bilinear, not antialiased."""
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    return small.astype(np.uint8, copy=False)


@inference()
def find(net: S3FD, frames: NDArray[np.uint8]) -> Faces:
    """Runs the network on RGB frames (N, h, w, 3), already shrunk."""
    weight = next(net.parameters())
    x = up(frames, net).permute(0, 3, 1, 2).to(weight.dtype)
    x = (x - x.new_tensor(_MEAN_RGB)[:, None, None]).contiguous(memory_format=torch.channels_last)
    offsets, probability, sizes = net(x)
    prior = up(priors(frames.shape[2], frames.shape[1], tuple(sizes)), net)
    return Faces(decode(offsets, prior), probability[..., 1])


def detect(
    net: S3FD, frames: Sequence[NDArray[np.uint8]], threshold: float = THRESHOLD, scale: float = SCALE, batch: int = 8
) -> list[NDArray[np.float64]]:
    """The faces of each RGB frame (H, W, 3), all of one size: (k, 5) x1, y1, x2, y2 in pixels, score; best first."""
    found = []
    for start in range(0, len(frames), batch):
        chunk = frames[start : start + batch]
        faces = find(net, np.stack([shrink(frame, scale) for frame in chunk]))
        height, width = chunk[0].shape[:2]
        found += [
            select(boxes, probability, width, height, threshold)
            for boxes, probability in zip(faces.boxes.cpu(), faces.probability.cpu(), strict=True)
        ]
    return found


def select(boxes: Tensor, probability: Tensor, width: int, height: int, threshold: float) -> NDArray[np.float64]:
    """One frame's faces above `threshold` (exclusive) after both suppressions, in pixels of `width` x `height`.

    The threshold comes first, unlike in the reference, with the same result: only a better box suppresses a box.
    """
    kept = candidates(boxes, probability, max(threshold, _FLOOR))
    pixels = (kept * np.array([width, height, width, height, 1], np.float32)).astype(np.float64)
    return pixels[suppress(pixels[:, :4], _SAME_FACE)]


def candidates(boxes: Tensor, probability: Tensor, threshold: float = _FLOOR) -> NDArray[np.float32]:
    """(k, 5) x1, y1, x2, y2 in 0..1, score: one frame's boxes after the first suppression, best first."""
    above = probability > threshold
    score, order = probability[above].sort(descending=True, stable=True)
    best = boxes[above][order[:_CANDIDATES]].numpy()
    kept = suppress(best, _OVERLAP)[:_BOXES]
    return np.concatenate([best[kept], score.numpy()[kept, None]], axis=1)


def suppress(boxes: NDArray[np.floating], overlap: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression of (k, 4) boxes, best first: indices of those kept (IoU <= `overlap`)."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept, left = [], np.arange(len(boxes))
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        corner1 = np.maximum(boxes[left, :2], boxes[best, :2])
        corner2 = np.minimum(boxes[left, 2:], boxes[best, 2:])
        shared = (corner2 - corner1).clip(min=0).prod(axis=1)
        left = left[shared / (area[left] + area[best] - shared) <= overlap]
    return np.asarray(kept, dtype=np.int64)


@lru_cache(maxsize=8)
def priors(width: int, height: int, sizes: tuple[tuple[int, int], ...]) -> Tensor:
    """(P, 4) centre and size of each prior in 0..1, for maps of (rows, columns) `sizes` over width x height pixels."""
    parts = []
    for (rows, columns), stride in zip(sizes, _STRIDES, strict=True):
        y, x = np.mgrid[:rows, :columns]
        side = np.full(x.shape, 4.0 * stride)
        centre = [(x + 0.5) * stride / width, (y + 0.5) * stride / height]
        parts.append(np.stack([*centre, side / width, side / height], axis=-1).reshape(-1, 4))
    return torch.from_numpy(np.concatenate(parts).astype(np.float32))


def decode(offsets: Tensor, prior: Tensor) -> Tensor:
    """Box corners (..., P, 4) in 0..1, not clipped, from the network's offsets and the priors."""
    centre = prior[:, :2] + offsets[..., :2] * 0.1 * prior[:, 2:]
    half = prior[:, 2:] * torch.exp(offsets[..., 2:] * 0.2) / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def _vgg() -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for block, (width, depth) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2, 2, ceil_mode=block == 2))
    layers += [nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU()]
    return [*layers, nn.Conv2d(1024, 1024, 1), nn.ReLU()]
