"""JavisBench's FVD and KVD, as its code has them and as it meant them.

Its loader takes frames in 0..1 for frames in -1..1, and its FVD centres the features in place before KVD sees them. The
real features that JavisBench publishes have the first error in them, so only `fvd_javis` compares with its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, SetScore
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary
from avbench.weights import backend

from ._backbones.i3d import I3dJavis
from ._distances import centred, kernel
from ._javis import frechet_of, javis_column, javis_scores, javis_summary

SOURCE = "JavisVerse/JavisDiT eval/javisbench; I3D (i3d_pretrained_400); licence of the weights not stated"
SHIPPED, FIXED = "shipped", "fixed"
WHAT = "24 frames spread over the clip, padded to squares; in float64; needs --reference and 2 clips"


class FvdJavis(SetMetric):
    least: ClassVar[str] = "1 frame"
    set_columns: ClassVar[tuple[Column, ...]] = (
        javis_column("fvd_javis", f"JavisBench's FVD as shipped, frames in half the range of I3D: {WHAT}", SOURCE),
        javis_column("kvd_javis", "its KVD as shipped, of features without their means; may be below 0", SOURCE, True),
        javis_column("fvd_javis_fixed", f"JavisBench's FVD as intended: {WHAT}", SOURCE),
        javis_column("kvd_javis_fixed", "its KVD as intended; may be below 0", SOURCE, True),
    )
    needs = (I3dJavis(),)
    backend: ClassVar[str] = backend("i3d_400")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        shipped, fixed = features[I3dJavis()]
        return {SHIPPED: shipped, FIXED: fixed}

    def summarise(self, reference: Materials) -> Summary:
        return javis_summary(reference, SHIPPED, FIXED)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        columns = {
            "fvd_javis": (SHIPPED, frechet_of),
            "kvd_javis": (SHIPPED, lambda made, real: kernel(centred(made), centred(real))),
            "fvd_javis_fixed": (FIXED, frechet_of),
            "kvd_javis_fixed": (FIXED, kernel),
        }
        return javis_scores(self.backend, materials, reference, columns)

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return {}  # the first clips of both sides are no set whose clips can be exchanged
