"""UniAVGen's released model: 704 x 1280 at 16 fps, 5 s with 24 kHz sound, from a picture.

Its files are looked for under $AVBENCH_HOME/weights; what is missing is named with the way to get it
(docs/generators.md).
"""

from __future__ import annotations

from ._joint.full_generator import FullGenerator


class Uniavgen7b(FullGenerator):
    """See `FULL` for its numbers."""

    system = "uniavgen"
    preset = "uniavgen-7b"
    summary = "UniAVGen's released model"
    version = "1"
