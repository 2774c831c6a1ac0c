"""The arithmetic of validation against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from avbench.validation import figures

some = arrays(np.float64, st.integers(2, 12), elements=st.floats(-100, 100))


@given(some)
def test_what_is_the_same_is_told_apart_by_chance(values: np.ndarray) -> None:
    assert figures.ranking(values, values, 0.0).value == 0.5
    assert figures.auc(values, values, 0.0).value == pytest.approx(0.5)


@given(some, some)
def test_auc_is_mann_whitneys(clean: np.ndarray, spoilt: np.ndarray) -> None:
    count = min(len(clean), len(spoilt))
    clean, spoilt = clean[:count], spoilt[:count]
    wanted = stats.mannwhitneyu(spoilt, clean).statistic / count**2
    found = figures.auc(clean, spoilt, 0.0)
    assert found.value == pytest.approx(wanted)
    assert found.low <= found.value + 1e-9 and found.high >= found.value - 1e-9


@given(some)
def test_swapped_sides_swap_the_auc(values: np.ndarray) -> None:
    there = figures.auc(values, values[::-1] * 2 + 1, 0.5).value
    back = figures.auc(values[::-1] * 2 + 1, values, 0.5).value
    assert there + back == pytest.approx(1)


def test_a_difference_within_tolerance_is_a_tie() -> None:
    clean, spoilt = np.zeros(4), np.array([0.1, 0.1, 0.3, 0.3])
    assert figures.ranking(clean, spoilt, 0.2).value == 0.75
    assert figures.ranking(clean, np.full(4, np.inf), 0.2).value == 1.0


def test_clopper_and_pearsons_interval() -> None:
    """None of n: the upper end is 1 - (alpha / 2) ** (1 / n)."""
    assert figures.clopper_pearson(0, 12) == pytest.approx((0.0, 1 - 0.025 ** (1 / 12)))
    assert figures.clopper_pearson(12, 12) == pytest.approx((0.025 ** (1 / 12), 1.0))
    wanted = stats.binomtest(9, 12).proportion_ci(0.95, method="exact")
    assert figures.clopper_pearson(9, 12) == pytest.approx((wanted.low, wanted.high))


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=8, unique=True))
def test_rho_does_not_depend_on_the_scale(values: list[float]) -> None:
    strengths = np.arange(len(values), dtype=float)
    column = np.asarray(values)[:, None]
    found = figures.rho(strengths, np.hstack([column, column])).value
    assert found == pytest.approx(stats.spearmanr(strengths, values).statistic)
    assert figures.rho(strengths, -column).value == pytest.approx(-found)


def test_rho_of_curves() -> None:
    rising, flat = np.array([0.0, 1.0, 5.0]), np.ones(3)
    assert figures.rho(np.arange(3.0), np.column_stack([rising, flat])).value == pytest.approx(0.5)
    gap = np.array([0.0, np.nan, 5.0])
    assert figures.rho(np.arange(3.0), gap[:, None]).value == pytest.approx(1.0)
    assert np.isnan(figures.rho(np.arange(3.0), np.array([[1.0], [np.nan], [np.nan]])).value)


def test_smallest_strength_from_which_all_are_told() -> None:
    assert figures.smallest([1, 2, 3], [0.5, 1.0, 0.95]) == 2
    assert figures.smallest([1, 2, 3], [1.0, 0.5, 1.0]) == 3, "a hole below does not count"
    assert figures.smallest([1, 2, 3], [1.0, 1.0, 0.9]) is None
    assert figures.smallest([1, 1, 2, 2], [1.0, 0.9, 1.0, 1.0]) == 2, "both signs must be told"


def test_repeatability_is_the_scatter_within_clips() -> None:
    """Two repeats d apart have a standard deviation of d / sqrt(2)."""
    repeats = np.array([[0.0, 2.0], [10.0, 12.0], [np.nan, 5.0]])
    assert figures.repeatability(repeats) == pytest.approx(np.sqrt(2))
    assert figures.detectable(np.sqrt(2)) == pytest.approx(1.959964 * 2)
    assert np.isnan(figures.repeatability(np.full((2, 2), np.nan)))
