"""SyncNet: embeds 0.2 s of a face and 0.2 s of speech into one space (Chung & Zisserman 2016, joonson/syncnet_python).

Official file `syncnet_v2.model`; its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from torch import Tensor, nn

from avbench.products import inference

from ._checkpoint import down, up
from ._state import build

FPS = 25
RATE = 16000
WINDOW = 5  # video frames
MFCC_PER_FRAME = 4

_SAMPLES_PER_FRAME = RATE // FPS
_CHUNK = 16  # lip windows a pass: the first layer's output takes 4.6 MB a window


@dataclass(frozen=True, slots=True)
class SyncNetConfig:
    """Sizes; the defaults are the official ones. `size` is a crop's in pixels, `dim` an embedding's."""

    size: int = 224
    lip: tuple[int, int, int] = (96, 256, 512)  # channels of the first, the middle and the last convolutions
    sound: tuple[int, int, int, int, int] = (64, 192, 384, 256, 512)  # the fourth counts twice
    hidden: int = 512
    dim: int = 1024

    @property
    def left(self) -> int:
        """The side of the map that the last lip convolution covers."""
        side = (self.size - 7) // 2 + 1
        side = ((side - 3) // 2 - 1) // 2 + 1
        return ((side - 1) // 2 - 2) // 2 + 1


class SyncNet(nn.Module):
    """Two towers of convolutions, each with its head; `dim` numbers a window, not normalised."""

    def __init__(self, config: SyncNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SyncNetConfig()
        first, second, third, fourth, last = config.sound
        early, middle, late = config.lip
        self.netcnnaud = nn.Sequential(
            *_conv2d(1, first, 3, 1),
            nn.MaxPool2d(1),  # does nothing, but holds index 3
            *_conv2d(first, second, 3, 1),
            nn.MaxPool2d(3, (1, 2)),
            *_conv2d(second, third, 3, 1),
            *_conv2d(third, fourth, 3, 1),
            *_conv2d(fourth, fourth, 3, 1),
            nn.MaxPool2d(3, 2),
            *_conv2d(fourth, last, (5, 4), 0),
        )
        self.netfcaud = _head(last, config)
        self.netfclip = _head(late, config)
        self.netcnnlip = nn.Sequential(
            *_conv3d(3, early, (WINDOW, 7, 7), 2, 0),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_conv3d(early, middle, (1, 5, 5), 2, 1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_conv3d(middle, middle, (1, 3, 3), 1, 1),
            *_conv3d(middle, middle, (1, 3, 3), 1, 1),
            *_conv3d(middle, middle, (1, 3, 3), 1, 1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_conv3d(middle, late, (1, config.left, config.left), 1, 0),
        )

    def lip_features(self, frames: Tensor) -> Tensor:
        """(N, 3, T, size, size) BGR in 0..255 to (N, T - 4, channels), one for every five frames in a row.

        Only the first layer looks across time, so one pass over a stretch equals a pass for each window.
        """
        return self.netcnnlip(frames).flatten(2).transpose(1, 2)

    def lip(self, frames: Tensor) -> Tensor:
        """(N, 3, T, size, size) BGR in 0..255 to (N, T - 4, dim)."""
        features = self.lip_features(frames)
        return self.netfclip(features.flatten(0, 1)).unflatten(0, features.shape[:2])

    def audio(self, mfcc: Tensor) -> Tensor:
        """(N, 1, 13, 20) MFCC, coefficient by time, to (N, dim)."""
        return self.netfcaud(self.netcnnaud(mfcc).flatten(1))


def load(state: Mapping[str, Tensor], source: str, config: SyncNetConfig | None = None) -> SyncNet:
    """The network with the weights `state`, read from `source`; of the official sizes by default."""
    return build(partial(SyncNet, config), state, source)


def load_sized(state: Mapping[str, Tensor], source: str, sizes: Mapping[str, Any]) -> SyncNet:
    """The network of the `sizes` that are kept beside its weights."""
    kept: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in sizes.items()}
    return load(state, source, SyncNetConfig(**kept))


def windows(frames: int, samples: int) -> int:
    """How many windows the protocol scores for a crop of `frames` at 25 fps and `samples` at 16 kHz; 0 when too short.

    One fewer than would fit, as in the reference.
    """
    return max(0, min(frames, samples // _SAMPLES_PER_FRAME) - WINDOW)


@inference()
def embed_lip(net: SyncNet, crops: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """RGB face crops (T, size, size, 3) at 25 fps to (count, dim); window v is frames v..v+4."""
    parts = []
    for start in range(0, count, _CHUNK):
        stop = min(count, start + _CHUNK) + WINDOW - 1
        bgr = up(np.ascontiguousarray(crops[start:stop, :, :, ::-1]), net)
        parts.append(down(net.lip(bgr.permute(3, 0, 1, 2).unsqueeze(0).float())[0]))
    return np.concatenate(parts) if parts else np.empty((0, net.config.dim), np.float32)


@inference()
def embed_audio(net: SyncNet, samples: NDArray[np.int16], count: int) -> NDArray[np.float32]:
    """Mono 16 kHz samples to (count, dim); window v is 0.2 s from the start of video frame v."""
    return down(net.audio(up(hear(samples, count), net)))


def hear(samples: NDArray[np.int16], count: int) -> NDArray[np.float32]:
    """What the audio tower hears of mono 16 kHz samples: (count, 1, 13, 20) MFCC, window v as in `embed_audio`."""
    coefficients = mfcc(samples).astype(np.float32)
    first = MFCC_PER_FRAME * np.arange(count)[:, None] + np.arange(MFCC_PER_FRAME * WINDOW)
    return np.ascontiguousarray(coefficients[first].transpose(0, 2, 1)[:, None])


def mfcc(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """(n,) samples at 16 kHz, at integer scale, to (frames, 13) at 100 Hz, as python_speech_features 0.6 computes them.

    Rectangular windows of 25 ms every 10 ms; coefficient 0 is the log energy.
    """
    signal = samples.astype(np.float64)
    signal[1:] -= 0.97 * signal[:-1].copy()
    length, step, points = 400, 160, 512
    count = 1 if len(signal) <= length else 1 + -(-(len(signal) - length) // step)
    padded = np.zeros((count - 1) * step + length)
    padded[: len(signal)] = signal
    framed = np.lib.stride_tricks.sliding_window_view(padded, length)[::step]
    power = np.square(np.abs(np.fft.rfft(framed, points))) / points
    tiny = np.finfo(np.float64).eps
    energy = power.sum(axis=1)
    bands = power @ _mel_filters(points).T
    cepstrum = dct(np.log(np.where(bands == 0, tiny, bands)), type=2, axis=1, norm="ortho")[:, :13]
    cepstrum *= 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    cepstrum[:, 0] = np.log(np.where(energy == 0, tiny, energy))
    return cepstrum


def _mel_filters(points: int) -> NDArray[np.float64]:
    """(26, points // 2 + 1) triangles between whole FFT bins, 0 to 8000 Hz."""
    mels = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), 28)
    edges = np.floor((points + 1) * (700 * (10 ** (mels / 2595) - 1)) / RATE)
    bins = np.arange(points // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    filters: NDArray[np.float64] = np.where(bins < centre, rising, falling).clip(min=0)
    return filters


def _conv2d(inputs: int, outputs: int, kernel: int | tuple[int, int], padding: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs), nn.ReLU()]


def _conv3d(inputs: int, outputs: int, kernel: tuple[int, int, int], stride: int, padding: int) -> list[nn.Module]:
    conv = nn.Conv3d(inputs, outputs, kernel, (1, stride, stride), (0, padding, padding))
    return [conv, nn.BatchNorm3d(outputs), nn.ReLU()]


def _head(inputs: int, config: SyncNetConfig) -> nn.Sequential:
    hidden = config.hidden
    return nn.Sequential(nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, config.dim))
