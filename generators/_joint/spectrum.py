"""Log-mel spectrogram as MMAudio's 16 kHz codec defines it, and Griffin-Lim to invert it."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from avbench.media.mel import slaney_filters

RATE, FFT, HOP, MELS, FLOOR = 16000, 1024, 256, 80, -5.0
_EDGE = (FFT - HOP) // 2
ITERATIONS, MOMENTUM = 48, 0.99


@cache
def _filters() -> Tensor:
    return torch.from_numpy(slaney_filters(RATE, FFT, MELS))


def log_mel(audio: Tensor, frames: int) -> Tensor:
    """(B, S) to (B, frames, 80): log10 of the Slaney mel magnitudes, clamped at 1e-5; 62.5 frames a second."""
    short = frames * HOP - audio.shape[-1]
    padded = F.pad(audio, (0, max(short, 0)))[..., : frames * HOP]
    padded = F.pad(padded[:, None], (_EDGE, _EDGE), mode="reflect")[:, 0]
    window = torch.hann_window(FFT, device=audio.device)
    spectrum = torch.stft(padded, FFT, HOP, window=window, center=False, return_complex=True)
    mel = _filters().to(audio.device) @ (spectrum.abs().square() + 1e-9).sqrt()
    return mel.clamp_min(10.0**FLOOR).log10().transpose(1, 2)


def griffin_lim(mel: Tensor, samples: int) -> Tensor:
    """(B, frames, 80) log-mel to (B, samples) with fast Griffin-Lim (Perraudin et al. 2013).

    The first phase is the same for every call, so that equal spectra sound equal.
    """
    filters = _filters().to(mel.device)
    target = 10.0 ** mel.transpose(1, 2)
    magnitude = (torch.linalg.pinv(filters) @ target).clamp_min(0) + 1e-9
    for _ in range(12):  # multiplicative updates keep it positive where the pseudo-inverse goes below zero
        magnitude = magnitude * (filters.T @ target) / (filters.T @ (filters @ magnitude)).clamp_min(1e-9)
    window = torch.hann_window(FFT, device=mel.device)
    seed = torch.Generator().manual_seed(0)
    angles = torch.rand(magnitude.shape[1:], generator=seed).to(mel.device) * 2 * torch.pi
    phase = torch.polar(torch.ones_like(magnitude), angles.expand_as(magnitude))
    length, previous = HOP * (magnitude.shape[-1] - 1), torch.zeros_like(phase)
    for _ in range(ITERATIONS):
        wave = torch.istft(magnitude * phase, FFT, HOP, window=window, length=length)
        rebuilt = torch.stft(wave, FFT, HOP, window=window, return_complex=True)
        ahead = rebuilt + MOMENTUM * (rebuilt - previous)
        phase, previous = ahead / ahead.abs().clamp_min(1e-12), rebuilt
    wave = torch.istft(magnitude * phase, FFT, HOP, window=window, length=length)
    shift = FFT // 2 - _EDGE  # mel frame t is centred on sample 256 t + 128, Griffin-Lim's on 256 t
    return F.pad(wave, (shift, max(samples - length - shift, 0)))[:, :samples].clamp(-1, 1)
