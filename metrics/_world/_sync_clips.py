"""What the Synchformer is trained on: clips longer than it looks at, so that shifted sound is sound and no silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avbench.world.render import render

from ._prompts import Kind, training_prompt

KINDS: tuple[Kind, ...] = ("ambient", "speech", "complex")
ODDS = (0.5, 0.3, 0.2)
SECONDS = 6.12  # what is looked at, and 2 s more


def clip(index: int, seed: int, size: int, held_out: bool = False) -> dict[str, NDArray[np.generic]]:
    """Clip `index` of the training set of `seed`, or of the set held out from it: `frames` at 25 fps, int16 `audio`.

    And by frame what there is to be in step: the mouth's `aperture` in 0..1, and in `onsets` the strength of events.
    """
    rng = np.random.default_rng((seed, index, held_out))
    prompt = training_prompt(rng, KINDS[int(rng.choice(3, p=ODDS))], held_out, sentences=2)
    take = render(prompt, int(rng.integers(2**31)), size, SECONDS)
    onsets = np.zeros(len(take.frames), np.float32)
    for event in take.truth.events:
        at = int(event.time * take.fps)
        if at < len(onsets):
            onsets[at] = max(onsets[at], event.strength)
    audio = np.rint(take.audio * 32767).astype(np.int16)
    return {"frames": take.frames, "audio": audio, "aperture": take.truth.aperture.astype(np.float32), "onsets": onsets}
