"""What the small SyncNet is trained on: crops of talkers, found and cut out as the metric does it, and their speech."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.world.render import render

from .._backbones.haar import Haar
from .._lipsync_crop import crops
from .._lipsync_track import WORLD, tracks
from ._prompts import Kind, training_prompt

SIZES = (64, 96, 128)  # pixels of a clip
SHORT_SIDE = 128  # of a frame as the metric decodes it
FRAMES, SAMPLES = 100, 64000
WITH_EVENTS = 0.2  # share of the talkers with something else to hear


def clip(index: int, seed: int, size: int, held_out: bool = False) -> dict[str, NDArray[np.generic]]:
    """Talker `index` of `seed`, one of the training or one held out: `crops` (100, size, size, 3) RGB, int16 `audio`,
    and how far the mouth is open, `aperture` (100,) in 0..1.

    A talker whose face is not found from beginning to end is drawn again.
    """
    rng = np.random.default_rng((seed, index, held_out))
    while True:
        kind: Kind = "complex" if rng.random() < WITH_EVENTS else "speech"
        prompt = training_prompt(rng, kind, held_out, on_screen=True)
        take = render(prompt, int(rng.integers(2**31)), SIZES[int(rng.integers(len(SIZES)))])
        frames = [enlarged(frame) for frame in take.frames]
        found = [t for t in tracks(Haar()(frames), WORLD) if t.start == 0 and len(t.boxes) >= FRAMES]
        if len(found) == 1:
            audio = np.rint(take.audio[:SAMPLES] * 32767).astype(np.int16)
            aperture = take.truth.aperture[:FRAMES].astype(np.float32)
            return {"crops": crops(frames, found[0], size)[:FRAMES], "audio": audio, "aperture": aperture}


def enlarged(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A square frame at the size at which the metric looks for faces."""
    return cv2.resize(frame, (SHORT_SIDE, SHORT_SIDE), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
