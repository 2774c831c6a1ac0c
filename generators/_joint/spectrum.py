"""Log-mel spectrogram as MMAudio's 16 kHz codec defines it, and the way back: magnitudes, then Griffin-Lim."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from avbench.media.mel import slaney_filters

RATE, FFT, HOP, MELS, FLOOR = 16000, 1024, 256, 80, -5.0
BINS = FFT // 2 + 1
_EDGE = (FFT - HOP) // 2
ITERATIONS, MOMENTUM = 48, 0.99


@cache
def mel_filters() -> Tensor:
    return torch.from_numpy(slaney_filters(RATE, FFT, MELS))


def magnitudes(audio: Tensor, frames: int) -> Tensor:
    """(B, S) to (B, 513, frames): the magnitudes of 62.5 frames a second, the last ones of silence."""
    short = frames * HOP - audio.shape[-1]
    padded = F.pad(audio, (0, max(short, 0)))[..., : frames * HOP]
    padded = F.pad(padded[:, None], (_EDGE, _EDGE), mode="reflect")[:, 0]
    window = torch.hann_window(FFT, device=audio.device)
    spectrum = torch.stft(padded, FFT, HOP, window=window, center=False, return_complex=True)
    return (spectrum.abs().square() + 1e-9).sqrt()


def mel_of(magnitude: Tensor) -> Tensor:
    """(B, 513, frames) to (B, frames, 80): log10 of the Slaney mel magnitudes, clamped at 1e-5."""
    mel = mel_filters().to(magnitude.device) @ magnitude
    return mel.clamp_min(10.0**FLOOR).log10().transpose(1, 2)


def log_mel(audio: Tensor, frames: int) -> Tensor:
    """(B, S) to (B, frames, 80)."""
    return mel_of(magnitudes(audio, frames))


def widened(mel: Tensor) -> Tensor:
    """(B, frames, 80) to (B, 513, frames): magnitudes of that mel spectrum, as smooth as its bands."""
    filters = mel_filters().to(mel.device)
    target = 10.0 ** mel.transpose(1, 2)
    magnitude = (torch.linalg.pinv(filters) @ target).clamp_min(0) + 1e-9
    for _ in range(12):  # multiplicative updates keep it positive where the pseudo-inverse goes below zero
        magnitude = magnitude * (filters.T @ target) / (filters.T @ (filters @ magnitude)).clamp_min(1e-9)
    return magnitude


def griffin_lim(magnitude: Tensor, samples: int) -> Tensor:
    """(B, 513, frames) to (B, samples) with fast Griffin-Lim (Perraudin et al. 2013).

    The first phase is the same for every call, so that equal spectra sound equal.
    """
    window = torch.hann_window(FFT, device=magnitude.device)
    seed = torch.Generator().manual_seed(0)
    angles = torch.rand(magnitude.shape[1:], generator=seed).to(magnitude.device) * 2 * torch.pi
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
