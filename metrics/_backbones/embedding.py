"""Embeddings, how they compare, and the windows that JavisScore hears."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW, OVERLAP = 2.0, 1.5  # seconds, of JavisScore
Embedding = NDArray[np.float32]  # (D,) or (N, D)


def cosine(a: Embedding, b: Embedding) -> NDArray[np.float64]:
    """Cosine similarity along the last axis, -1..1."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.asarray((a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)))


def windows(length: int, rate: float) -> tuple[int, list[int]]:
    """Size and starts of JavisScore's windows, 2 s long with 1.5 s in common, of `length` frames or samples.

    The last one is moved back to fit; with up to 2 s there is one of everything.
    """
    size = int(WINDOW * rate)
    if length <= size:
        return length, [0]
    return size, [*range(0, length - size, size - int(OVERLAP * rate)), length - size]
