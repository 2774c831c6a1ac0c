"""How a mouth moves: phonemes and loudness to aperture and width at every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from avbench.world.speech import RATE, Utterance

FINE = 400  # Hz of the trajectory before it is sampled at the frames
SMOOTH = 0.022  # seconds; lips take about 100 ms from one target to the next
# First matching prefix wins: targets of (aperture 0 closed to 1 wide, width -1 rounded to 1 spread).
TARGETS: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = (
    ("_", ((0.0, 0.0),)),
    ("aI", ((1.0, 0.2), (0.5, 0.6))), ("aU", ((1.0, 0.1), (0.4, -0.7))), ("Au", ((1.0, 0.1), (0.4, -0.7))),
    ("ai", ((1.0, 0.2), (0.5, 0.6))), ("eI", ((0.7, 0.5), (0.45, 0.7))), ("ei", ((0.7, 0.5), (0.45, 0.7))),
    ("oU", ((0.7, -0.6), (0.4, -0.9))), ("ou", ((0.7, -0.6), (0.4, -0.9))), ("OI", ((0.75, -0.6), (0.5, 0.5))),
    ("ong", ((0.6, -0.7), (0.35, -0.3))), ("iE", ((0.45, 0.7), (0.7, 0.5))), ("uA", ((0.4, -0.8), (0.95, 0.1))),
    ("3", ((0.55, -0.3),)), ("0", ((0.9, -0.2),)), ("A", ((1.0, 0.0),)), ("a", ((1.0, 0.1),)), ("V", ((0.8, 0.1),)),
    ("E", ((0.75, 0.4),)), ("e", ((0.65, 0.5),)), ("O", ((0.8, -0.6),)), ("o", ((0.7, -0.7),)), ("@", ((0.6, 0.0),)),
    ("I", ((0.5, 0.4),)), ("i", ((0.42, 0.8),)), ("U", ((0.42, -0.7),)), ("u", ((0.34, -1.0),)),
    ("y", ((0.32, -0.9),)),
    ("p", ((0.0, 0.0),)), ("b", ((0.0, 0.0),)), ("m", ((0.0, 0.0),)), ("f", ((0.1, 0.2),)), ("v", ((0.1, 0.2),)),
    ("w", ((0.2, -1.0),)), ("S", ((0.22, -0.5),)), ("tS", ((0.2, -0.5),)), ("dZ", ((0.2, -0.5),)),
    ("Z", ((0.22, -0.5),)),
    ("r", ((0.3, -0.5),)), ("l", ((0.35, 0.1),)), ("j", ((0.3, 0.6),)), ("h", ((0.45, 0.0),)), ("X", ((0.45, 0.0),)),
)  # fmt: skip
OTHER = ((0.24, 0.15),)  # tongue consonants: teeth close, lips apart
LABIAL = ("p", "b", "m")


@dataclass(frozen=True, slots=True)
class Lips:
    """Per frame: `aperture` (T,) in [0, 1] and `width` (T,) in [-1 rounded, 1 spread]."""

    aperture: NDArray[np.float32]
    width: NDArray[np.float32]


def lips(utterance: Utterance, frames: int, fps: float) -> Lips:
    """The mouth at the frames' time stamps i / fps: closed on p, b and m, wider where the voice is louder."""
    total = int(np.ceil(frames / fps * FINE)) + 1
    knots, aperture, width = [0.0], [0.0], [0.0]
    for phone in utterance.phones:
        targets = next((t for prefix, t in TARGETS if phone.symbol.startswith(prefix)), OTHER)
        for k, target in enumerate(targets):
            knots.append(phone.start + (phone.end - phone.start) * (k + 0.5) / len(targets))
            aperture.append(target[0])
            width.append(target[1])
    grid = np.arange(total) / FINE
    sigma = SMOOTH * FINE
    loud = loudness(utterance.audio, total)
    opening = np.interp(grid, knots, aperture) * (0.15 + 0.85 * loud)
    opening = gaussian_filter1d(opening, sigma)
    closed = np.ones(total)
    for phone in utterance.phones:
        if phone.symbol.startswith(LABIAL):
            a, b = int(phone.start * FINE), max(int(phone.start * FINE) + 4, int(phone.end * FINE) - 4)
            closed[a : b + 1] = 0
    opening *= gaussian_filter1d(np.where(_erode(closed, 6) > 0, 1.0, 0.0), 4) * (closed * 0.9 + 0.1)
    spread = gaussian_filter1d(np.interp(grid, knots, width), 1.6 * sigma)
    at = np.arange(frames) / fps * FINE
    value = np.clip(np.interp(at, np.arange(total), opening), 0, 1)
    return Lips(value.astype(np.float32), np.interp(at, np.arange(total), spread).astype(np.float32))


def loudness(audio: NDArray[np.float32], total: int) -> NDArray[np.float64]:
    """The speech envelope (total,) at FINE Hz: root mean square over 30 ms, compressed, 1 at the loud end."""
    hop = RATE // FINE
    power = np.zeros(total)
    blocks = audio[: len(audio) // hop * hop].reshape(-1, hop).astype(np.float64)
    power[: len(blocks)] = np.mean(blocks**2, axis=1)[:total]
    rms = np.sqrt(gaussian_filter1d(power, 0.012 * FINE))
    top = np.percentile(rms[rms > 1e-4], 92) if np.any(rms > 1e-4) else 1.0
    scaled: NDArray[np.float64] = np.clip(rms / top, 0, 1) ** 0.7
    return scaled


def _erode(mask: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    wide = np.convolve(1 - mask, np.ones(2 * by + 1), "same")
    return np.asarray(wide < 0.5, np.float64)
