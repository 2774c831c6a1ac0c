"""JoVA at full size on Wan2.2-TI2V-5B's video stream: 704 x 1280 at 24 fps, 5 s with 16 kHz sound.

Its files are looked for under $AVBENCH_HOME/weights; what is missing is named with the way to get it
(docs/generators.md).
"""

from __future__ import annotations

from ._joint.full_generator import FullGenerator


class Jova5b(FullGenerator):
    """See `FULL` for its numbers."""

    system = "jova"
    preset = "jova-5b"
    summary = "JoVA at full size on Wan2.2-TI2V-5B's video stream"
    version = "1"
