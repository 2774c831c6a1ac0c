"""The distances of `fid` on frames resized as clean-fid does: bicubic and antialiased."""

from __future__ import annotations

from typing import ClassVar

from avbench.records import Column

from ._backbones.inception import InceptionFrames
from ._fid import InceptionDistance, fid_columns


class FidClean(InceptionDistance):
    suffix = "_clean"
    frames = InceptionFrames("clean_fid")
    set_columns: ClassVar[tuple[Column, ...]] = fid_columns(suffix, "clean-fid")
    needs = (frames,)
