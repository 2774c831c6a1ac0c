"""Word and character error rates from counted edits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.records import Column, SetScore, Status
from avbench.set_metric import Material, Materials, SetStatistic

from ._backbones._paper import library

ROUNDS = 1000  # of the bootstrap


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens that were hit, substituted, deleted and inserted.

    The split between the last three is one of several optimal ones; only their sum is unique.
    """

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def reference(self) -> int:
        """Length of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def rate(self) -> float:
        """Errors per token of the reference; for an empty reference the number of insertions, as jiwer 4 has it."""
        return self.errors / max(self.reference, 1)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


def count_words(reference: str, hypothesis: str) -> Counts:
    """Edits between the words, that is what white space parts."""
    return _counts(library("jiwer").process_words(reference, hypothesis))


def count_characters(reference: str, hypothesis: str) -> Counts:
    """Edits between the characters, single spaces inside the text included."""
    return _counts(library("jiwer").process_characters(reference, hypothesis))


def _counts(output: object) -> Counts:
    return Counts(**{name: getattr(output, name) for name in Counts.__dataclass_fields__})


def best_speakers(reference: Mapping[str, str], hypothesis: Mapping[str, str]) -> Counts:
    """Character edits under the assignment of heard to asked speakers that has the fewest (cpCER, as OpenMOSS/MOVA).

    Maps a speaker to all that they say. A speaker without a counterpart is compared with silence.
    """
    from scipy.optimize import linear_sum_assignment

    size = max(len(reference), len(hypothesis))
    asked = [*reference.values(), *[""] * (size - len(reference))]
    heard = [*hypothesis.values(), *[""] * (size - len(hypothesis))]
    pairs = [[count_characters(said, text) for text in heard] for said in asked]
    errors = np.array([[counts.errors for counts in row] for row in pairs]).reshape(size, size)
    rows, columns = linear_sum_assignment(errors)
    return sum((pairs[row][column] for row, column in zip(rows, columns, strict=True)), Counts())


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The error rate of a set of `n` items, of which `skipped` have an empty reference.

    `corpus` pools the edits of the items with a reference and is the number to report, with its 95 % bootstrap
    interval over clusters of items (NaN for a single one); `item_mean` is the mean of their rates. `clipped_mean` is
    over all items and counts a rate above 1 as 1. What was heard where nothing was to be said is `hallucinated`, in
    tokens. Rates are NaN where there is no item.
    """

    n: int
    skipped: int
    corpus: float
    low: float
    high: float
    item_mean: float
    clipped_mean: float
    hallucinated: int


def pool(items: Sequence[Counts], clusters: Sequence[str] | None = None, seed: int = 0) -> ErrorRate:
    """The error rate of a set, from the counts of its items.

    `clusters` names what each item belongs to, its prompt say; by default each stands alone.
    """
    clusters = clusters or [str(number) for number in range(len(items))]
    pairs = [(counts, name) for counts, name in zip(items, clusters, strict=True) if counts.reference]
    scored = [counts for counts, _ in pairs]
    errors = np.array([counts.errors for counts in scored], np.float64)
    lengths = np.array([counts.reference for counts in scored], np.float64)
    nan = float("nan")
    low, high = _interval(errors, lengths, [name for _, name in pairs], seed) if scored else (nan, nan)
    return ErrorRate(
        n=len(items),
        skipped=len(items) - len(scored),
        corpus=float(errors.sum() / lengths.sum()) if scored else nan,
        low=low,
        high=high,
        item_mean=float((errors / lengths).mean()) if scored else nan,
        clipped_mean=float(np.mean([min(counts.rate, 1.0) for counts in items])) if items else nan,
        hallucinated=sum(counts.insertions for counts in items if not counts.reference),
    )


def _interval(
    errors: NDArray[np.float64], lengths: NDArray[np.float64], clusters: Sequence[str], seed: int
) -> tuple[float, float]:
    """Percentiles of the pooled rate when clusters, (N,) names, are drawn anew; NaN with a single one."""
    _, which = np.unique(np.array(clusters), return_inverse=True)
    sums = np.stack([np.bincount(which, weights) for weights in (errors, lengths)])
    count = sums.shape[1]
    if count < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    rates = np.empty(ROUNDS)
    for number in range(ROUNDS):  # one by one: all draws of a large set at once would not fit into memory
        drawn = np.bincount(rng.integers(count, size=count), minlength=count)
        wrong, asked = sums @ drawn
        rates[number] = wrong / asked
    low, high = np.quantile(rates, [0.025, 0.975])
    return float(low), float(high)


def corpus(materials: Materials, name: str, backend: str) -> SetScore:
    """The column `NAME_corpus`: edits over reference of all clips that left counts under `name`."""
    column = corpus_name(name)
    found = [(m.arrays[name], f"{m.suite}/{m.prompt_id}") for m in materials if name in m.arrays]
    if not found:
        return SetScore(column, backend, None, status=Status.NOT_APPLICABLE, reason="no clip has this rate")
    rate = pool([unpacked(counts) for counts, _ in found], [prompt for _, prompt in found])
    low, high = (None if math.isnan(bound) else bound for bound in (rate.low, rate.high))
    return SetScore(column, backend, rate.corpus, low, high, rate.n - rate.skipped)


def corpus_statistic(materials: Sequence[Material], name: str) -> SetStatistic:
    """The column `NAME_corpus` of any of the clips; those that left no counts under `name` add nothing to it."""
    none = packed(Counts())
    found = [unpacked(material.arrays.get(name, none)) for material in materials]
    errors = np.array([float(counts.errors) if counts.reference else 0.0 for counts in found])
    lengths = np.array([float(counts.reference) for counts in found])

    def of(places: NDArray[np.int64]) -> float:
        asked = lengths[places].sum()
        if not asked:
            raise NotApplicable("no clip has this rate")
        return float(errors[places].sum() / asked)

    return SetStatistic(of)


def corpus_name(name: str) -> str:
    return f"{name}_corpus"


def corpus_column(column: Column) -> Column:
    """The set column that pools a column of error rates."""
    summary = f"errors over reference tokens of all clips of {column.name}; interval by bootstrap over prompts"
    return replace(column, name=corpus_name(column.name), summary=summary)


def packed(counts: Counts) -> NDArray[np.int64]:
    """The counts as (4,) integers."""
    return np.array([counts.hits, counts.substitutions, counts.deletions, counts.insertions], np.int64)


def unpacked(counts: NDArray[np.int64]) -> Counts:
    return Counts(*(int(count) for count in counts))
