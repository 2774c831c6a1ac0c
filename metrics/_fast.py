"""`--fast`: means over frames from two frames a second, means over pairs from every fourth pair.

The numbers are estimates of those of the protocol; their backend ends in `+fast`, so that they never share a column
with them. How far they are apart: docs/visual.md. What compares neighbours over a whole clip stays as it is.
"""

from __future__ import annotations

import os
from typing import TypeVar

from avbench import weights
from avbench.parts import VideoBackbone

from ._backbones.sampled import Sampled

F = TypeVar("F")
SWITCH = "AVBENCH_FAST"


def fast() -> bool:
    """Whether the environment asks for it."""
    return os.environ.get(SWITCH) == "1"


def every() -> int:
    """Of how many pairs one counts."""
    return 4 if fast() else 1


def seen_by(backbone: VideoBackbone[F]) -> VideoBackbone[F]:
    """`backbone` over the frames that count."""
    return Sampled(backbone) if fast() else backbone


def backend(name: str) -> str:
    """A metric's backend id, marked."""
    return weights.backend(name) + ("+fast" if fast() else "")
