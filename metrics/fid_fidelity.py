"""The distances of `fid` on frames resized as TensorFlow 1 did and torch-fidelity does."""

from __future__ import annotations

from typing import ClassVar

from avbench.records import Column

from ._backbones.inception import InceptionFrames
from ._fid import InceptionDistance, fid_columns


class FidFidelity(InceptionDistance):
    suffix = "_fidelity"
    frames = InceptionFrames("torch_fidelity")
    set_columns: ClassVar[tuple[Column, ...]] = fid_columns(suffix, "torch-fidelity")
    needs = (frames,)
