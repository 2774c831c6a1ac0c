"""Intervals of means, bootstrap intervals, shares and seed components: closed forms, oracles, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from avbench.statistics.bootstrap import bca, studentised
from avbench.statistics.intervals import mean
from avbench.statistics.proportions import Flags, difference, mcnemar, wilson
from avbench.statistics.seeds import components

FLOATS = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30)


@given(FLOATS)
def test_the_interval_of_a_mean_is_scipys(values: list[float]) -> None:
    got = mean(np.array(values))
    if got.error > 1e-9:
        want = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
        assert (got.interval.low, got.interval.high) == pytest.approx(want, rel=1e-9, abs=1e-9)
        assert got.error == pytest.approx(stats.sem(values))


def test_seeds_of_one_prompt_are_no_new_evidence() -> None:
    values = np.array([0.1, 0.4, 0.2, 0.9])
    once = mean(values)
    thrice = mean(np.repeat(values, 3), np.repeat(np.arange(4), 3))
    assert (thrice.n, thrice.clusters) == (12, 4)
    assert thrice.interval.low == pytest.approx(once.interval.low) and thrice.error == pytest.approx(once.error)


def test_one_prompt_has_an_interval_without_ends_and_none_is_an_error() -> None:
    assert mean(np.array([1.0, 2.0]), np.array([0, 0])).interval.high == math.inf
    with pytest.raises(ValueError, match="no values"):
        mean(np.array([]))


@pytest.mark.parametrize("interval", [bca, studentised])
def test_bootstrap_intervals(interval: object) -> None:
    assert callable(interval)
    values = np.random.default_rng(1).normal(2.0, 1.0, 80)
    got = interval(values)
    want = mean(values).interval
    assert got.low == pytest.approx(want.low, abs=0.03) and got.high == pytest.approx(want.high, abs=0.03)
    assert got == interval(values) != interval(values, seed=1)  # drawn from the seed, which does something
    moved = interval(10 + 3 * values)
    assert moved.low == pytest.approx(10 + 3 * got.low) and moved.high == pytest.approx(10 + 3 * got.high)
    flat = interval(np.full(5, 0.25))
    assert (flat.low, flat.high) == (0.25, 0.25)
    narrow = interval(values, level=0.8)
    assert got.low < narrow.low < narrow.high < got.high


def test_a_skewed_tail_pulls_the_studentised_interval_to_its_side() -> None:
    values = np.exp(np.random.default_rng(0).normal(size=40))
    got, plain = studentised(values), mean(values).interval
    assert got.high > plain.high and got.low > plain.low


def test_nearly_equal_values_get_the_t_interval() -> None:
    values = np.array([0.0] * 29 + [1e-6])
    assert studentised(values) == mean(values).interval


def test_wilson_by_hand() -> None:
    got = wilson(0, 10)
    assert got.low == pytest.approx(0, abs=1e-12) and got.high == pytest.approx(0.27753, abs=1e-5)  # z^2 / (n + z^2)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)
    for count, n, level in ((3, 17, 0.95), (17, 17, 0.9), (1, 200, 0.99)):
        want = stats.binomtest(count, n).proportion_ci(level, "wilson")
        got = wilson(count, n, level)
        assert (got.low, got.high) == pytest.approx((want.low, want.high), abs=1e-12)


def test_mcnemar_is_the_sign_test_of_the_pairs_that_differ() -> None:
    assert mcnemar(Flags(3, 0, 5, 2)) == pytest.approx(2 / 32)
    assert mcnemar(Flags(3, 0, 5, 2), "greater") == pytest.approx(1 / 32)
    assert mcnemar(Flags(9, 0, 0, 9)) == 1


def test_newcombes_published_example() -> None:
    """Newcombe 1998, Statistics in Medicine 17:2635, table II, method 10: e, f, g, h = 36, 12, 2, 0."""
    got = difference(Flags(both=36, first=2, second=12, neither=0))
    assert (got.low, got.high) == pytest.approx((0.0569, 0.3404), abs=5e-4)


@given(*[st.integers(0, 20)] * 4)
def test_the_difference_of_shares_lies_in_its_interval_and_turns_around(a: int, b: int, c: int, d: int) -> None:
    flags = Flags(a, b, c, d)
    got, back = difference(flags), difference(Flags(a, c, b, d))
    assert (got.low, got.high) == pytest.approx((-back.high, -back.low))
    if flags.n:
        assert got.low - 1e-12 <= (c - b) / flags.n <= got.high + 1e-12


def test_seed_components_are_found_again() -> None:
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(2000), 3)
    got = components(rng.normal(0, 2, 2000)[prompts] + rng.normal(0, 1, 6000), prompts)
    assert (got.between, got.within) == pytest.approx((4, 1), rel=0.08)
    assert got.variance_of_mean == pytest.approx((got.between + got.within / 3) / 2000)
    with pytest.raises(ValueError, match="2 seeds"):
        components(np.arange(3.0), np.arange(3))


def test_balanced_seed_components_give_the_clustered_error() -> None:
    values, prompts = np.random.default_rng(3).normal(size=(8, 4)).ravel(), np.repeat(np.arange(8), 4)
    values += 3 * np.random.default_rng(4).normal(size=8)[prompts]
    assert math.sqrt(components(values, prompts).variance_of_mean) == pytest.approx(mean(values, prompts).error)
