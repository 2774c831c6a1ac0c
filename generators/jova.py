"""JoVA, tiny: one softmax over video, sound and both texts, with a mouth-aware loss; trained by `avbench train jova`.

After the JoVA paper: joint self-attention with aligned rotations, a reference image beside the noise in the channels,
branches trained apart and then together, mouth cells weighing more, text guidance.
"""

from __future__ import annotations

from typing import ClassVar

from ._joint.generator import JointGenerator
from ._joint.presets import PRESETS


class Jova(JointGenerator):
    """64 x 64 pixels at 25 fps with 16 kHz sound, up to 4.04 s: longer prompts are cut there."""

    system = "jova"
    summary = "tiny JoVA trained on the world (64 x 64, up to 4 s)"
    version = "1"
    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS["jova"])
