"""Harmony on Wan2.1-T2V-1.3B's video stream: 480 x 832 at 16 fps, 5 s with 16 kHz sound.

Its files are looked for under $AVBENCH_HOME/weights; what is missing is named with the way to get it
(docs/generators.md).
"""

from __future__ import annotations

from ._joint.full_generator import FullGenerator


class Harmony1b3(FullGenerator):
    """See `FULL` for its numbers."""

    system = "harmony"
    preset = "harmony-1.3b"
    summary = "Harmony on Wan2.1-T2V-1.3B's video stream"
    version = "1"
