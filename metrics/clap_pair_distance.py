"""Verse-Bench's FD: how far a clip's sound is from that of its reference, by CLAP; no Fréchet distance.

Verse-Bench gives one pair of embeddings to code for sets of them; with numpy before 2.2 what comes out is 2 - 2 cos,
with later ones NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.parts import Features
from avbench.records import Clip, Column, Direction, SetScore
from avbench.set_metric import Materials, SetMetric, Summary
from avbench.weights import backend

from ._backbones.clap import VerseClap
from ._distances import Features as Rows
from ._sets import FEATURES, mean_over, needed
from ._truths import by_prompt, pairs


class ClapPairDistance(SetMetric):
    least: ClassVar[str] = "any sound"
    set_columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "clap_pair_distance",
            "1",
            Direction.DOWN,
            0.0,
            4.0,
            "2 - 2 cos of the CLAP embeddings of a clip and of the reference clip of the same prompt, mean over pairs; "
            "needs --reference; silent clips have none",
            "Dorniwang/Verse-Bench fd/clap_inferencer.py ; LAION-CLAP 630k-audioset-fusion-best; weights CC0-1.0",
            decimals=2,
        ),
    )
    needs = (VerseClap(),)
    backend: ClassVar[str] = backend("clap-htsat-tiny-fusion")
    core: ClassVar[bool] = False

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[Any]]:
        return {FEATURES: features[VerseClap()]}

    def summarise(self, reference: Materials) -> Summary:
        arrays = by_prompt(reference, FEATURES)
        return Summary(arrays, len(reference), 512)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        prompts, real, made = pairs(materials, needed(reference), FEATURES)
        values = pair_distance(real, made)
        score = mean_over("clap_pair_distance", self.backend, prompts, values, len(materials))
        return {"clap_pair_distance": score}


def pair_distance(one: Rows, other: Rows) -> NDArray[np.float64]:
    """(n,) of unit vectors (n, d), row by row."""
    return np.asarray(2 - 2 * (one.astype(np.float64) * other.astype(np.float64)).sum(axis=1))
