"""Harmony at full size: Wan2.2-TI2V-5B's video stream, 704 x 1280 at 24 fps, 5 s with 16 kHz sound.

Its files are looked for under $AVBENCH_HOME/weights; what is missing is named with the way to get it
(docs/generators.md).
"""

from __future__ import annotations

from ._joint.full_generator import FullGenerator


class Harmony5b(FullGenerator):
    """See `FULL` for its numbers."""

    system = "harmony"
    preset = "harmony-5b"
    summary = "Harmony at full size"
    version = "1"
