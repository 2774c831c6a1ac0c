"""How far generated frames are from real ones: Fréchet and kernel inception distance, frames resized as pytorch-fid."""

from __future__ import annotations

from typing import ClassVar

from avbench.records import Column

from ._backbones.inception import InceptionFrames
from ._fid import InceptionDistance, fid_columns


class Fid(InceptionDistance):
    suffix = ""
    frames = InceptionFrames("pytorch_fid")
    set_columns: ClassVar[tuple[Column, ...]] = fid_columns(suffix, "pytorch-fid")
    needs = (frames,)
