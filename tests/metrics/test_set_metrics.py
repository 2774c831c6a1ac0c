"""Metrics of sets: what clips leave, and what is made of it, with and without a reference."""

from __future__ import annotations

import json
import tracemalloc
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
from avbench.metrics._distances import Moments, centred, frechet, kernel, kernel_of_subsets
from avbench.metrics.clap_pair_distance import ClapPairDistance, pair_distance
from avbench.metrics.cmmd import Cmmd
from avbench.metrics.fad_vggish import FadVggish
from avbench.metrics.fvd_i3d import FvdI3d
from avbench.metrics.fvd_javis import FvdJavis
from avbench.metrics.tags_panns import TagsPanns
from avbench.parts import Metric
from avbench.records import SetScore, Status
from avbench.registry import load
from avbench.set_metric import Material, Materials, SetMetric, Summary


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


def _named(name: str) -> SetMetric:
    metric = load(Metric, name)()
    assert isinstance(metric, SetMetric)
    return metric


def _pooled(metric: SetMetric, made: Materials, real: Materials) -> Mapping[str, SetScore]:
    return metric.pool(made, metric.summarise(real))


@pytest.fixture
def sides() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 5)), rng.normal(0.5, 1.2, size=(21, 5))


def test_a_distance_is_that_of_all_clips_with_the_references_own_noise(sides: Any, monkeypatch: Any) -> None:
    made, real = sides
    monkeypatch.setattr(_sets, "_BLOCK", 4)  # many blocks
    found = _pooled(FadVggish(), _held(made), _held(real))
    assert found["fad_vggish"].value == pytest.approx(frechet(Moments.of(made), Moments.of(real)))
    half = np.random.default_rng(0).permutation(len(real)) % 2
    floor = frechet(Moments.of(real[half == 0]), Moments.of(real[half == 1]))
    assert found["fad_vggish_floor"].value == pytest.approx(floor)
    assert (found["fad_vggish"].n, found["fad_vggish_floor"].n) == (30, 21)
    reason = found["fad_vggish"].reason
    assert reason == f"n 30, reference 21, d 5, floor {floor:.4g}; mostly bias under 256 samples"
    assert found["fad_vggish_inf"].reason == "too_few: 30 samples: more than 500 needed to extrapolate"


def test_every_part_of_a_clip_is_a_sample(sides: Any) -> None:
    made, real = sides
    parts = Held([{"features": made[:10]}, {"features": made[10:]}])
    found = _pooled(FadVggish(), parts, _held(real))["fad_vggish"]
    assert found.value == pytest.approx(frechet(Moments.of(made), Moments.of(real)))
    assert found.n == 2


def test_video_has_a_kernel_distance_beside(sides: Any) -> None:
    made, real = sides
    found = _pooled(FvdI3d(), _held(made), _held(real))["kvd"]
    assert found.value == pytest.approx(kernel(made, real)) and found.reason == "n 30, reference 21, d 5"


def test_without_reference_or_clips_enough_there_is_a_reason_and_no_number(sides: Any) -> None:
    made, real = sides
    with pytest.raises(Unscored, match="--reference"):
        FadVggish().pool(_held(made), None)
    with pytest.raises(Unscored, match="left none"):
        FadVggish().pool(_held(made), Summary({}))
    with pytest.raises(Unscored, match="too_few"):
        _pooled(FadVggish(), _held(made[:1]), _held(real))
    floor = _pooled(FadVggish(), _held(made), _held(real[:3]))["fad_vggish_floor"]
    assert (floor.value, floor.status) == (None, Status.UNSCORED)


def test_tags_pair_clips_by_prompt(sides: Any) -> None:
    made, real = sides
    rng = np.random.default_rng(1)
    logits, truth = rng.normal(size=(30, 527)), rng.normal(size=(21, 527))
    found = _pooled(TagsPanns(), _held(made, logits=logits), _held(real, logits=truth))
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
    materials, truth = list(Held(arrays)), metric.summarise(reference) if reference else None
    return metric.statistics(materials, truth), SetMetric.statistics(metric, materials, truth)


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
    truth = FadVggish().summarise(_held(real))
    (few,) = FadVggish().statistics(list(Held([{"features": row} for row in made[:18]])), truth).values()
    (enough,) = FadVggish().statistics(list(Held([{"features": row} for row in made[:20]])), truth).values()
    assert "9 samples of 5 numbers a set, a Fréchet distance needs 10" in few.doubt and enough.doubt == ""
    with pytest.raises(Unscored, match="give --reference"):
        FadVggish().statistics(list(Held([{"features": row} for row in made])), None)


def test_frames_have_a_kernel_distance_of_subsets_beside(sides: Any) -> None:
    made, real = sides
    found = _pooled(_named("fid_clean"), _held(made), _held(real))
    assert set(found) == {"fid_clean", "fid_clean_inf", "fid_clean_floor", "kid_clean"}
    mean, deviation = kernel_of_subsets(made, real)
    assert found["kid_clean"].value == pytest.approx(mean)
    assert found["kid_clean"].reason == f"n 30, reference 21, d 5; 100 subsets of 21, sd {deviation:.2g}"
    assert "mostly bias under 2048 samples" in found["fid_clean"].reason


def test_stylegan_divides_by_n(sides: Any) -> None:
    made, real = sides
    found = _pooled(FvdI3d(), _held(made), _held(real))["fvd_i3d_ddof0"]
    assert found.value == pytest.approx(frechet(Moments.of(made), Moments.of(real), ddof=0))


