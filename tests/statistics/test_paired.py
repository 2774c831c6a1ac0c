"""Tests of paired differences, of sets, of many questions and of places: oracles, exact counts, invariances."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from avbench.statistics.intervals import Interval
from avbench.statistics.multiplicity import benjamini_hochberg, holm
from avbench.statistics.paired import effects, mde, sign_flip, skewness
from avbench.statistics.ranks import Places, places
from avbench.statistics.sets import swap_permutation

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=9))
def test_few_prompts_are_counted_exactly_as_scipy_counts(differences: list[int]) -> None:
    values = np.array(differences, float)
    got = sign_flip(values[:, None])
    for side, p in (("two-sided", got.two_sided), ("greater", got.greater), ("less", got.less)):
        want = stats.permutation_test(
            (values,), np.mean, permutation_type="samples", alternative=side, n_resamples=np.inf
        )
        assert p[0] == pytest.approx(want.pvalue), side


def test_many_prompts_are_drawn_and_agree_with_the_exact_count() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, 13)
    patterns = 2.0 * ((np.arange(2**13)[:, None] >> np.arange(13)) & 1) - 1
    exact = np.mean(np.abs(patterns @ values) >= abs(values.sum()) - 1e-12)
    got = sign_flip(values[:, None]).two_sided[0]
    assert got == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 10_000))
    assert got * 10_001 == pytest.approx(round(got * 10_001)) and got > 0


def test_columns_do_not_disturb_each_other_and_missing_prompts_are_left_out() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.2, 1, 40), rng.normal(0, 1, 40)
    holes = np.where(np.arange(40) % 3 == 0, np.nan, a)
    table = np.stack([a, b, holes, np.full(40, np.nan)], axis=1)
    got = sign_flip(table)
    assert got.greater[0] == sign_flip(a[:, None]).greater[0]
    assert got.greater[2] == pytest.approx(sign_flip(holes[np.isfinite(holes)][:, None]).greater[0], abs=0.02)
    assert got.two_sided[3] == 1


@pytest.mark.parametrize("n", [1, 2, 30])
def test_no_difference_at_all_is_p_one(n: int) -> None:
    (got,) = effects([np.zeros(n)])
    assert (got.mean, got.p, got.p_greater) == (0, 1, 1)


def test_one_prompt_and_none_prove_nothing() -> None:
    one, none = effects([np.array([3.0]), np.array([])])
    assert (one.n, one.p, one.interval.high, one.method) == (1, 1, math.inf, "none")
    assert none.n == 0 and none.p == 1 and math.isnan(none.mean) and math.isnan(none.mde)


def test_effects_turn_around_with_their_sign() -> None:
    values = np.random.default_rng(5).normal(0.3, 1, 30)
    there, back = effects([values, -values])
    assert (there.p, there.p_greater) == (back.p, back.p_less)
    assert there.mean == -back.mean and there.interval.low == pytest.approx(-back.interval.high, abs=1e-9)


def test_the_interval_fits_the_values() -> None:
    rng = np.random.default_rng(0)
    few, many, skewed = effects([rng.normal(size=49), rng.normal(size=200), np.exp(2 * rng.normal(size=200))])
    assert (few.method, many.method, skewed.method) == (
        "studentised bootstrap",
        "BCa bootstrap",
        "studentised bootstrap",
    )
    assert skewness(np.ones(4)) == 0 and skewness(np.array([0.0, 0, 0, 1])) > 1


def test_the_interval_of_very_few_is_students() -> None:
    """Of four, some resamples hardly vary, and what is divided by their spread may be anything."""
    values = np.array([0.371, -0.115, -0.075, 0.144])
    (got,) = effects([values])
    half = 3.182 * values.std(ddof=1) / 2  # t(0.975, 3)
    assert got.method == "Student t"
    assert (got.interval.low, got.interval.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=1e-3
    )


def test_the_least_detectable_effect_is_the_textbooks() -> None:
    assert mde(1.0, 100) == pytest.approx(0.2486, abs=1e-4)
    assert mde(1.0, 100, sides=2) == pytest.approx(0.2802, abs=1e-4)


@given(P_VALUES)
def test_adjusted_p_values(p: list[float]) -> None:
    strict, lax = holm(p), benjamini_hochberg(p)
    order = np.argsort(p, kind="stable")
    assert np.all(strict >= p) and np.all(np.diff(strict[order]) >= 0) and strict.max() <= 1
    assert np.all(lax <= strict + 1e-12) and np.all(lax >= np.array(p) - 1e-12)
    assert strict[order[0]] == pytest.approx(min(1, len(p) * min(p)))


def test_holm_by_hand_and_nothing_to_adjust() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert len(holm([])) == 0 == len(benjamini_hochberg([]))


def spread(features: np.ndarray, moved: np.ndarray) -> Callable[[np.ndarray], float]:
    """The distance of a set from zero, of places among both."""
    both = np.concatenate([features, moved])
    return lambda places: float(np.square(both[places].mean(axis=0)).sum() + both[places].std())


def test_swapping_sets_finds_a_shift_and_nothing_in_equals() -> None:
    first, prompt = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40)
    same = swap_permutation(spread(first, first), prompt, resamples=99)
    assert (same.effect.mean, same.effect.p, same.effect.sd, same.effect.interval) == (0, 1, 0, Interval(0, 0))
    moved = swap_permutation(spread(first, first + 1.0), prompt, resamples=99)
    assert moved.effect.p_greater == 1 / 100 and moved.effect.p_less == 1 and moved.effect.n == 40
    assert moved.second - moved.first == moved.effect.mean > 0 and 0 not in moved.effect.interval
    with pytest.raises(ValueError, match="no clip"):
        swap_permutation(spread(first, first), prompt[:0])


def test_swapping_a_mean_is_flipping_signs() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, (2, 30))
    both = values.ravel()
    swap = swap_permutation(lambda places: float(both[places].mean()), np.arange(30), resamples=4000).effect
    (flip,) = effects([values[1] - values[0]], resamples=4000)
    assert swap.mean == pytest.approx(flip.mean) and swap.p == pytest.approx(flip.p, abs=0.03)
    # the spread that exchanging sees is around zero, not around the mean
    assert swap.mde == pytest.approx(flip.mde * math.hypot(1, flip.mean / flip.sd), rel=0.05)
    assert swap.interval.low == pytest.approx(flip.interval.low, abs=0.1)


def test_clips_of_a_prompt_are_exchanged_together() -> None:
    prompt, values = np.repeat(np.arange(4), 5), np.repeat([0.0, 1.0], 20)
    found = swap_permutation(lambda p: float(values[p].mean()), prompt, resamples=999).effect
    assert found.p == pytest.approx(1 / 8, abs=0.04)  # two of the 16 patterns of four prompts are as extreme
    one = swap_permutation(lambda p: float(values[p].mean()), np.zeros(20, int), resamples=99).effect
    assert one.n == 1 and one.interval.high == math.inf and math.isnan(one.mde)


def test_places_are_those_that_the_prompts_tell_apart() -> None:
    rng = np.random.default_rng(0)
    prompt = rng.normal(0, 5, 40)[:, None]  # which all models share: pairing takes it out
    table = prompt + np.array([0, 1, 1, 3]) + rng.normal(0, 0.5, (40, 4))
    assert places(table) == [Places(1, 1), Places(2, 3), Places(2, 3), Places(4, 4)]
    table[:, 3] = np.nan
    assert places(table) == [Places(1, 1), Places(2, 3), Places(2, 3), None]


def test_places_without_evidence_are_all_open() -> None:
    assert places(np.array([[1.0, 2.0, 3.0]])) == [Places(1, 3)] * 3  # one prompt
    assert places(np.zeros((9, 2))) == [Places(1, 2)] * 2
    constant = np.array([0.0, 1.0])
    assert places(np.tile(constant, (5, 1)))[0] == Places(1, 2)  # 2^-4: five signs are too few
    assert places(np.tile(constant, (6, 1)))[0] == Places(1, 1)
    apart = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, 9.0], [np.nan, 9.5]])
    assert places(apart) == [Places(1, 2)] * 2  # no prompt in common
