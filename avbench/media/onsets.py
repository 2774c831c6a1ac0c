"""Onsets in sound: spectral flux and peak picking as librosa 0.11 defines them.

librosa itself compiles for half a minute on first use and takes seconds to load in every process, for two short
formulas; tests hold these to it.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from avbench.media.mel import slaney_filters

HOP = 512


def onset_times(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Onsets of mono `samples` (S,) in seconds from the first sample; empty for silence.

    A frame is an onset when it is the highest of the 30 ms before it, at least 0.07 of the range above the mean of
    the 100 ms around it, and more than 30 ms after the last (Böck et al. 2012, with librosa's whole frames).
    """
    strength = onset_strength(samples, rate)
    strength = strength - strength.min()
    strength /= strength.max() + np.finfo(strength.dtype).tiny
    before, around = int(0.03 * rate // HOP), int(0.10 * rate // HOP)
    onsets: list[int] = []
    for frame, value in enumerate(strength if strength.any() else strength[:0]):
        if onsets and frame <= onsets[-1] + before:
            continue
        highest = strength[max(0, frame - before) : frame + 1].max()
        mean = strength[max(0, frame - around) : frame + around + 1].mean()
        if value == highest and value >= mean + 0.07:
            onsets.append(frame)
    return np.array(onsets, np.float64) * HOP / rate


def onset_strength(
    samples: NDArray[np.float32], rate: int, hop: int = HOP, window: int = 2048, bands: int = 128
) -> NDArray[np.float32]:
    """Mean rise in dB over the mel bands from frame to frame, (1 + S // hop,) float32; the mel range is 80 dB deep.

    Frames are centred on multiples of `hop`; the curve is shifted so that a rise stands where the sound sets in.
    """
    padded = np.pad(samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    hann = scipy.signal.get_window("hann", window).astype(np.float32)
    filters = slaney_filters(rate, window, bands).T
    mel = np.concatenate([_power(frames[i : i + 512] * hann) @ filters for i in range(0, len(frames), 512)])
    decibels = 10 * np.log10(np.maximum(mel, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    rises = np.maximum(0, np.diff(decibels, axis=0)).mean(axis=1)
    return np.pad(rises, (1 + window // (2 * hop), 0))[: len(frames)].astype(np.float32)


def _power(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    spectrum = scipy.fft.rfft(frames, axis=-1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2)