def test_javisbench_takes_the_first_clips_of_both(sides: Any) -> None:
    made, real = sides
    found = _pooled(FvdJavis(), _held(made, shipped=made, fixed=made + 1), _held(real, shipped=real, fixed=real))
    n = len(real)
    assert found["fvd_javis"].value == pytest.approx(frechet(Moments.of(made[:n]), Moments.of(real)))
    assert found["kvd_javis"].value == pytest.approx(kernel(centred(made[:n]), centred(real)))
    assert found["fvd_javis_fixed"].value == pytest.approx(frechet(Moments.of(made[:n] + 1), Moments.of(real)))
    assert found["kvd_javis_fixed"].value == pytest.approx(kernel(made[:n] + 1, real))
    assert found["fvd_javis"].reason.startswith("the first n 21 of 30 and of 21, d 5, floor ")
    scaled = _pooled(_named("fad_javis"), _held(made), _held(real))["fad_javis"]
    assert scaled.value == pytest.approx(1e4 * frechet(Moments.of(made[:n]), Moments.of(real)))
    alone = _pooled(FvdJavis(), _held(made[:1], shipped=made, fixed=made), _held(real, shipped=real, fixed=real))
    assert {score.status for score in alone.values()} == {Status.UNSCORED}


def test_verse_benchs_fd_is_that_of_pairs(golden: Any, golden_inputs: Any, sides: Any) -> None:
    cases = json.loads(golden("distribution/{}_distances.json").read_text())["verse_bench_fd"]["cases"]
    for name, case in cases.items():
        made = golden_inputs.unit(f"input/dist/{name}/gen", (1, 512))
        real = 0.5 * int(name[-1]) * made + golden_inputs.unit(f"input/dist/{name}/ref", (1, 512))
        units = [x / np.linalg.norm(x) for x in (made, real)]
        assert pair_distance(*units)[0] == pytest.approx(case["two_minus_two_cos"], abs=1e-6)
        assert pair_distance(*units)[0] == pytest.approx(case["value"], abs=1e-6)
    made, real = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in sides)
    found = _pooled(ClapPairDistance(), _held(made), _held(real))["clap_pair_distance"]
    apart = pair_distance(made[:21], real)
    assert found.value == pytest.approx(apart.mean()) and found.n == 21
    assert found.low is not None and found.high is not None and found.low < apart.mean() < found.high
    with pytest.raises(Unscored, match="no reference clip is of a prompt"):
        ClapPairDistance().pool(Strangers(_held(made).arrays), ClapPairDistance().summarise(_held(real)))


class Strangers(Held):
    """The same of other prompts."""

    def __iter__(self) -> Iterator[Material]:
        return (Material("s", f"other{i}", 0, arrays) for i, arrays in enumerate(self.arrays))


def test_cmmd_is_the_published_formula(sides: Any) -> None:
    """sigma 10, times 1000, every sample beside itself (google-research/cmmd), written out pair by pair."""
    made, real = sides

    def mean(x: Any, y: Any) -> float:
        return float(np.mean([[np.exp(-((a - b) ** 2).sum() / 200) for b in y] for a in x]))

    wanted = 1000 * (mean(made, made) + mean(real, real) - 2 * mean(made, real))
    found = _pooled(Cmmd(), _held(made), _held(real))["cmmd"]
    assert found.value == pytest.approx(wanted) and found.reason == "n 30, reference 21, d 5"
    assert _pooled(Cmmd(), _held(made), _held(made))["cmmd"].value == pytest.approx(0, abs=1e-9)


class Stream(Materials):
    """As many clips as asked for, never together in memory; every tenth leaves several samples."""

    def __init__(self, n: int, d: int) -> None:
        self.n, self.d = n, d

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Material]:
        rng = np.random.default_rng(0)
        for i in range(self.n):
            yield Material("s", f"p{i}", 0, {"features": rng.normal(size=(3 if i % 10 == 0 else 1, self.d))})


def test_memory_does_not_grow_with_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sets, "KEPT", 500)
    peaks = []
    for n in (1500, 15_000):
        tracemalloc.start()
        found = _sets.gather(Stream(n, 32))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found.whole.n == 1.2 * n and len(found.rows) == 500
    assert peaks[1] < 1.5 * peaks[0]


def test_what_is_held_of_a_set_is_drawn_evenly_and_stays_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(2000.0)[:, None]
    assert np.array_equal(_sets.gather(_held(rows)).rows, rows)
    monkeypatch.setattr(_sets, "KEPT", 100)
    kept = _sets.gather(_held(rows)).rows[:, 0]
    assert len(kept) == 100 and np.all(np.diff(kept) > 0)
    assert abs(kept.mean() - 1000) < 200  # over three standard errors
    both = _sets.Sides(_sets.gather(_held(rows)), _sets.gather(_held(rows)))
    assert _sets.estimate("x", "b", both, lambda: 1.0, "n").reason == "n; of 100 of 2000 samples"


def test_a_summary_is_what_it_was_made_of(sides: Any) -> None:
    made, real = sides
    summary = FvdI3d().summarise(_held(real))
    assert (summary.samples, summary.numbers) == (21, 5)
    both = _sets.sides(_held(made), summary)
    whole = Moments.of(real)
    assert both.truth.whole.n == whole.n and both.truth.clips == 21
    np.testing.assert_allclose(both.truth.whole.scatter, whole.scatter)
    np.testing.assert_array_equal(both.truth.rows, real)
