"""Decoded audio to the mono samples that av-benchmark's metrics hear."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def mono(
    samples: NDArray[np.float32], rate: int, target: int, seconds: float | None = None, remove_dc: bool = True
) -> Tensor:
    """(channels, n) to at most `seconds` of (m,) at `target`.

    Channels are averaged; then the mean of the whole file is taken off, before resampling and cutting.
    """
    wave = samples.mean(axis=0, dtype=np.float32)
    if remove_dc:
        wave = wave - wave.mean(dtype=np.float32)
    out: Tensor = _resampler(rate, target)(torch.from_numpy(wave))
    return out if seconds is None else out[: int(target * seconds)]


@lru_cache(maxsize=8)
def _resampler(rate: int, target: int) -> nn.Module:
    from torchaudio.transforms import Resample  # its kernel is made in float64, that of functional.resample is not

    return Resample(rate, target)
