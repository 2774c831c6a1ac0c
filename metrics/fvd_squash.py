"""Fréchet and kernel video distance of I3D on the first 16 frames, squashed to squares as cd-fvd does."""

from __future__ import annotations

from typing import ClassVar

from avbench.records import Column

from ._backbones.i3d import I3dLogits
from ._fvd import Fvd, fvd_columns


class FvdSquash(Fvd):
    least: ClassVar[str] = "16 frames"
    names = ("fvd_squash", "kvd_squash")
    logits = I3dLogits(squash=True)
    set_columns: ClassVar[tuple[Column, ...]] = fvd_columns(
        names, "I3D's logits of the first 16 frames, squashed to squares,", "content-debiased-fvd, of all clips once"
    )
    needs = (logits,)
