"""People whom no caption describes: a reference voice is all that tells how they sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from avbench.world.speakers import SPEAKERS, Speaker

STRANGERS = 256
SOMEBODY = "A person speaks."
VARIANTS = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8")


def stranger(number: int, seed: int) -> Speaker:
    """A voice of the world's engine at a pitch and a pace of its own; the face is nobody's: draw another's."""
    rng = np.random.default_rng((seed, number, 0x57A6))
    variant = VARIANTS[int(rng.integers(len(VARIANTS)))]
    woman = variant.startswith("f")
    return replace(
        SPEAKERS["ana" if woman else "bruno"],
        name=f"stranger-{number}",
        accent=("en-us", "en-gb")[int(rng.random() < 0.4)],
        variant=variant,
        pitch=int(rng.integers(30, 82) if woman else rng.integers(12, 60)),
        pitch_range=int(rng.integers(30, 65)),
        rate=int(rng.integers(145, 180)),
        f0=float(rng.uniform(160, 240) if woman else rng.uniform(85, 140)),
    )
