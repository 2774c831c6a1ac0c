"""How far generated frames are from real frames by CLIP: CMMD, which needs fewer of them than FID."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, Direction, SetScore
from avbench.set_metric import Materials, SetMetric, Summary
from avbench.weights import backend

from ._backbones.cmmd import WEIGHTS, CmmdFrames
from ._distances import gaussian
from ._sets import FEATURES, counts, estimate, gather, sides


class Cmmd(SetMetric):
    least: ClassVar[str] = "1 frame"
    set_columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "cmmd",
            "1",
            Direction.DOWN,
            0.0,
            math.inf,
            "1000 times the squared maximum mean discrepancy of CLIP ViT-L/14 at 336 px of a frame a second, Gaussian "
            "kernel of width 10; the biased estimate, so not 0 for two samples of one set; needs --reference",
            "Jayasumana et al. 2024 (google-research/cmmd); weights MIT",
        ),
    )
    needs = (CmmdFrames(),)
    backend: ClassVar[str] = backend(WEIGHTS)
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        return {FEATURES: features[CmmdFrames()]}

    def summarise(self, reference: Materials) -> Summary:
        return gather(reference).summary(rows=True)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        both = sides(materials, reference)
        value = estimate("cmmd", self.backend, both, lambda: gaussian(both.made.rows, both.truth.rows), counts(both))
        return {"cmmd": value}
