"""How far generated video is from real video: Fréchet and kernel video distance of I3D on the first 16 frames."""

from __future__ import annotations

from typing import ClassVar

from avbench.records import Column

from ._backbones.i3d import I3dLogits
from ._fvd import Fvd, fvd_columns


class FvdI3d(Fvd):
    least: ClassVar[str] = "16 frames"
    names = ("fvd_i3d", "kvd")
    logits = I3dLogits()
    set_columns: ClassVar[tuple[Column, ...]] = fvd_columns(names, "I3D's logits of the first 16 frames", "VideoGPT")
    needs = (logits,)
