"""Fréchet distance, KL and inception score of an AudioSet tagger, as av-benchmark prints them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.records import Column, Direction, SetScore
from avbench.set_metric import Material, Materials, Picked, SetStatistic, Summary

from ._classes import SPLITS, inception_score, kl_sigmoid, kl_softmax
from ._sets import (
    columns,
    distance,
    distance_statistic,
    gather,
    mean_over,
    needed,
    refused,
    refused_all,
    rows,
    sides,
)
from ._truths import by_prompt, pairs, truths

LOGITS = "logits"


def tag_columns(name: str, network: str, size: int, licence: str) -> tuple[Column, ...]:
    """Those of `tag_scores` for a tagger called `name` in columns."""
    source = f"av-benchmark; {licence}"
    paired = "mean over clips that have a reference of the same prompt"
    return (
        *columns(f"fd_{name}", f"{network}'s features", size, source),
        Column(
            f"kl_{name}",
            "nats",
            Direction.DOWN,
            0.0,
            math.inf,
            f"KL of the tags of the reference from those of the clip, softmax; {paired}",
            source,
        ),
        Column(
            f"kl_{name}_sigmoid",
            "nats",
            Direction.DOWN,
            -math.inf,
            math.inf,
            f"the same, each tag for itself: no true divergence; {paired}",
            source,
        ),
        Column(
            f"is_{name}",
            "1",
            Direction.UP,
            1.0,
            math.inf,
            f"inception score of the tags, {SPLITS} splits; never above a tenth of the clips, so it compares only sets "
            "of one size",
            source,
        ),
    )


def tag_summary(reference: Materials) -> Summary:
    """What `tag_scores` needs of the reference."""
    features = gather(reference).summary()
    return Summary({**features.arrays, **by_prompt(reference, LOGITS)}, features.samples, features.numbers)


def tag_scores(name: str, backend: str, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
    distances = [column.name for column in columns(f"fd_{name}", "", 0, "")]
    divergences = [f"kl_{name}", f"kl_{name}_sigmoid"]
    return {
        f"is_{name}": _inception(f"is_{name}", backend, rows(materials, LOGITS)),
        **refused_all(distances, backend, lambda: distance(f"fd_{name}", backend, sides(materials, reference))),
        **refused_all(divergences, backend, lambda: _kl(name, backend, materials, needed(reference))),
    }


def tag_statistics(name: str, materials: Sequence[Material], reference: Summary | None) -> Mapping[str, SetStatistic]:
    """Those of `tag_scores` that two sets can be compared by; without a reference the inception score alone."""
    logits = rows(Picked(materials), LOGITS)
    found = {f"is_{name}": SetStatistic(lambda places: inception_score(logits[places]).mean)}
    if reference is None or not reference.arrays:
        return found
    found[f"fd_{name}"] = distance_statistic(materials, reference)
    truth = truths(reference, LOGITS)
    found_for = [truth(material.prompt_id) for material in materials]
    paired = np.array([real is not None for real in found_for])
    real = np.stack([m.arrays[LOGITS] if r is None else r for m, r in zip(materials, found_for, strict=True)])
    for column, of in ((f"kl_{name}", kl_softmax), (f"kl_{name}_sigmoid", kl_sigmoid)):
        found[column] = SetStatistic(_mean_of(of(real, logits), paired))
    return found


def _mean_of(values: NDArray[np.float64], there: NDArray[np.bool_]) -> Callable[[NDArray[np.int64]], float]:
    def of(places: NDArray[np.int64]) -> float:
        chosen = places[there[places]]
        if not len(chosen):
            raise NotApplicable("no reference clip is of a prompt of these clips")
        return float(values[chosen].mean())

    return of


def _inception(column: str, backend: str, logits: NDArray[np.float32]) -> SetScore:
    try:
        found = inception_score(logits)
    except ValueError as error:
        return refused(column, backend, f"too_few: {error}")
    return SetScore(column, backend, found.mean, n=len(logits))


def _kl(name: str, backend: str, materials: Materials, reference: Summary) -> dict[str, SetScore]:
    prompts, real, made = pairs(materials, reference, LOGITS)
    kinds = {f"kl_{name}": kl_softmax, f"kl_{name}_sigmoid": kl_sigmoid}
    return {column: mean_over(column, backend, prompts, of(real, made), len(materials)) for column, of in kinds.items()}
