"""Word and character error rates from counted edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

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
    interval over items; `item_mean` is the mean of their rates. `clipped_mean` is over all items and counts a rate
    above 1 as 1. What was heard where nothing was to be said is `hallucinated`, in tokens. Rates are NaN where there
    is no item.
    """

    n: int
    skipped: int
    corpus: float
    low: float
    high: float
    item_mean: float
    clipped_mean: float
    hallucinated: int


def pool(items: Sequence[Counts], seed: int = 0) -> ErrorRate:
    """The error rate of a set, from the counts of its items."""
    scored = [counts for counts in items if counts.reference]
    errors = np.array([counts.errors for counts in scored], np.float64)
    lengths = np.array([counts.reference for counts in scored], np.float64)
    low = high = nan = float("nan")
    if scored:
        drawn = np.random.default_rng(seed).integers(len(scored), size=(ROUNDS, len(scored)))
        rates = errors[drawn].sum(axis=1) / lengths[drawn].sum(axis=1)
        low, high = (float(bound) for bound in np.quantile(rates, [0.025, 0.975]))
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
