"""Numbers of whole sets in the gate: clips of a prompt are exchanged, in run folders and baseline files alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.clips import identify
from avbench.differences import differences
from avbench.errors import UsageError
from avbench.export import export
from avbench.gate.config import Config, parse
from avbench.gate.init import text_for
from avbench.gate.judge import judge
from avbench.gate.records import Check, Gate, Kind, Verdict
from avbench.ledger import Ledger
from avbench.materials import Left, pack
from avbench.records import Clip, Prompt, Score, Suite
from avbench.snapshot import read, save

Arrays = Mapping[str, NDArray[Any]]
MakeSet = Callable[..., Path]
N = 40
RNG = np.random.default_rng(0)
ASKED = RNG.integers(5, 15, N)
WRONG = RNG.binomial(ASKED, 0.2)
FEATURES = RNG.normal(size=(N, 4))
COLUMNS = {"wer_world": "wer_corpus", "fad_vggish": "fad_vggish", "fvd_i3d": "kvd"}


def counts(wrong: NDArray[np.int64], asked: NDArray[np.int64] = ASKED) -> list[Arrays]:
    return [{"wer": np.array([a - w, w, 0, 0])} for w, a in zip(wrong, asked, strict=True)]


def features(values: NDArray[np.float64]) -> list[Arrays]:
    return [{"features": row.astype(np.float32)} for row in values]


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """Writes a run with its ledger, whose clips have left arrays (or nothing) for one metric of sets."""

    def make(
        name: str,
        part: str,
        left: Sequence[Arrays | None],
        *,
        reference: Path | None = None,
        digest: str = "r",
        seeds: int = 1,
    ) -> Path:
        run = tmp_path / name
        suite = Suite("s", "1", "d" * 64, tuple(Prompt(f"p{i:03}", "s", "x") for i in range(len(left) // seeds)))
        fact = {"columns": [{"name": "silent"}], "backend": "signal"}
        with Ledger(run) as ledger:
            ledger.put_fact("metric", "guards", fact)
            ledger.put_prompts(suite, {prompt.id for prompt in suite.prompts})
            paths = [(prompt, seed) for prompt in suite.prompts for seed in range(seeds)]
            ledger.ask(Clip(run / f"{prompt.id}_{seed}.mp4", prompt, "m", seed) for prompt, seed in paths)
            for entry, arrays in zip(ledger.entries("m", "s"), left, strict=True):
                entry.clip.path.write_text("x")
                ledger.put_clip(entry.id, identify(entry.clip.path))
                scores: dict[str, tuple[str, list[Score]]] = {"guards": ("k", [Score("silent", "signal", 0.0)])}
                kept = {part: Left(pack(arrays))} if arrays is not None else {}
                ledger.put_scores(entry.id, scores | {name: ("k", []) for name in kept}, left=kept)
            export(ledger)
        column = {"unit": "1", "direction": "down", "low": 0.0, "high": None, "summary": "", "source": ""}
        rows = [
            {**column, "name": "silent", "part": "guards", "backend": "signal", "version": "1", "guard": True},
            {**column, "name": COLUMNS[part], "part": part, "backend": "b", "version": "1", "of_set": True},
        ]
        info: dict[str, Any] = {"state": "done", "suites": {"s": {"digest": "d" * 64}}, "columns": rows}
        info["metrics"] = {part: {"key": "k"}}
        if reference is not None:
            info["reference"] = {"run": str(reference), "digest": digest}
        (run / "run.json").write_text(json.dumps(info), encoding="utf-8")
        return run

    return make


def rules(metric: str, margin: str = "0.02") -> Config:
    return parse(f"[metrics.{metric}]\nmargin = {margin}", "gate.toml")


def gate(baseline: Path, candidate: Path, config: Config) -> Gate:
    return judge(read(baseline), read(candidate), config)


def the(found: Gate, kind: Kind = Kind.METRIC) -> Check:
    return next(check for check in found.checks if check.kind is kind)


def test_a_baseline_file_does_not_say_in_which_order_arrays_were_kept(make_set: MakeSet, tmp_path: Path) -> None:
    rates = [{"wer": np.array([4, 1, 0, 0]), "cer": np.array([20, 1, 0, 0]), "zh": np.zeros(4, int)}]
    turned = [dict(reversed(arrays.items())) for arrays in rates]
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    for name, left, file in zip("ab", (rates, turned), files, strict=True):
        save(read(make_set(name, "wer_world", left)), file)
    assert '{"cer": [20, 1, 0, 0], "wer": [4, 1, 0, 0], "zh": [0, 0, 0, 0]}' in files[0].read_text()
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_worse_error_rate_of_the_corpus_fails_and_the_same_run_passes(make_set: MakeSet, tmp_path: Path) -> None:
    base = make_set("a", "wer_world", counts(WRONG))
    worse = make_set("b", "wer_world", counts(np.minimum(WRONG + 2, ASKED)))
    found = gate(base, worse, rules("wer_corpus"))
    check = the(found)
    assert found.verdict is check.verdict is Verdict.FAIL and check.method == "per-prompt swap"
    assert check.baseline == pytest.approx(WRONG.sum() / ASKED.sum())
    assert check.effect == pytest.approx((np.minimum(WRONG + 2, ASKED) - WRONG).sum() / ASKED.sum())
    assert check.low < check.effect < check.high and check.n == N and check.mde > 0 and check.p < 0.002
    same = gate(base, base, rules("wer_corpus", "0"))
    assert same.verdict is Verdict.PASS and the(same).reason == "no prompt has changed"
    assert gate(worse, base, rules("wer_corpus")).verdict is Verdict.PASS  # better
    save(read(base), tmp_path / "one.json")
    save(read(tmp_path / "one.json"), tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert repr(gate(tmp_path / "one.json", worse, rules("wer_corpus")).checks) == repr(found.checks)


def test_noise_is_inconclusive_and_margins_in_percent_are_of_the_number(make_set: MakeSet) -> None:
    base = make_set("a", "wer_world", counts(WRONG))
    other = make_set("b", "wer_world", counts(np.random.default_rng(5).binomial(ASKED, 0.2)))
    check = the(gate(base, other, rules("wer_corpus", '"1 %"')))
    assert check.verdict is Verdict.INCONCLUSIVE and check.margin == pytest.approx(0.01 * check.baseline)
    assert "prompts would tell" in check.reason
    with pytest.raises(UsageError, match=r"gate\.toml:1: metrics\.wer_corpus\.margin: .* no spread"):
        gate(base, other, rules("wer_corpus", '"0.25 sd"'))


def test_few_prompts_are_inconclusive_and_seeds_are_no_prompts(make_set: MakeSet) -> None:
    base = make_set("a", "wer_world", counts(WRONG), seeds=4)
    found = gate(base, base, rules("wer_corpus"))
    assert found.verdict is Verdict.INCONCLUSIVE and the(found).n == 10
    assert "10 prompts in common, 20 needed" in the(found).reason


def test_clips_that_leave_nothing_any_more_are_lost(make_set: MakeSet) -> None:
    base = make_set("a", "wer_world", counts(WRONG))
    lost = [arrays if i % 3 else None for i, arrays in enumerate(counts(WRONG))]
    found = gate(base, make_set("b", "wer_world", lost), rules("wer_corpus"))
    assert the(found).verdict is Verdict.PASS and the(found, Kind.COVERAGE).verdict is Verdict.FAIL
    none = gate(base, make_set("c", "wer_world", [None] * N), rules("wer_corpus"))
    assert "in both runs" in the(none).reason and the(none).verdict is Verdict.INCONCLUSIVE
    assert none.verdict is Verdict.FAIL


def test_a_rate_that_no_clip_has_is_said_and_not_decided(make_set: MakeSet) -> None:
    run = make_set("a", "wer_world", [{"cer": np.array([3, 1, 0, 0])}] * N)
    found = gate(run, run, rules("wer_corpus"))
    assert found.notes == ("no number in either run, and so not decided: s wer_corpus",)
    assert [check.kind for check in found.checks if check.name == "wer_corpus"] == []


def test_distances_need_their_reference_and_enough_samples(make_set: MakeSet, tmp_path: Path) -> None:
    truth = make_set("truth", "fad_vggish", features(RNG.normal(size=(60, 4))))
    base = make_set("a", "fad_vggish", features(FEATURES), reference=truth)
    far = make_set("b", "fad_vggish", features(FEATURES + 1), reference=truth)
    found = gate(base, far, rules("fad_vggish", "0.5"))
    assert found.verdict is Verdict.FAIL and the(found).candidate > 3
    wide = make_set("wide", "fad_vggish", features(RNG.normal(size=(60, 32))))
    few = [make_set(n, "fad_vggish", features(RNG.normal(size=(N, 32))), reference=wide) for n in ("c", "d")]
    check = the(gate(few[0], few[1], rules("fad_vggish", "0.5")))
    assert check.verdict is Verdict.INCONCLUSIVE and "a Fréchet distance needs 64" in check.reason
    assert check.effect != 0 and the(gate(few[0], few[0], rules("fad_vggish"))).verdict is Verdict.PASS
    other = make_set("e", "fad_vggish", features(FEATURES), reference=truth, digest="x")
    with pytest.raises(UsageError, match="other reference clips"):
        gate(base, other, rules("fad_vggish"))
    gone = [make_set(n, "fad_vggish", features(FEATURES), reference=tmp_path / "gone") for n in ("f", "g")]
    check = the(gate(gone[0], gone[1], rules("fad_vggish")))
    assert check.verdict is Verdict.INCONCLUSIVE and "score with --reference again" in check.reason


def test_a_kernel_distance_decides_on_few_clips_and_a_file_for_git_keeps_no_features(
    make_set: MakeSet, tmp_path: Path
) -> None:
    wide = RNG.normal(size=(N, 100))
    truth = make_set("truth", "fvd_i3d", features(RNG.normal(size=(60, 100))))
    base = make_set("a", "fvd_i3d", features(wide), reference=truth)
    far = make_set("b", "fvd_i3d", features(wide + 0.5), reference=truth)
    assert gate(base, far, rules("kvd", "0.1")).verdict is Verdict.FAIL
    save(read(base), tmp_path / "base.json")
    assert (tmp_path / "base.json").stat().st_size < 20_000
    check = the(gate(tmp_path / "base.json", far, rules("kvd", "0.1")))
    assert check.verdict is Verdict.INCONCLUSIVE and "gate against the run's folder" in check.reason


def test_compare_shows_sets_and_init_offers_them(make_set: MakeSet) -> None:
    runs = make_set("a", "wer_world", counts(WRONG)), make_set("b", "wer_world", counts(np.minimum(WRONG + 2, ASKED)))
    found = differences(*runs)
    row = next(row for row in found.overall if row.measure.of_set)
    assert (row.measure.column.name, row.better) == ("wer_corpus", "A") and row.effect.interval.low > 0
    assert row.second - row.first == pytest.approx(row.effect.mean)
    assert [row.measure.column.name for row in differences(*runs, "wer_corpus").overall] == ["wer_corpus"]
    text = text_for(read(runs[0]))
    assert '# [metrics.wer_corpus]\n# margin = "10 %"' in text
