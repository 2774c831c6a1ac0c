"""Which pitches a sound has, told from the middle of the voice: what tells the tones of Mandarin apart.

Mel bands of 25 ms blur the harmonics of a voice. The autocorrelation of 64 ms keeps them (as in Kaldi's pitch
features; Ghahremani et al. 2014), and told in semitones from the speaker's mean, a tone looks alike in every voice.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .world_mel import HOP, RATE

WINDOW, SPECTRUM = 1024, 1536
STRIDE = 2  # columns of 10 ms that share their pitches
LOWEST, HIGHEST = 65.0, 450.0  # Hz of a voice
STEP = 0.5  # semitones
REACH = 20  # steps below and above the mean
PITCHES = 2 * REACH + 1
_PER_OCTAVE = 24
_VOICED = 0.45  # of the autocorrelation: what is surely a voice


def pitches(sound: Tensor, lengths: Tensor, columns: int) -> Tensor:
    """(B, S) at 16 kHz with `lengths` (B,) in samples to (B, 41, `columns`), a column each 10 ms; `columns` is even.

    The normalised autocorrelation, 1 at most, at -10 to 10 semitones from the mean pitch of each recording's voiced
    columns; zeros in padding.
    """
    hop, count = STRIDE * HOP, columns // STRIDE
    pad = max(0, count * hop - sound.shape[1]) + WINDOW // 2
    frames = F.pad(sound, (WINDOW // 2 - hop // 2, pad)).unfold(1, WINDOW, hop)[:, :count]
    window = torch.hann_window(WINDOW, device=sound.device)
    power = torch.fft.rfft((frames - frames.mean(-1, keepdim=True)) * window, SPECTRUM).abs().square()
    power[..., int(1000 * SPECTRUM / RATE) :] = 0  # the first harmonics say the pitch, and noise lies above
    echo = torch.fft.irfft(power)[..., : WINDOW // 2]
    own = torch.fft.irfft(torch.fft.rfft(window, SPECTRUM).abs().square())[: WINDOW // 2]
    echo = echo / (echo[..., :1] + 1e-6 * WINDOW) * (own[0] / own)
    grid = LOWEST * 2 ** (torch.arange(round(_PER_OCTAVE * math.log2(HIGHEST / LOWEST))) / _PER_OCTAVE)
    grid = grid.to(sound)
    inside = torch.arange(count, device=sound.device) * hop < lengths[:, None]
    best, at = _sampled(echo, RATE / grid).max(-1)
    voiced = ((best - _VOICED).clamp_min(0) * inside).flatten(1)
    mean = (voiced * grid.log2()[at]).sum(1) / voiced.sum(1).clamp_min(1e-6)
    mean = torch.where(voiced.sum(1) > 0, mean, math.log2(150.0))
    steps = torch.arange(-REACH, REACH + 1, device=sound.device) * STEP / 12
    lags = RATE * 2 ** -(mean[:, None] + steps)
    return (_sampled(echo, lags[:, None]) * inside[..., None]).transpose(1, 2).repeat_interleave(STRIDE, -1)


def _sampled(echo: Tensor, lags: Tensor) -> Tensor:
    """(B, M, L) at `lags` (K,) or (B, 1, K), which may be fractions, to (B, M, K)."""
    lags = lags.clamp(2, echo.shape[-1] - 2).expand(*echo.shape[:2], -1)
    low = lags.floor().long()
    part = lags - low
    return echo.gather(-1, low) * (1 - part) + echo.gather(-1, low + 1) * part
