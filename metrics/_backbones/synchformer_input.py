"""What Synchformer sees and hears, and how DeSync comes of its answer (hkchengrex/av-benchmark)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._frames import SIZE, centre_crop, shrink

FPS = 25
RATE = 16000
SEGMENT_FRAMES, STEP_FRAMES = 16, 8
SEGMENT_SAMPLES, STEP_SAMPLES = 10240, 5120
COLUMNS = 66
COMPARED = 14  # segments the official head looks at
CHANCE = 22 / 21  # mean |offset| of a uniformly random class, seconds

_MEAN, _DEVIATION = -4.2677393, 4.5689974


def grid() -> NDArray[np.float32]:
    """The 21 offsets in seconds; above 0 the audio runs ahead of the picture."""
    return np.linspace(-2, 2, 21).astype(np.float32)


def offsets(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 21) logits to the likeliest signed offset in seconds, (N,)."""
    return grid()[logits.argmax(axis=1)]


def seconds(segments: int) -> float:
    """How long so many segments last."""
    return (SEGMENT_FRAMES + STEP_FRAMES * (segments - 1)) / FPS


def first_and_last(segments: int, compared: int = COMPARED) -> NDArray[np.int64]:
    """(2, compared) segments that av-benchmark compares; DeSync is the mean |offset| of both.

    Raises ValueError where there are fewer, 14 or 4.8 s by default: av-benchmark has no value there.
    """
    if segments < compared:
        raise ValueError(f"DeSync compares {compared} segments ({seconds(compared):g} s); this clip has {segments}")
    return np.stack([np.arange(compared), np.arange(segments - compared, segments)])


def javis_blocks(segments: int) -> NDArray[np.int64]:
    """(B, 14) segments that JavisBench compares: neighbouring blocks, the last one moved back to fit.

    A clip of fewer than 14 segments repeats them in turn. Raises ValueError without any.
    """
    if segments < 1:
        raise ValueError("DeSync needs 0.64 s of video and audio at least")
    if segments < COMPARED:
        return np.arange(COMPARED)[None] % segments
    starts = [*range(0, segments - COMPARED, COMPARED), segments - COMPARED]
    return np.array(starts)[:, None] + np.arange(COMPARED)


def frames(rgb: NDArray[np.uint8], size: int = SIZE) -> Tensor:
    """(T, H, W, 3) at 25 fps to (T, 3, size, size) in -1..1."""
    return normalised(shrink(rgb, size), size)


def normalised(shrunk: Tensor, size: int = SIZE) -> Tensor:
    """Frames whose short side is `size`, (T, 3, h, w) in 0..255, to their centre squares in -1..1."""
    return centre_crop(shrunk, size).float().div_(255).sub_(0.5).div_(0.5)


def video_segments(pixels: Tensor) -> Tensor:
    """(T, 3, H, W) to (S, 16, 3, H, W), half overlapping; a view."""
    return pixels.unfold(0, SEGMENT_FRAMES, STEP_FRAMES).permute(0, 4, 1, 2, 3)


def audio_segments(wave: Tensor) -> Tensor:
    """(n,) at 16 kHz to (S, 128, 66) normalised log mel, aligned with the video's segments."""
    mel = _mel()(wave.unfold(0, SEGMENT_SAMPLES, STEP_SAMPLES))
    logs = torch.log(mel + 1e-6)
    padded = torch.nn.functional.pad(logs, (0, COLUMNS - logs.shape[-1]))  # after the logarithm, so 0 is loud
    return (padded - _MEAN) / (2 * _DEVIATION)


@lru_cache(maxsize=1)
def _mel() -> torch.nn.Module:
    from torchaudio.transforms import MelSpectrogram

    return MelSpectrogram(RATE, n_fft=1024, win_length=400, hop_length=160, n_mels=128)
