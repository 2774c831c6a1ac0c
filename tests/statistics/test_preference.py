"""Ratings from pairwise votes, against FastChat's, arena-rank's and float64 goldens."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from avbench.statistics.intervals import Interval
from avbench.statistics.preference import Unidentified, Votes, bootstrap, ranks, ratings, win_rates


def golden(shared: Path, name: str) -> Any:
    path = Path(os.environ.get("AVBENCH_GOLDEN", shared / "golden")) / "distribution" / name
    if not path.is_file():
        pytest.skip(f"no golden {path}")
    return json.loads(path.read_text())


@pytest.fixture
def study(shared: Path) -> Any:
    return golden(shared, f"{os.environ.get('AVBENCH_GOLDEN_SET', 'open')}_bradley_terry.json")


def rows(study: Any) -> list[Votes]:
    return [Votes(*row) for row in study["unique_rows"]]


def test_ratings_and_their_intervals(study: Any) -> None:
    found = ratings(rows(study))
    assert set(found) == set(study["exact_bt_elo"])
    for name, rating in found.items():
        assert rating.elo == pytest.approx(study["exact_bt_elo"][name], abs=0.01)
        assert rating.elo == pytest.approx(study["fastchat_bt"][name], abs=0.05)
        for expected in (study["sandwich_float64"][name], study["arena_rank_sandwich"][name]):
            assert rating.interval.low == pytest.approx(expected["lower"], abs=0.01)
            assert rating.interval.high == pytest.approx(expected["upper"], abs=0.01)


def test_bootstrap_and_ranks(study: Any) -> None:
    found = bootstrap(rows(study))
    for name, interval in found.items():
        for kind, tolerance in (("exact_bootstrap", 0.01), ("fastchat_bootstrap", 0.05)):
            assert interval.low == pytest.approx(study[kind][name]["q025"], abs=tolerance)
            assert interval.high == pytest.approx(study[kind][name]["q975"], abs=tolerance)
    assert ranks(found) == study["ranking_by_ci"]


@pytest.mark.parametrize("file", ["{}_bradley_terry.json", "open_zero_win_bradley_terry.json"])
def test_shares_of_wins(shared: Path, file: str) -> None:
    study = golden(shared, file.format(os.environ.get("AVBENCH_GOLDEN_SET", "open")))
    outcome = {"model_a": 1.0, "model_b": 0.0}  # every kind of tie is 0.5
    found = win_rates([Votes(a, b, outcome.get(who, 0.5), n) for a, b, who, n in study["votes"]])
    assert set(found) == set(study["win_rates"])
    for name, rate in found.items():
        expected = study["win_rates"][name]
        assert (rate.n, rate.wins, rate.ties, rate.losses) == tuple(
            expected[key] for key in ("n", "wins", "ties", "losses")
        )
        assert rate.share == pytest.approx(expected["rate_ties_half"])
        assert [rate.interval().low, rate.interval().high] == pytest.approx(expected["wilson95"], abs=1e-6)


def test_a_model_that_never_wins_has_no_rating(shared: Path) -> None:
    """Where FastChat stops at -743 and arena-rank at -1540 within 0.004."""
    study = golden(shared, "open_zero_win_bradley_terry.json")
    assert study["exact_bt_elo"] is None
    with pytest.raises(Unidentified, match="weak"):
        ratings(rows(study))
    rest = ratings([row for row in rows(study) if "weak" not in (row.first, row.second)])
    assert set(rest) == {"x", "y", "z"}


def test_a_known_ratio() -> None:
    """Nine wins of ten are odds of 9: 400 log10(9) apart; who comes first in a pair does not matter."""
    found = ratings([Votes("a", "b", 1.0, 9), Votes("b", "a", 1.0, 1)])
    assert found["a"].elo - found["b"].elo == pytest.approx(381.697, abs=1e-3)
    assert found["a"].elo + found["b"].elo == pytest.approx(2000)
    assert ranks({"a": Interval(2, 3), "b": Interval(0, 1), "c": Interval(0.5, 2.5)}) == {"a": 1, "b": 2, "c": 1}
