"""What the world knows about its own scenes: the ground truth beside every rendered clip."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word (one character in Mandarin); seconds on the clip's axis."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Phone:
    """One phoneme (espeak-ng mnemonic); seconds on the clip's axis."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Event:
    """One sounding event: its class, the second at which its sound starts, and its strength in (0, 1]."""

    kind: str
    time: float
    strength: float


@dataclass(frozen=True, slots=True)
class Truth:
    """Boxes are (T, 4) float32 pixels x0, y0, x1, y1, NaN where absent; `aperture` (T,) is 0 closed to 1 wide open.

    `speaker` is the speaker's name, None without speech. `off_screen` means the sound's source is not shown.
    """

    events: tuple[Event, ...]
    words: tuple[Word, ...]
    phones: tuple[Phone, ...]
    object_box: NDArray[np.float32]
    face_box: NDArray[np.float32]
    mouth_box: NDArray[np.float32]
    aperture: NDArray[np.float32]
    speaker: str | None
    off_screen: bool


@dataclass(frozen=True, slots=True)
class Take:
    """A rendered scene: `frames` (T, H, W, 3) uint8 RGB at `fps`, `audio` (S,) float32 at `sample_rate` Hz, truth."""

    frames: NDArray[np.uint8]
    fps: Fraction
    audio: NDArray[np.float32]
    sample_rate: int
    truth: Truth
