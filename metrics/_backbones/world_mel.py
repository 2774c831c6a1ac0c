"""Log mel bands in which a recording's level does not matter: what the world's scorers hear."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from avbench.media.mel import slaney_filters

RATE, HOP, WINDOW, BANDS = 16_000, 160, 400, 80


def log_mel(sound: Tensor, lengths: Tensor | None = None, multiple: int = 4) -> Tensor:
    """(B, S) at 16 kHz to (B, 80, M), a column each 10 ms, M a multiple of `multiple`.

    Zero mean and unit variance over each recording; `lengths` (B,) in samples says where its padding begins.
    """
    if lengths is None:
        lengths = torch.full((len(sound),), sound.shape[1], device=sound.device)
    columns = -(-sound.shape[1] // (HOP * multiple)) * multiple
    padded = F.pad(sound, (WINDOW // 2, columns * HOP - sound.shape[1] + WINDOW // 2))
    window = torch.hann_window(WINDOW, device=sound.device)
    spectrum = torch.stft(padded, WINDOW, HOP, window=window, center=False, return_complex=True)[..., :columns]
    power = spectrum.real.square() + spectrum.imag.square()
    bands = torch.log(_filters().to(sound.device) @ power + 1e-7)
    inside = (torch.arange(columns, device=sound.device) * HOP < lengths[:, None])[:, None]
    count = inside.sum((1, 2), keepdim=True) * BANDS
    mean = (bands * inside).sum((1, 2), keepdim=True) / count
    spread = ((bands - mean).square() * inside).sum((1, 2), keepdim=True) / count
    return (bands - mean) / (spread + 1e-5).sqrt() * inside


@cache
def _filters() -> Tensor:
    return torch.from_numpy(slaney_filters(RATE, WINDOW, BANDS))
