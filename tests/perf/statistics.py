"""Are the tests of a gate honest, and fast? Simulated type I error and power, and the seconds of one gate.

    python tests/perf/statistics.py [--runs 400] [--sets] [--speed]

Prints the share of runs without any difference in which each method answers "different" at 5 % (it should be 5 %,
give or take two standard errors of the simulation), the share in which it finds a difference of a given size, and
the seconds for 8 metrics x 600 prompts x 10,000 permutations with intervals. `--speed` prints those seconds alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from avbench.statistics.bootstrap import bca, studentised
from avbench.statistics.intervals import Interval, mean
from avbench.statistics.paired import effects, mde, sign_flip
from avbench.statistics.ranks import places
from avbench.statistics.sets import swap_permutation

Values = NDArray[np.float64]
Places = NDArray[np.int64]
ALPHA = 0.05


def normal(rng: np.random.Generator, n: int) -> Values:
    return rng.normal(size=n)


def heavy(rng: np.random.Generator, n: int) -> Values:
    return rng.standard_t(3, n)


def skewed(rng: np.random.Generator, n: int) -> Values:
    """Log-normal with mean zero: a difference of error rates, where a few prompts go very wrong."""
    return np.asarray(np.exp(rng.normal(size=n)) - np.exp(0.5))


def contains(interval: Callable[..., Interval]) -> Callable[[Values], bool]:
    return lambda values: 0.0 not in interval(values)


METHODS: dict[str, Callable[[Values], bool]] = {
    "Student t": lambda values: 0.0 not in mean(values).interval,
    "sign-flip": lambda values: sign_flip(values[:, None], resamples=1999).two_sided[0] < ALPHA,
    "BCa": contains(lambda values: bca(values, resamples=1999)),
    "studentised": contains(lambda values: studentised(values, resamples=1999)),
}


def type_one(runs: int) -> None:
    error = (ALPHA * (1 - ALPHA) / runs) ** 0.5
    print(f"Type I error at 5 %, {runs} runs, simulation error {error:.3f}")
    print("differences       n  " + "  ".join(f"{name:>11}" for name in METHODS))
    for draw in (normal, heavy, skewed):
        for n in (8, 20, 50, 150):
            rng = np.random.default_rng(n)
            samples = [draw(rng, n) for _ in range(runs)]
            rates = [np.mean([method(values) for values in samples]) for method in METHODS.values()]
            print(f"{draw.__name__:<12} {n:>6}  " + "  ".join(f"{rate:>11.3f}" for rate in rates), flush=True)


def power(runs: int) -> None:
    print("\nPower of the one-sided sign-flip test at the least detectable effect it prints (80 % is the promise)")
    for draw in (normal, heavy):
        for n in (20, 50, 150):
            rng = np.random.default_rng(n)
            size = mde(1.0 if draw is normal else 3.0**0.5, n)
            found = np.mean(
                [sign_flip((draw(rng, n) + size)[:, None], resamples=1999).greater[0] < ALPHA for _ in range(runs)]
            )
            print(f"{draw.__name__:<8} n={n:<4} effect {size:.2f}: {found:.2f}", flush=True)


def sets(runs: int) -> None:
    """The Frechet distance of the metrics, whose bias at small n cancels, and a corpus error rate with long clips."""
    reference = np.random.default_rng(0).normal(size=(4000, 16))
    frechet_to, moments = (getattr(import_module("avbench.metrics._distances"), n) for n in ("frechet_to", "Moments"))
    truth = moments.of(reference)

    def frechet(rng: np.random.Generator, shift: float) -> Callable[[Places], float]:
        sides = [rng.normal(size=(60, 16)) + by for by in (0.0, shift)]
        of: Callable[[Places], float] = frechet_to(truth, np.concatenate(sides))
        return of

    def rate(rng: np.random.Generator, shift: float) -> Callable[[Places], float]:
        words, hard = rng.integers(3, 20, 60), rng.beta(1, 4, 60)
        wrong = np.concatenate([rng.binomial(words, np.clip(hard + by, 0, 1)) for by in (0.0, shift)])
        asked = np.concatenate([words, words])
        return lambda places: float(wrong[places].sum() / asked[places].sum())

    print("\nPer-prompt swap, n=60, 199 swaps: share called different at 5 %, share of intervals that hold the truth")
    for name, draw, shifts in (("Frechet distance, d=16", frechet, (0.0, 0.25)), ("error rate", rate, (0.0, 0.05))):
        for shift in shifts:
            rng = np.random.default_rng(1)
            found = [swap_permutation(draw(rng, shift), np.arange(60), resamples=199).effect for _ in range(runs)]
            true = 0.0 if shift == 0 else float(np.mean([effect.mean for effect in found]))
            hits = np.mean([effect.p < ALPHA for effect in found])
            held = np.mean([true in effect.interval for effect in found])
            print(f"{name:<22} shift {shift:.2f}: {hits:.3f} called different, {held:.3f} held", flush=True)


def table(runs: int) -> None:
    print("\nLeaderboards of 5 equal models in which any two are told apart (Holm, 5 % is the promise)")
    for n in (8, 20, 50, 150):
        rng = np.random.default_rng(n)
        wrong = [any(p and p.best != p.worst - 4 for p in places(rng.normal(size=(n, 5)))) for _ in range(runs)]
        print(f"n={n:<4} {np.mean(wrong):.3f}", flush=True)


def speed() -> None:
    rng = np.random.default_rng(0)
    columns = [rng.normal(size=600) if i < 6 else np.exp(rng.normal(size=600)) for i in range(8)]
    effects(columns[:1], resamples=100)  # imports
    start, cpu = time.perf_counter(), time.process_time()
    sign_flip(np.stack(columns, axis=1))
    flipped = time.perf_counter()
    effects(columns)
    done = time.perf_counter()
    print("8 metrics x 600 prompts x 10,000: wall seconds (goal: at most 2)")
    print(f"  permutations {flipped - start:.2f}; with intervals {done - flipped:.2f}; ", end="")
    print(f"CPU of both {time.process_time() - cpu:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--sets", action="store_true", help="only the statistics of sets")
    parser.add_argument("--speed", action="store_true", help="only the seconds")
    given = parser.parse_args()
    if given.sets:
        sets(given.runs)
        return
    if not given.speed:
        type_one(given.runs)
        power(given.runs)
        sets(given.runs)
        table(given.runs)
        print()
    speed()


if __name__ == "__main__":
    main()
