"""What VBench's dimensions make of embeddings: how much frames agree, with each other, with text, with a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.records import Prompt


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Along the last axis, in -1..1 whatever the rounding."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    found = (x * y).sum(-1) / (np.linalg.norm(x, axis=-1) * np.linalg.norm(y, axis=-1))
    return np.asarray(found.clip(-1.0, 1.0))


def consistency(frames: NDArray[np.float32]) -> float:
    """VBench's score of embeddings (T, D): the cosines of each frame with the one before and with the first."""
    if len(frames) < 2:
        raise NotApplicable("too few frames: 1, at least 2 needed")
    following = cosines(frames[1:], frames[:-1]).clip(min=0)
    first = cosines(frames[1:], frames[:1]).clip(min=0)
    return float(((following + first) / 2).mean())


def caption(prompt: Prompt) -> str:
    """The video caption. Raises NotApplicable when there is none."""
    text = prompt.video_caption.strip()
    if not text:
        raise NotApplicable("the prompt has no video caption")
    return text
