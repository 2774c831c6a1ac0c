"""How far apart two sets of features are: Frechet and kernel distances, and the sample sizes that they need.

Everything is float64. A Frechet distance falls with the number of samples: it is never read without n, d and the
`noise_floor` of its reference. Kernel distances have no such bias.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.floating]  # (n, d)
Matrix = NDArray[np.float64]

FEW = 256  # below this many samples a Frechet distance is mostly bias: common_metrics asks for as many, FID for 2048
_BLOCK = 4096  # rows of a kernel matrix held at once


@dataclass(frozen=True, slots=True)
class Moments:
    """What a Frechet distance needs of a set, of a size that does not grow with it: sums of any two can be added.

    `scatter` (d, d) is the sum of the outer products of the samples less their `mean` (d,).
    """

    n: int
    mean: Matrix
    scatter: Matrix

    @classmethod
    def of(cls, features: Features) -> Moments:
        """Of (n, d) features. Raises ValueError for none, or for numbers that are not finite."""
        x = np.asarray(features, np.float64)
        if x.ndim != 2 or not len(x):
            raise ValueError(f"features of shape {x.shape}: (n, d) with n > 0 needed")
        if not np.isfinite(x).all():
            raise ValueError("features hold numbers that are not finite")
        mean = x.mean(axis=0)
        return cls(len(x), mean, (x - mean).T @ (x - mean))

    def __add__(self, other: Moments) -> Moments:
        """Of both sets together (Chan et al. 1979)."""
        n, step = self.n + other.n, other.mean - self.mean
        scatter = self.scatter + other.scatter + np.outer(step, step) * (self.n * other.n / n)
        return Moments(n, self.mean + step * (other.n / n), scatter)

    def covariance(self, ddof: int = 1) -> Matrix:
        """Divided by n - ddof. Raises ValueError for a single sample."""
        if self.n < 2:
            raise ValueError("1 sample has no covariance: at least 2 needed")
        return self.scatter / (self.n - ddof)


def frechet(a: Moments, b: Moments, ddof: int = 1) -> float:
    """|mu_a - mu_b|^2 + tr C_a + tr C_b - 2 tr (C_a C_b)^1/2; 0 for equal sets, within rounding.

    The root is that of the symmetric C_a^1/2 C_b C_a^1/2, which has the same trace and no imaginary part. StyleGAN-V's
    covariances have `ddof` 0. Raises ValueError for less than two samples a side.
    """
    one, other = a.covariance(ddof), b.covariance(ddof)
    root = _root(one)
    product = root @ other @ root
    trace = np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(min=0)).sum()
    step = a.mean - b.mean
    return float(step @ step + np.trace(one) + np.trace(other) - 2 * trace)


def frechet_to(truth: Moments, features: Features) -> Callable[[NDArray[np.int64]], float]:
    """Places (n,) among the rows of `features` to `frechet` of those rows and `truth`, with one root of (d, d) in all.

    The trace of (C_a C_b)^1/2 is the nuclear norm of a's rows times C_b^1/2, which their smaller Gram matrix tells.
    Raises ValueError for a single sample of `truth`.
    """
    covariance = truth.covariance()
    moved = np.asarray(features, np.float64) - truth.mean
    turned, total = moved @ _root(covariance), float(np.trace(covariance))

    def distance(places: NDArray[np.int64]) -> float:
        rows, n = moved[places], len(places)
        if n < 2:
            raise ValueError("1 sample has no covariance: at least 2 needed")
        step = rows.mean(axis=0)
        spread = float(np.square(rows).sum() - n * step @ step) / (n - 1)
        centred_rows = turned[places] - turned[places].mean(axis=0)
        wide = n < centred_rows.shape[1]
        gram = centred_rows @ centred_rows.T if wide else centred_rows.T @ centred_rows
        trace = np.sqrt(np.linalg.eigvalsh(gram).clip(min=0) / (n - 1)).sum()
        return float(step @ step + spread + total - 2 * trace)

    return distance


def kernel_to(truth: Features, features: Features) -> Callable[[NDArray[np.int64]], float]:
    """Places (n,) among the rows of `features` to `kernel` of those rows and `truth`, the kernel evaluated once."""
    x, y = np.asarray(features, np.float64), np.asarray(truth, np.float64)
    if len(y) < 2:
        raise ValueError("1 sample of the reference: at least 2 needed")
    table = (x @ x.T / x.shape[1] + 1) ** 3
    across = np.array([_total(row[None], y) / len(y) for row in x])
    constant = (_total(y, y) - _diagonal(y)) / (len(y) * (len(y) - 1))
    own = table.diagonal()

    def distance(places: NDArray[np.int64]) -> float:
        n = len(places)
        if n < 2:
            raise ValueError("1 sample: at least 2 a side needed")
        within = (table[np.ix_(places, places)].sum() - own[places].sum()) / (n * (n - 1))
        return float(within + constant - 2 * across[places].mean())

    return distance


def noise_floor(reference: Features, seed: int = 0) -> float:
    """The Frechet distance of two random halves of a set: what no difference at all looks like at half its size.

    Raises ValueError for less than four samples.
    """
    if len(reference) < 4:
        raise ValueError(f"{len(reference)} samples have no halves to compare: at least 4 needed")
    order = np.random.default_rng(seed).permutation(len(reference))
    half = len(reference) // 2
    return frechet(Moments.of(reference[order[:half]]), Moments.of(reference[order[half : 2 * half]]))


def frechet_infinity(
    features: Features, reference: Moments, smallest: int = 500, sizes: int = 25, seed: int = 0
) -> float:
    """The Frechet distance to `reference` that infinitely many samples would have (Chong and Forsyth 2020; fadtk).

    Subsets of `smallest` to n samples, drawn with replacement; a line through their distances against 1/n meets 0.
    Raises ValueError when there are not more than `smallest`.
    """
    if len(features) <= smallest:
        raise ValueError(f"{len(features)} samples: more than {smallest} needed to extrapolate")
    rng = np.random.default_rng(seed)
    counts = np.linspace(smallest, len(features), sizes).astype(int)
    of = frechet_to(reference, features)
    distances = [of(rng.choice(len(features), size=int(n), replace=True)) for n in counts]
    return float(np.polyfit(1 / counts, distances, 1)[1])


def kernel(a: Features, b: Features) -> float:
    """The unbiased squared maximum mean discrepancy under (x.y / d + 1)^3, as KVD and KID; may be below zero.

    Raises ValueError for less than two samples a side.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    m, n = len(x), len(y)
    if min(m, n) < 2:
        raise ValueError(f"{m} and {n} samples: at least 2 a side needed")
    within = (_total(x, x) - _diagonal(x)) / (m * (m - 1)) + (_total(y, y) - _diagonal(y)) / (n * (n - 1))
    return within - 2 * _total(x, y) / (m * n)


