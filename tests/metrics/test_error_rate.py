"""Counting edits and pooling them."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.metrics._error_rate import Counts, best_speakers, count_characters, count_words, pool

pytest.importorskip("jiwer", reason="the extra paper is not installed")
unhurried = settings(deadline=None)  # the first call loads libraries

WORDS = st.lists(st.sampled_from(["ay", "bee", "sea", "dee"]), max_size=8)
COUNTS = st.builds(Counts, *[st.integers(0, 9)] * 4)
SPEAKERS = st.dictionaries(st.sampled_from("ABCD"), st.text("abc", max_size=6), max_size=4)


@unhurried
@given(WORDS)
def test_equal_texts_have_no_errors(words: list[str]) -> None:
    assert count_words(" ".join(words), " ".join(words)) == Counts(hits=len(words))


@unhurried
@given(WORDS, WORDS)
def test_counts_add_up(reference: list[str], heard: list[str]) -> None:
    counts = count_words(" ".join(reference), " ".join(heard))
    assert counts.reference == len(reference)
    assert counts.hits + counts.substitutions + counts.insertions == len(heard)
    back = count_words(" ".join(heard), " ".join(reference))
    assert back.errors == counts.errors
    assert abs(len(reference) - len(heard)) <= counts.errors <= max(len(reference), len(heard))
    assert counts.hits <= (Counter(reference) & Counter(heard)).total()


@pytest.mark.parametrize(
    ("heard", "counts"),
    [
        ("one two three", Counts(hits=3)),
        ("one three", Counts(hits=2, deletions=1)),
        ("one two and three", Counts(hits=3, insertions=1)),
        ("one too three", Counts(hits=2, substitutions=1)),
        ("", Counts(deletions=3)),
    ],
)
def test_each_kind_of_edit(heard: str, counts: Counts) -> None:
    assert count_words("one two three", heard) == counts
    assert counts.rate == counts.errors / 3


def test_spaces_count_as_characters() -> None:
    assert count_characters("a b", "ab") == Counts(hits=2, deletions=1)


def test_empty_reference_counts_insertions() -> None:
    assert count_words("", "thank you for watching").rate == 4
    assert count_words("", "").rate == 0


@unhurried
@given(SPEAKERS, SPEAKERS, st.integers(0, 999))
def test_speakers_have_no_order_and_no_names(reference: dict[str, str], heard: dict[str, str], seed: int) -> None:
    counts = best_speakers(reference, heard)
    shuffled = list(heard.values())
    Random(seed).shuffle(shuffled)
    assert best_speakers(reference, dict(enumerate(shuffled))).errors == counts.errors
    assert counts.reference == sum(map(len, reference.values()))


@unhurried
@given(SPEAKERS, SPEAKERS)
def test_best_speakers_is_never_worse_than_the_given_order(reference: dict[str, str], heard: dict[str, str]) -> None:
    given_order = sum(
        count_characters(reference.get(name, ""), heard.get(name, "")).errors for name in {*reference, *heard}
    )
    assert best_speakers(reference, heard).errors <= given_order


def test_swapped_speakers_are_found_and_a_merged_one_costs() -> None:
    said = {"S01": "good", "S02": "morning"}
    assert best_speakers(said, {"S01": "morning", "S02": "good"}).errors == 0
    assert best_speakers(said, {"S01": "goodmorning"}) == Counts(hits=7, insertions=4, deletions=4)


@unhurried
@given(st.lists(COUNTS, max_size=6))
def test_pool(items: list[Counts]) -> None:
    rate = pool(items)
    scored = [counts for counts in items if counts.reference]
    assert (rate.n, rate.skipped) == (len(items), len(items) - len(scored))
    assert rate.hallucinated == sum(counts.insertions for counts in items) - sum(c.insertions for c in scored)
    if not scored:
        assert math.isnan(rate.corpus) and math.isnan(rate.item_mean)
        return
    assert rate.corpus == pytest.approx(sum(scored, Counts()).rate)
    rates = [counts.rate for counts in scored]
    if len(scored) > 1:
        assert min(rates) - 1e-9 <= rate.low <= rate.high <= max(rates) + 1e-9
    else:
        assert math.isnan(rate.low) and math.isnan(rate.high)
    assert min(rates) - 1e-9 <= rate.item_mean <= max(rates) + 1e-9
    assert pool(items[::-1]).corpus == rate.corpus


def test_seeds_of_a_prompt_are_no_evidence_of_their_own() -> None:
    """Ten seeds of every prompt that all say the same leave the interval as wide as one seed does."""
    items = [Counts(hits=9 - wrong, substitutions=wrong) for wrong in (0, 3, 1, 8, 2, 5)]
    names = list("abcdef")
    one, ten = pool(items, names), pool(items * 10, names * 10)
    assert (ten.corpus, ten.low, ten.high) == pytest.approx((one.corpus, one.low, one.high))
    assert pool(items * 10).high - pool(items * 10).low < 0.5 * (ten.high - ten.low)
    assert math.isnan(pool(items, ["a"] * 6).low)


def test_pool_of_alike_items_is_certain() -> None:
    rate = pool([Counts(hits=3, substitutions=1)] * 5)
    assert rate.low == rate.corpus == rate.high == rate.item_mean == rate.clipped_mean == 0.25
