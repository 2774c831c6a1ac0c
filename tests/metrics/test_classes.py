"""KL divergences and the inception score against av-benchmark's, AudioLDM's and Verse-Bench's numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.metrics import _classes as classes


@pytest.fixture(scope="module")
def expected(golden: Callable[[str], Path]) -> dict[str, Any]:
    with np.load(golden("av_semantics/{}_pure.npz")) as stored:
        return dict(stored)


def test_kl(expected: dict[str, Any], pure: Callable[..., Any]) -> None:
    made, truth = (3 * pure(f"kl/{side}", 7, 527) for side in ("pred", "gt"))
    other = truth[::-1]
    assert classes.kl_softmax(truth, made).mean() == pytest.approx(float(expected["kl/softmax"]), rel=1e-5)
    assert classes.kl_sigmoid(truth, made).mean() == pytest.approx(float(expected["kl/sigmoid"]), rel=1e-5)
    padded, sigmoid = classes.kl_softmax_padded(other, made), classes.kl_sigmoid_padded(other, made)
    assert padded.mean() == pytest.approx(float(expected["kl/audioldm_softmax_gt_reversed_names"]), rel=1e-5)
    assert sigmoid.mean() == pytest.approx(float(expected["kl/audioldm_sigmoid_gt_reversed_names"]), rel=1e-5)
    np.testing.assert_allclose(classes.kl_softmax_padded(truth, made), expected["kl/verse_bench_each"], rtol=1e-5)


def test_inception_score(expected: dict[str, Any], pure: Callable[..., Any]) -> None:
    hundred, few = 2 * pure("is/100", 100, 527), 2 * pure("is/37", 37, 527)
    for logits, splits, key in ((hundred, 10, "is/100"), (few, 10, "is/37"), (few[:6], 1, "is/6_one_split")):
        found = classes.inception_score(logits, splits)
        np.testing.assert_allclose([found.mean, found.deviation], expected[key], rtol=1e-6, atol=1e-9)


def test_closed_forms() -> None:
    logits = np.log(np.array([[0.5, 0.5], [0.9, 0.1]]))
    assert classes.kl_softmax(logits[:1], logits[1:])[0] == pytest.approx(0.5 * np.log(0.25 / 0.09))
    assert classes.kl_softmax(logits, logits) == pytest.approx([0, 0])
    sure = np.repeat(50 * np.eye(4), 5, axis=0)
    assert classes.inception_score(sure, splits=1).mean == pytest.approx(4, rel=1e-6)
    with pytest.raises(ValueError, match="at least 10"):
        classes.inception_score(sure[:9])
