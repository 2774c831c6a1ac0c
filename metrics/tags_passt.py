"""Does generated sound have the tags of real sound? Distance, KL and inception score by PaSST, as av-benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, SetScore
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary
from avbench.weights import backend

from ._backbones.tags import PasstTags
from ._sets import FEATURES
from ._tags import LOGITS, tag_columns, tag_scores, tag_statistics, tag_summary


class TagsPasst(SetMetric):
    least: ClassVar[str] = "0.32 s of sound"
    set_columns: ClassVar[tuple[Column, ...]] = tag_columns(
        "passt", "PaSST", 768, "PaSST (Koutini et al. 2022); weights Apache-2.0"
    )
    needs = (PasstTags(),)
    backend: ClassVar[str] = backend("passt")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        heard = features[PasstTags()]
        return {FEATURES: heard.features, LOGITS: heard.logits}

    def summarise(self, reference: Materials) -> Summary:
        return tag_summary(reference)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        return tag_scores("passt", self.backend, materials, reference)

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return tag_statistics("passt", materials, reference)
