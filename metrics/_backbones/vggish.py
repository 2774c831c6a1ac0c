"""VGGish: 128 numbers for each 0.96 s of sound (Hershey et al. 2017; harritaylor/torchvggish; Apache-2.0).

Official file `vggish-10086976.pth`; its keys load as they are. Fréchet audio distances take what comes before the last
ReLU and before the PCA, and so does this; `released` makes of it what AudioSet's files hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avbench.errors import NotApplicable
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView
from avbench.products import inference

from ._checkpoint import down, network, up
from ._resampy import resample
from ._state import build
from .sound import finite

RATE = 16000
SHORTEST = 15600  # samples of one patch
_WINDOW, _HOP, _FFT, _BANDS, _LOW, _HIGH = 400, 160, 512, 64, 125.0, 7500.0
_PATCH = 96  # frames, and the step from one to the next
_CHANNELS = ((1, 64), (64, 128), (128, 256), (256, 256), (256, 512), (512, 512))
_POOLED = (0, 1, 3, 5)  # convolutions that are followed by a pooling


@dataclass(frozen=True)
class VggishPatches(AudioBackbone[NDArray[np.float32]]):
    """(P, 128): a row for every whole 0.96 s, of the mean of the channels, brought to 16 kHz as the reference does."""

    version: ClassVar[str] = "2"
    view: ClassVar[AudioView] = AudioView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = ("vggish",)

    def extract(self, audio: Audio, info: MediaInfo) -> NDArray[np.float32]:
        samples = resample(finite(audio), audio.rate, RATE)
        if len(samples) < SHORTEST:
            raise NotApplicable(f"too_short: {len(samples) / RATE:.3f} s of sound, VGGish needs 0.975 s")
        net = network(load, "vggish")
        with inference():
            return down(net(up(patches(samples), net)))


class Vggish(nn.Module):
    """(P, 96, 64) log mel patches to (P, 128), before the last ReLU."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(_CHANNELS):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
            if i in _POOLED:
                layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        sizes = ((512 * 4 * 6, 4096), (4096, 4096), (4096, 128))
        self.embeddings = nn.Sequential(*(layer for size in sizes for layer in (nn.Linear(*size), nn.ReLU())))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.features(x[:, None]).permute(0, 2, 3, 1).flatten(1)  # as TensorFlow lays pictures out
        return self.embeddings[:-1](seen)


def load(state: Mapping[str, Tensor], source: str) -> Vggish:
    """The network with the official weights `state`, read from `source`."""
    return build(Vggish, state, source)


def patches(samples: NDArray[np.float32]) -> Tensor:
    """(n,) samples at 16 kHz to (P, 96, 64) log mel, an incomplete last patch left out; none under 15,600 samples."""
    count = 1 + (len(samples) - _WINDOW) // _HOP if len(samples) >= _WINDOW else 0
    whole = count // _PATCH
    if whole == 0:
        return torch.zeros(0, _PATCH, _BANDS)
    frames = torch.from_numpy(samples).double().unfold(0, _WINDOW, _HOP)[: whole * _PATCH]
    spectrum = torch.fft.rfft(frames * torch.hann_window(_WINDOW, dtype=torch.float64), _FFT).abs()
    return torch.log(spectrum @ _filters() + 0.01).float().unflatten(0, (whole, _PATCH))


def released(raw: Tensor, eigenvectors: Tensor, means: Tensor) -> Tensor:
    """(P, 128) before the last ReLU to (P, 128) uint8 after the release's PCA, whose values -2..2 become 0..255.

    `eigenvectors` (128, 128) and `means` (128, 1) are those of `vggish_pca_params-970ea276.pth`.
    """
    turned = (eigenvectors @ (raw.relu().T - means)).T
    return ((turned.clamp(-2, 2) + 2) * (255 / 4)).round().to(torch.uint8)


@lru_cache(maxsize=1)
def _filters() -> Tensor:
    """(257, 64) triangles whose slopes are straight in mel, of height 1; the constant part counts for nothing."""
    bins = _mel(np.linspace(0, RATE / 2, _FFT // 2 + 1))
    edges = np.linspace(_mel(np.array(_LOW)), _mel(np.array(_HIGH)), _BANDS + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - lower) / (centre - lower)
    falling = (upper - bins[:, None]) / (upper - centre)
    weights = np.maximum(0, np.minimum(rising, falling))
    weights[0] = 0
    return torch.from_numpy(weights)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1127 * np.log1p(hertz / 700))
