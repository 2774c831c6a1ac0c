"""Metrics of sets: what clips leave, and what is made of it, with and without a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.metrics import _sets
from avbench.metrics._backbones import tags
from avbench.metrics._classes import inception_score, kl_softmax
from avbench.metrics._distances import Moments, frechet, kernel
from avbench.metrics.fad_vggish import FadVggish
from avbench.metrics.fvd_i3d import FvdI3d
from avbench.metrics.tags_panns import TagsPanns
from avbench.parts import Material, Materials, SetMetric
from avbench.records import Status


class Held(Materials):
    """Materials in memory, of the prompts p0, p1, …"""

    def __init__(self, arrays: Sequence[Mapping[str, NDArray[Any]]]) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays)

    def __iter__(self) -> Iterator[Material]:
        return (Material("s", f"p{i}", 0, arrays) for i, arrays in enumerate(self.arrays))


def _held(features: NDArray[np.float64], **more: NDArray[np.float64]) -> Held:
    return Held(
        [{"features": row, **{name: value[i] for name, value in more.items()}} for i, row in enumerate(features)]
    )


@pytest.fixture
def sides() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 5)), rng.normal(0.5, 1.2, size=(21, 5))


def test_a_distance_is_that_of_all_clips_with_the_references_own_noise(sides: Any, monkeypatch: Any) -> None:
    made, real = sides
    monkeypatch.setattr(_sets, "_ROWS", 4)  # many blocks
    found = FadVggish().pool(_held(made), _held(real))
    assert found["fad_vggish"].value == pytest.approx(frechet(Moments.of(made), Moments.of(real)))
    floor = frechet(Moments.of(real[::2]), Moments.of(real[1::2]))
    assert found["fad_vggish_floor"].value == pytest.approx(floor)
    assert (found["fad_vggish"].n, found["fad_vggish_floor"].n) == (30, 21)
    assert "30 samples of 5 numbers: mostly bias" in found["fad_vggish"].reason


def test_every_part_of_a_clip_is_a_sample(sides: Any) -> None:
    made, real = sides
    parts = Held([{"features": made[:10]}, {"features": made[10:]}])
    found = FadVggish().pool(parts, _held(real))["fad_vggish"]
    assert found.value == pytest.approx(frechet(Moments.of(made), Moments.of(real)))
    assert found.n == 2


def test_video_has_a_kernel_distance_beside(sides: Any) -> None:
    made, real = sides
    assert FvdI3d().pool(_held(made), _held(real))["kvd"].value == pytest.approx(kernel(made, real))


def test_without_reference_or_clips_enough_there_is_a_reason_and_no_number(sides: Any) -> None:
    made, real = sides
    with pytest.raises(Unscored, match="--reference"):
        FadVggish().pool(_held(made), None)
    with pytest.raises(Unscored, match="left nothing"):
        FadVggish().pool(_held(made), Held([]))
    with pytest.raises(Unscored, match="too_few"):
        FadVggish().pool(_held(made[:1]), _held(real))
    floor = FadVggish().pool(_held(made), _held(real[:3]))["fad_vggish_floor"]
    assert (floor.value, floor.status) == (None, Status.UNSCORED)


def test_tags_pair_clips_by_prompt(sides: Any) -> None:
    made, real = sides
    rng = np.random.default_rng(1)
    logits, truth = rng.normal(size=(30, 527)), rng.normal(size=(21, 527))
    found = TagsPanns().pool(_held(made, logits=logits), _held(real, logits=truth))
    assert set(found) == {column.name for column in TagsPanns.set_columns}
    assert found["kl_panns"].value == pytest.approx(float(kl_softmax(truth, logits[:21]).mean()))
    assert found["kl_panns"].n == 21
    assert found["is_panns"].value == pytest.approx(inception_score(logits).mean)
    alone = TagsPanns().pool(_held(made, logits=logits), None)
    assert alone["is_panns"] == found["is_panns"]
    assert all("--reference" in alone[name].reason for name in alone if name != "is_panns")
    few = TagsPanns().pool(_held(made[:5], logits=logits[:5]), None)["is_panns"]
    assert (few.value, few.status) == (None, Status.UNSCORED) and "at least 10" in few.reason


def test_what_taggers_hear_comes_back_from_the_cache() -> None:
    heard = tags.Heard(np.arange(3, dtype=np.float32), np.arange(5, dtype=np.float32))
    again = tags.PannsTags().unpack(tags.PannsTags().pack(heard))
    np.testing.assert_array_equal(again.features, heard.features)
    np.testing.assert_array_equal(again.logits, heard.logits)


def _statistics(metric: SetMetric, arrays: Sequence[Mapping[str, NDArray[Any]]], reference: Held | None) -> Any:
    materials = list(Held(arrays))
    return metric.statistics(materials, reference), SetMetric.statistics(metric, materials, reference)


@given(st.integers(0, 99), st.integers(2, 9), st.booleans())
def test_a_statistic_of_any_clips_is_what_pooling_them_gives(seed: int, width: int, parts: bool) -> None:
    rng = np.random.default_rng(seed)
    arrays = [{"features": rng.normal(size=(1 + i % 3, width) if parts else width)} for i in range(14)]
    places = rng.choice(14, 7, replace=False)
    truth = _held(rng.normal(0.5, 1.2, size=(11, width)))
    for metric in (FadVggish(), FvdI3d()):
        fast, plain = _statistics(metric, arrays, truth)
        for column, statistic in fast.items():
            assert statistic.of(places) == pytest.approx(plain[column].of(places), rel=1e-6, abs=1e-6)
    assert set(fast) == {"fvd_i3d", "kvd"}


def test_the_tagger_compares_sets_by_distance_divergence_and_inception(sides: Any) -> None:
    made, real = sides
    rng = np.random.default_rng(1)
    arrays = [{"features": row, "logits": rng.normal(size=6)} for row in made]
    truth = _held(real, logits=rng.normal(size=(21, 6)))
    fast, plain = _statistics(TagsPanns(), arrays, truth)
    places = np.arange(0, 30, 2)
    for column in ("fd_panns", "kl_panns", "kl_panns_sigmoid", "is_panns"):
        assert fast[column].of(places) == pytest.approx(plain[column].of(places)), column
    assert set(TagsPanns().statistics(list(Held(arrays)), None)) == {"is_panns"}
    with pytest.raises(NotApplicable, match="no reference clip is of a prompt"):
        fast["kl_panns"].of(np.arange(21, 30))


def test_a_frechet_distance_of_few_samples_is_doubted(sides: Any) -> None:
    made, real = sides
    (few,) = FadVggish().statistics(list(Held([{"features": row} for row in made[:18]])), _held(real)).values()
    (enough,) = FadVggish().statistics(list(Held([{"features": row} for row in made[:20]])), _held(real)).values()
    assert "9 samples of 5 numbers a set, a Fréchet distance needs 10" in few.doubt and enough.doubt == ""
    with pytest.raises(Unscored, match="give --reference"):
        FadVggish().statistics(list(Held([{"features": row} for row in made])), None)
