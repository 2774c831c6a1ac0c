"""Lip-sync offset, distance (LSE-D, Sync-D) and confidence (LSE-C, Sync-C) from SyncNet embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._lipsync_track import OverTracks

SHIFT = 15  # video frames searched to either side, 0.6 s
_EPS = 1e-6  # torch's pairwise_distance adds it to each component of the difference


@dataclass(frozen=True, slots=True)
class Sync:
    """One face track's lip sync.

    `offset` counts video frames at 25 fps; above 0 the audio is early. `distance` is the mean embedding distance at
    that offset (lower is better), `confidence` how far it lies below the median over all shifts (higher is better),
    `curve` the mean distance by shift, for the offsets +15 .. -15; `nearest` each window's distance at `offset`.
    """

    offset: int
    distance: float
    confidence: float
    windows: int
    curve: NDArray[np.float32]
    nearest: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClipSync:
    """What a preset counts once: `offset` is None where distance and confidence may come from different tracks."""

    offset: int | None
    distance: float
    confidence: float


def over_tracks(tracks: Sequence[Sync], how: OverTracks) -> list[ClipSync]:
    """A clip's tracks, one or more, as a preset counts them (see `Preset.over_tracks`)."""
    if how == "items":
        return [ClipSync(track.offset, track.distance, track.confidence) for track in tracks]
    distance, confidence = ([getattr(track, side) for track in tracks] for side in ("distance", "confidence"))
    if how == "mean":  # LatentSync truncates its mean offset
        offset = int(np.mean([track.offset for track in tracks]))
        return [ClipSync(offset, float(np.mean(distance)), float(np.mean(confidence)))]
    if how == "best_of_each":
        return [ClipSync(None, min(distance), max(confidence))]
    best = max(tracks, key=lambda track: track.confidence - track.distance)
    return [ClipSync(best.offset, best.distance, best.confidence)]


def distances(lip: NDArray[np.float32], audio: NDArray[np.float32], shift: int = SHIFT) -> NDArray[np.float32]:
    """(N, D) embeddings of the same windows to (N, 2 * shift + 1); column k pairs lip i with audio i + k - shift.

    Beyond its ends the audio is zero vectors, as in the reference.
    """
    padded = np.pad(audio, ((shift, shift), (0, 0)))
    columns = [np.linalg.norm(lip - padded[k : k + len(lip)] + np.float32(_EPS), axis=1) for k in range(2 * shift + 1)]
    return np.stack(columns, axis=1).astype(np.float32)


def sync(lip: NDArray[np.float32], audio: NDArray[np.float32], shift: int = SHIFT) -> Sync:
    """The lip sync of (N, D) embeddings, N >= 1. With few windows the outer curve is mostly padding and says little."""
    table = distances(lip, audio, shift)
    curve = table.mean(axis=0)
    best = int(curve.argmin())
    least = float(curve[best])
    return Sync(shift - best, least, float(np.median(curve)) - least, len(lip), curve, table[:, best])
