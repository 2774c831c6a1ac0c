"""What the CLAP metrics share: the cosine of a sound and the prompt's caption of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.records import Column, Direction, Prompt


def column(name: str, summary: str, source: str) -> Column:
    return Column(name, unit="cosine", direction=Direction.UP, low=-1.0, high=1.0, summary=summary, source=source)


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Of two unit vectors, in -1..1 whatever the rounding."""
    return float(np.clip(one.astype(np.float64) @ other.astype(np.float64), -1.0, 1.0))


def caption(prompt: Prompt) -> str:
    """The audio caption. Raises NotApplicable when there is none."""
    text = prompt.audio_caption.strip()
    if not text:
        raise NotApplicable("the prompt has no audio caption")
    return text