def kernel_of_subsets(
    a: Features, b: Features, subsets: int = 100, size: int = 1000, seed: int = 2020
) -> tuple[float, float]:
    """Mean and standard deviation of `kernel` over random subsets of at most `size`: torch-fidelity's KID."""
    rng = np.random.RandomState(seed)
    size = min(size, len(a), len(b))
    found = [
        kernel(a[rng.choice(len(a), size, replace=False)], b[rng.choice(len(b), size, replace=False)])
        for _ in range(subsets)
    ]
    return float(np.mean(found)), float(np.std(found))


def gaussian(a: Features, b: Features, sigma: float = 10.0, scale: float = 1000.0) -> float:
    """The squared maximum mean discrepancy under exp(-|x - y|^2 / 2 sigma^2), times `scale`: CMMD's, never below zero.

    The estimate is the biased one, samples beside themselves (Jayasumana et al. 2024). Raises ValueError for none.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if not (len(x) and len(y)):
        raise ValueError("no samples on one side")

    def mean(p: Matrix, q: Matrix) -> float:
        squares = np.square(q).sum(axis=1)
        parts = (p[start : start + _BLOCK] for start in range(0, len(p), _BLOCK))
        apart = (np.square(part).sum(axis=1)[:, None] + squares - 2 * part @ q.T for part in parts)
        return float(sum(np.exp(-block / (2 * sigma**2)).sum() for block in apart)) / (len(p) * len(q))

    return scale * (mean(x, x) + mean(y, y) - 2 * mean(x, y))


def centred(features: Features) -> Matrix:
    """Less their mean: what JavisBench's KVD is taken of, since its FVD centres the features in place."""
    x = np.asarray(features, np.float64)
    return np.asarray(x - x.mean(axis=0))


def _root(covariance: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)


def _total(x: Matrix, y: Matrix) -> float:
    """The sum of the kernel over all pairs."""
    rows = (x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK))
    return float(sum(((part @ y.T / x.shape[1] + 1) ** 3).sum() for part in rows))


def _diagonal(x: Matrix) -> float:
    return float((((x * x).sum(axis=1) / x.shape[1] + 1) ** 3).sum())
