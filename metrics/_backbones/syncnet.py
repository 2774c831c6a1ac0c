"""SyncNet: embeds 0.2 s of a face and 0.2 s of speech into one space (Chung & Zisserman 2016, joonson/syncnet_python).

Official file `syncnet_v2.model`; its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct
from torch import Tensor, nn

from ._checkpoint import down, up
from ._state import build

FPS = 25
RATE = 16000
SIZE = 224
WINDOW = 5  # video frames
MFCC_PER_FRAME = 4
DIM = 1024

_SAMPLES_PER_FRAME = RATE // FPS
_CHUNK = 16  # lip windows a pass: the first layer's output takes 4.6 MB a window


class SyncNet(nn.Module):
    """Two towers of convolutions, each with its head; 1024 numbers a window, not normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_conv2d(1, 64, 3, 1),
            nn.MaxPool2d(1),  # does nothing, but holds index 3
            *_conv2d(64, 192, 3, 1),
            nn.MaxPool2d(3, (1, 2)),
            *_conv2d(192, 384, 3, 1),
            *_conv2d(384, 256, 3, 1),
            *_conv2d(256, 256, 3, 1),
            nn.MaxPool2d(3, 2),
            *_conv2d(256, 512, (5, 4), 0),
        )
        self.netfcaud = _head()
        self.netfclip = _head()
        self.netcnnlip = nn.Sequential(
            *_conv3d(3, 96, (WINDOW, 7, 7), 2, 0),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_conv3d(96, 256, (1, 5, 5), 2, 1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_conv3d(256, 256, (1, 3, 3), 1, 1),
            *_conv3d(256, 256, (1, 3, 3), 1, 1),
            *_conv3d(256, 256, (1, 3, 3), 1, 1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_conv3d(256, 512, (1, 6, 6), 1, 0),
        )

    def lip_features(self, frames: Tensor) -> Tensor:
        """(N, 3, T, 224, 224) BGR in 0..255 to (N, T - 4, 512), one for every five frames in a row.

        Only the first layer looks across time, so one pass over a stretch equals a pass for each window.
        """
        return self.netcnnlip(frames).flatten(2).transpose(1, 2)

    def lip(self, frames: Tensor) -> Tensor:
        """(N, 3, T, 224, 224) BGR in 0..255 to (N, T - 4, 1024)."""
        features = self.lip_features(frames)
        return self.netfclip(features.flatten(0, 1)).unflatten(0, features.shape[:2])

    def audio(self, mfcc: Tensor) -> Tensor:
        """(N, 1, 13, 20) MFCC, coefficient by time, to (N, 1024)."""
        return self.netfcaud(self.netcnnaud(mfcc).flatten(1))


def load(state: Mapping[str, Tensor], source: str) -> SyncNet:
    """The network with the official weights `state`, read from `source`."""
    return build(SyncNet, state, source)


def windows(frames: int, samples: int) -> int:
    """How many windows the protocol scores for a crop of `frames` at 25 fps and `samples` at 16 kHz; 0 when too short.

    One fewer than would fit, as in the reference.
    """
    return max(0, min(frames, samples // _SAMPLES_PER_FRAME) - WINDOW)


@torch.inference_mode()
def embed_lip(net: SyncNet, crops: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """RGB face crops (T, 224, 224, 3) at 25 fps to (count, 1024); window v is frames v..v+4."""
    parts = []
    for start in range(0, count, _CHUNK):
        stop = min(count, start + _CHUNK) + WINDOW - 1
        bgr = up(np.ascontiguousarray(crops[start:stop, :, :, ::-1]), net)
        parts.append(down(net.lip(bgr.permute(3, 0, 1, 2).unsqueeze(0).float())[0]))
    return np.concatenate(parts) if parts else np.empty((0, DIM), np.float32)


@torch.inference_mode()
def embed_audio(net: SyncNet, samples: NDArray[np.int16], count: int) -> NDArray[np.float32]:
    """Mono 16 kHz samples to (count, 1024); window v is 0.2 s from the start of video frame v."""
    coefficients = mfcc(samples).astype(np.float32)
    first = MFCC_PER_FRAME * np.arange(count)[:, None] + np.arange(MFCC_PER_FRAME * WINDOW)
    stacked = coefficients[first].transpose(0, 2, 1)[:, None]
    return down(net.audio(up(stacked, net)))


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


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, DIM))
