"""Whether a clip is of the world's kind: scorers that were trained on the world say nothing about other clips.

A small network looks at two frames a second, 64 x 64 pixels. It was trained to tell the world's pictures, also noisy,
blurred, mottled, dark or compressed ones, from photographs, textures and other drawings (docs/scorers.md). The sound
has no vote: a clip without a picture is of no known kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Features, Frames, VideoBackbone, VideoExtractor, VideoView

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

SIZE = 64  # pixels
LEAST = 0.0  # mean logit of a clip of the world


@dataclass(frozen=True)
class WorldLook(VideoBackbone[float]):
    """How much a clip looks like the world: the mean logit over its frames, above 0 where it does."""

    view: ClassVar[VideoView] = VideoView(fps=2, size=(SIZE, SIZE))

    def open(self, info: MediaInfo) -> VideoExtractor[float]:
        return _Extractor()


def check_world(features: Features) -> None:
    """Raises Unscored unless the clip is of the world's kind; the metric's `needs` name `WorldLook()`."""
    look = features[WorldLook()]
    if look <= LEAST:
        raise Unscored(f"out of domain: does not look like the world that this scorer was trained on ({look:.1f})")


class _Extractor(VideoExtractor[float]):
    def __init__(self) -> None:
        from ._shipped import shipped

        self._net = shipped(load_sized, "domain")
        self._logits: list[float] = []

    def push(self, frames: Frames) -> None:
        self._logits += look(self._net, frames.data).tolist()

    def finish(self) -> float:
        return float(np.mean(self._logits))


def look(net: nn.Module, frames: NDArray[np.uint8]) -> Tensor:
    """RGB (N, 64, 64, 3) to logits (N,)."""
    import torch

    from avbench.products import inference

    device = next(net.parameters()).device
    with inference():
        pixels = torch.from_numpy(np.array(frames)).to(device).permute(0, 3, 1, 2)
        return net(pixels.float() / 127.5 - 1).cpu()


def network(width: int) -> nn.Module:
    """Four convolutions that halve the picture; the mean and the largest value of each of the last maps decide."""
    import torch
    from torch import nn

    class Both(nn.Module):
        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)

    layers: list[nn.Module] = []
    before = 3
    for k in range(1, 5):
        layers += [nn.Conv2d(before, k * width, 3 if k > 1 else 5, 2, 1), nn.BatchNorm2d(k * width), nn.ReLU()]
        before = k * width
    return nn.Sequential(*layers, Both(), nn.Linear(2 * before, 1), nn.Flatten(0))


def load_sized(state: Mapping[str, Tensor], source: str, sizes: Mapping[str, Any]) -> nn.Module:
    """The network of the `sizes` that are kept beside its weights."""
    from ._state import build

    return build(partial(network, **sizes), state, source)
