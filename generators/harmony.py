"""Harmony, tiny: joint audio-video generation with cross-task synergy and SyncCFG, trained on the world.

After arXiv 2511.21579: frame-wise local attention with aligned rotations both ways, global style alignment,
cross-task synergy in training, synchronisation-enhanced guidance in sampling.
"""

from __future__ import annotations

from typing import ClassVar

from ._joint.generator import JointGenerator
from ._joint.presets import PRESETS


class Harmony(JointGenerator):
    """64 x 64 pixels at 25 fps with 16 kHz sound, up to 4.04 s: longer prompts are cut there."""

    system = "harmony"
    summary = "tiny Harmony trained on the world (64 x 64, up to 4 s)"
    version = "1"
    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS["harmony"])
