"""UniAVGen, tiny: asymmetric interaction and a face mask, five tasks; trained by `avbench train uniavgen`.

After arXiv 2511.03334: a window of sound for every video latent, interpolated pictures for every sound token,
face-aware modulation, guidance away from the modalities apart.
"""

from __future__ import annotations

from typing import ClassVar

from ._joint.generator import JointGenerator
from ._joint.presets import PRESETS


class UniAvGen(JointGenerator):
    """64 x 64 pixels at 25 fps with 16 kHz sound, up to 4.04 s: longer prompts are cut there."""

    system = "uniavgen"
    summary = "tiny UniAVGen trained on the world (64 x 64, up to 4 s)"
    version = "1"
    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS["uniavgen"])
