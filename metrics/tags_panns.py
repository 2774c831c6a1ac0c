"""Does generated sound have the tags of real sound? Distance, KL and inception score by Cnn14, as av-benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, SetScore
from avbench.set_metric import Material, Materials, SetMetric, SetStatistic, Summary
from avbench.weights import backend

from ._backbones.tags import PannsTags
from ._sets import FEATURES
from ._tags import LOGITS, tag_columns, tag_scores, tag_statistics, tag_summary


class TagsPanns(SetMetric):
    least: ClassVar[str] = "0.32 s of sound"
    set_columns: ClassVar[tuple[Column, ...]] = tag_columns(
        "panns", "Cnn14", 2048, "PANNs Cnn14 at 16 kHz; weights CC-BY-4.0"
    )
    needs = (PannsTags(),)
    backend: ClassVar[str] = backend("cnn14_16k")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        heard = features[PannsTags()]
        return {FEATURES: heard.features, LOGITS: heard.logits}

    def summarise(self, reference: Materials) -> Summary:
        return tag_summary(reference)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        return tag_scores("panns", self.backend, materials, reference)

    def statistics(self, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
        return tag_statistics("panns", materials, reference)
