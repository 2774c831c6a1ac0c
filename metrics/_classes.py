"""What a classifier's logits say of a set: Kullback-Leibler divergences of pairs and the inception score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

Logits = NDArray[np.floating]  # (n, classes)
SPLITS = 10
_SEED = 2020  # torch-fidelity's, which av-benchmark keeps
_TINY = 1e-6  # what AudioLDM and Verse-Bench add before the logarithm


@dataclass(frozen=True, slots=True)
class InceptionScore:
    """Mean and population deviation over the splits; at most the size of a split, so it compares only at equal n."""

    mean: float
    deviation: float


def kl_softmax(truth: Logits, made: Logits) -> NDArray[np.float64]:
    """(n,) KL(truth || made) of the distributions over classes, as av-benchmark's."""
    p, q = (log_softmax(x.astype(np.float64), axis=-1) for x in (truth, made))
    return np.asarray((np.exp(p) * (p - q)).sum(axis=-1))


def kl_sigmoid(truth: Logits, made: Logits) -> NDArray[np.float64]:
    """(n,) the same sum over classes that are each true or not; no true divergence, may be below zero."""
    p, q = (-np.logaddexp(0, -x.astype(np.float64)) for x in (truth, made))
    return np.asarray((np.exp(p) * (p - q)).sum(axis=-1))


def kl_softmax_padded(truth: Logits, made: Logits) -> NDArray[np.float64]:
    """(n,) KL with 1e-6 added to what was made, as AudioLDM and Verse-Bench."""
    return _padded(*(softmax(x.astype(np.float64), axis=-1) for x in (truth, made)))


def kl_sigmoid_padded(truth: Logits, made: Logits) -> NDArray[np.float64]:
    """(n,) AudioLDM's sum over classes that are each true or not, with 1e-6 added to what was made."""
    return _padded(*(np.exp(-np.logaddexp(0, -x.astype(np.float64))) for x in (truth, made)))


def inception_score(logits: Logits, splits: int = SPLITS) -> InceptionScore:
    """exp of the mean KL between a sample's classes and those of its split, over `splits` of a fixed shuffle.

    It depends on the order of the samples: av-benchmark sorts them by name. Raises ValueError for fewer than splits.
    """
    n = len(logits)
    if n < splits:
        raise ValueError(f"{n} samples: at least {splits} needed, one a split")
    order = np.random.RandomState(_SEED).permutation(n)
    found = []
    for i in range(splits):
        p = softmax(logits[order[i * n // splits : (i + 1) * n // splits]].astype(np.float64), axis=-1)
        q = p.mean(axis=0, keepdims=True)
        found.append(np.exp((p * (np.log(p) - np.log(q))).sum(axis=-1).mean()))
    return InceptionScore(float(np.mean(found)), float(np.std(found)))


def _padded(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((p * (np.log(p) - np.log(q + _TINY))).sum(axis=-1))
