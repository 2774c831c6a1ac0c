"""Frechet and kernel distances against eight implementations' numbers, closed forms and properties."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avbench.metrics import _distances as distances
from avbench.metrics._distances import Moments

FLOAT64 = ("pytorch_fid", "clean_fid", "torch_fidelity", "fadtk", "gudgud96_fad", "common_metrics_styleganv")
TIGHT = 1e-6


@pytest.fixture(scope="module")
def cases(golden: Callable[[str], Path], golden_inputs: Any) -> list[tuple[dict[str, Any], Any, Any]]:
    """What the references say, and the features of both sides."""
    found = []
    for name, case in json.loads(golden("distribution/{}_distances.json").read_text())["cases"].items():
        sides = [
            golden_inputs.feats(f"dist/{name}/{s}", *(case[k] for k in (f"n_{s}", "d", f"scale_{s}", f"shift_{s}")))
            for s in ("fake", "real")
        ]
        found.append((case, sides[0], sides[0] if name.endswith("_same") else sides[1]))
    return found


def test_frechet_is_that_of_the_references(cases: list[Any]) -> None:
    for case, fake, real in cases:
        a, b = Moments.of(fake), Moments.of(real)
        for name in FLOAT64:
            assert distances.frechet(a, b) == pytest.approx(case[name], rel=TIGHT, abs=TIGHT), name
        assert distances.frechet(a, b, ddof=0) == pytest.approx(case["styleganv_1_over_n"], rel=TIGHT, abs=TIGHT)
        assert distances.frechet(a, b) == pytest.approx(case["videogpt_svd_float32"], rel=1e-3, abs=1e-3)


def test_kernel_distance_is_that_of_the_references(cases: list[Any]) -> None:
    for case, fake, real in cases:
        assert distances.kernel(fake, real) == pytest.approx(case["kvd_float64"], rel=1e-6, abs=1e-9)
        if one := case.get("kid_torch_fidelity_one_full_subset"):
            mean, deviation = distances.kernel_of_subsets(fake, real, subsets=1, size=len(fake))
            assert mean == pytest.approx(one["kernel_inception_distance_mean"], rel=1e-5)
            assert deviation == 0


def test_javisbench_as_shipped_and_as_intended(cases: list[Any]) -> None:
    for case, fake, real in cases:
        n = min(len(fake), len(real))
        fake, real = fake[:n], real[:n]
        for said in ("javisbench_shipped", "javisbench_intended"):
            fvd = distances.frechet(Moments.of(fake), Moments.of(real))
            assert fvd == pytest.approx(case[said]["fvd"], rel=1e-3, abs=1e-3)
            assert 1e4 * fvd == pytest.approx(case[said]["fad"], rel=1e-3, abs=10)
        centred = distances.kernel(distances.centred(fake), distances.centred(real))
        assert centred == pytest.approx(case["javisbench_shipped"]["kvd"], rel=1e-3, abs=1e-5)
        assert distances.kernel(fake, real) == pytest.approx(case["javisbench_intended"]["kvd"], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("case", ["full_rank", "more_dims_than_samples", "two_samples", "identical"])
def test_av_benchmark(golden: Callable[[str], Path], pure: Callable[..., Any], case: str) -> None:
    sizes = {"full_rank": (60, 50, 8), "more_dims_than_samples": (12, 15, 32), "two_samples": (2, 2, 4)}
    n, m, d = sizes.get(case, sizes["two_samples"])
    source = "two_samples" if case == "identical" else case
    made = pure(f"fd/{source}/pred", n, d)
    truth = (pure(f"fd/{source}/gt", m, d) * np.linspace(0.5, 2, d) + 0.3).astype(np.float32)
    with np.load(golden("av_semantics/{}_pure.npz")) as stored:
        expected = float(stored[f"fd/{case}"])
    found = distances.frechet(Moments.of(made), Moments.of(made if case == "identical" else truth))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(st.integers(2, 30), st.integers(1, 29), st.integers(1, 5), st.integers(0, 9))
def test_moments_of_parts_are_those_of_the_whole(n: int, cut: int, d: int, seed: int) -> None:
    x = 1e3 + np.random.default_rng(seed).normal(size=(n, d))
    cut = min(cut, n - 1)
    parts = Moments.of(x[:cut]) + Moments.of(x[cut:])
    whole = Moments.of(x)
    assert parts.n == whole.n
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(parts.scatter, whole.scatter, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(whole.covariance(), np.cov(x, rowvar=False).reshape(d, d), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [12, 40])
def test_infinity_takes_the_shorter_way_to_the_same_distances(n: int) -> None:
    """Of fewer samples than numbers, and of more, the line goes through what `frechet` says."""
    rng = np.random.default_rng(2)
    x, reference = rng.normal(size=(n + 1, 20)).astype(np.float32), Moments.of(rng.normal(size=(60, 20)))
    draws = np.random.default_rng(0)
    counts = np.linspace(n, n + 1, 25).astype(int)
    exact = [distances.frechet(Moments.of(x[draws.choice(n + 1, size=int(k))]), reference) for k in counts]
    wanted = float(np.polyfit(1 / counts, exact, 1)[1])
    assert distances.frechet_infinity(x, reference, smallest=n) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_shifted_sets_are_their_shift_apart() -> None:
    x = np.random.default_rng(0).normal(size=(50, 6))
    shift = np.arange(6.0)
    a, b = Moments.of(x), Moments.of(x + shift)
    assert distances.frechet(a, b) == pytest.approx(float(shift @ shift))
    assert distances.frechet(a, b) == pytest.approx(distances.frechet(b, a))
    assert distances.kernel(x, x + shift) > 0


def test_more_samples_come_nearer_and_infinity_takes_bias_away() -> None:
    rng = np.random.default_rng(1)
    reference = Moments.of(rng.normal(size=(20_000, 20)))
    few, many = (distances.frechet(Moments.of(rng.normal(size=(n, 20))), reference) for n in (100, 2000))
    assert few > 5 * many > 0
    made = rng.normal(size=(2000, 20))
    infinity = distances.frechet_infinity(made, reference, smallest=200)
    assert abs(infinity) < distances.frechet(Moments.of(made), reference) < distances.noise_floor(made)


def test_too_few_samples_are_refused() -> None:
    one, three = np.zeros((1, 3)), np.zeros((3, 3))
    with pytest.raises(ValueError, match="at least 2"):
        distances.frechet(Moments.of(one), Moments.of(three))
    with pytest.raises(ValueError, match="at least 2"):
        distances.kernel(one, three)
    with pytest.raises(ValueError, match="at least 4"):
        distances.noise_floor(three)
    with pytest.raises(ValueError, match="more than 500"):
        distances.frechet_infinity(three, Moments.of(three))
    with pytest.raises(ValueError, match="not finite"):
        Moments.of(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="n > 0"):
        Moments.of(np.zeros((0, 2)))
