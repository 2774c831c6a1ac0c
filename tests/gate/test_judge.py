"""The verdict: what turns the gate red, what does not, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avbench.differences import differences
from avbench.errors import IncompleteError, UsageError
from avbench.gate.config import Config, parse
from avbench.gate.judge import judge
from avbench.gate.records import Check, Gate, Kind, Verdict
from avbench.leaderboard import Measure
from avbench.records import Column, Direction
from avbench.set_metric import Material
from avbench.set_snapshot import SetSnapshot
from avbench.snapshot import KEYS, Snapshot, read, save

MakeRun = Callable[..., Path]
N = 30
RNG = np.random.default_rng(0)
BASE = RNG.normal(0.5, 0.1, N)
NOISE = RNG.normal(0, 0.01, N)


def rules(*metrics: str, margin: str = "0.05", extra: str = "") -> Config:
    sections = "\n".join(f"[metrics.{name}]\nmargin = {margin}" for name in metrics)
    return parse(f"[gate]\nresamples = 400\n{extra}\n{sections}", "gate.toml")


def gate(baseline: Path, candidate: Path, config: Config) -> Gate:
    return judge(read(baseline), read(candidate), config)


def the(found: Gate, kind: Kind, name: str) -> Check:
    return next(check for check in found.checks if (check.kind, check.name) == (kind, name))


@pytest.mark.parametrize(
    ("metric", "change", "verdict"),
    [
        ("sharp", -0.2, Verdict.FAIL),
        ("sharp", 0.2, Verdict.PASS),
        ("wer", 0.2, Verdict.FAIL),
        ("wer", -0.2, Verdict.PASS),
        ("lag", 0.2, Verdict.FAIL),
        ("lag", -1.2, Verdict.FAIL),  # the other side of zero, further away
        ("lag", -0.3, Verdict.PASS),
        ("loud", 0.2, Verdict.FAIL),
        ("loud", -0.2, Verdict.FAIL),
        ("loud", 0.01, Verdict.PASS),
    ],
)
def test_worse_is_what_the_direction_says(metric: str, change: float, verdict: Verdict, make_run: MakeRun) -> None:
    base = np.abs(BASE)
    found = gate(make_run("a", {metric: base}), make_run("b", {metric: base + change + NOISE}), rules(metric))
    check = the(found, Kind.METRIC, metric)
    assert found.verdict is check.verdict is verdict
    assert check.n == N and check.low <= check.effect <= check.high
    assert check.candidate - check.baseline == pytest.approx(check.effect)
    if metric in ("sharp", "wer"):
        assert check.effect == pytest.approx(change, abs=0.01)


def test_an_identical_run_passes_also_with_no_margin_at_all(make_run: MakeRun) -> None:
    metrics = {"sharp": BASE, "silent": np.zeros(N)}
    found = gate(make_run("a", metrics), make_run("b", metrics), rules("sharp", margin="0"))
    assert found.verdict is Verdict.PASS
    check = the(found, Kind.METRIC, "sharp")
    assert (check.effect, check.low, check.high, check.p, check.reason) == (0, 0, 0, 1, "no prompt has changed")


def test_five_prompts_are_inconclusive_whatever_they_say(make_run: MakeRun) -> None:
    base, far = make_run("a", {"sharp": BASE[:5]}), make_run("b", {"sharp": BASE[:5] - 0.4})
    assert gate(base, base, rules("sharp")).verdict is Verdict.INCONCLUSIVE
    found = gate(base, far, rules("sharp"))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "5 prompts in common, 20 needed" in the(found, Kind.METRIC, "sharp").reason


@pytest.mark.parametrize(
    ("n", "change", "verdict", "p"),
    [
        (1, 0.0, Verdict.INCONCLUSIVE, 1.0),  # one prompt tells nothing, whatever it says
        (1, -0.4, Verdict.INCONCLUSIVE, 0.5),
        (2, -0.4, Verdict.INCONCLUSIVE, 0.25),
        (25, 0.0, Verdict.PASS, 1.0),  # all ties
        (25, -0.4, Verdict.FAIL, None),  # no spread at all
        (25, 0.4, Verdict.PASS, 1.0),
    ],
)
def test_one_prompt_no_spread_and_all_ties_divide_by_nothing(
    n: int, change: float, verdict: Verdict, p: float | None, make_run: MakeRun
) -> None:
    base = np.full(n, 0.5)
    found = gate(make_run("a", {"sharp": base}), make_run("b", {"sharp": base + change}), rules("sharp"))
    check = the(found, Kind.METRIC, "sharp")
    assert check.verdict is verdict and check.effect == pytest.approx(change) and not math.isnan(check.p)
    assert p is None or check.p == pytest.approx(p)
    assert check.n == n and (math.isnan(check.mde) if n == 1 else check.mde == pytest.approx(0, abs=1e-9))


def test_noise_as_large_as_the_margin_is_inconclusive_and_says_what_would_tell(make_run: MakeRun) -> None:
    noise = np.random.default_rng(1).normal(0, 0.4, N)
    found = gate(make_run("a", {"sharp": BASE}), make_run("b", {"sharp": BASE + noise}), rules("sharp"))
    check = the(found, Kind.METRIC, "sharp")
    assert check.verdict is Verdict.INCONCLUSIVE and "prompts would tell" in check.reason
    assert check.mde == pytest.approx(2.486 * np.std(noise, ddof=1) / math.sqrt(N), rel=1e-3)


def test_a_small_change_within_the_margin_passes_though_significant(make_run: MakeRun) -> None:
    found = gate(make_run("a", {"sharp": BASE}), make_run("b", {"sharp": BASE - 0.02 + NOISE}), rules("sharp"))
    check = the(found, Kind.METRIC, "sharp")
    assert check.verdict is Verdict.PASS and check.p < 0.05


def test_margins_in_percent_and_in_spreads(make_run: MakeRun) -> None:
    runs = make_run("a", {"sharp": BASE}), make_run("b", {"sharp": BASE})
    percent = the(gate(*runs, rules("sharp", margin='"10 %"')), Kind.METRIC, "sharp")
    spread = the(gate(*runs, rules("sharp", margin='"0.5 sd"')), Kind.METRIC, "sharp")
    assert percent.margin == pytest.approx(0.1 * BASE.mean())
    assert spread.margin == pytest.approx(0.5 * BASE.std(ddof=1))


def test_lost_numbers_turn_the_gate_red(make_run: MakeRun) -> None:
    lost = [x if i % 3 else "unscored" for i, x in enumerate(BASE)]
    found = gate(make_run("a", {"sharp": BASE}), make_run("b", {"sharp": lost}), rules("sharp"))
    check = the(found, Kind.COVERAGE, "sharp")
    assert found.verdict is check.verdict is Verdict.FAIL
    assert the(found, Kind.METRIC, "sharp").verdict is Verdict.PASS  # the mean of the easy rest tells nothing
    assert check.baseline == 1 and check.candidate == pytest.approx(2 / 3)


def test_numbers_that_are_none_are_lost_and_never_averaged(make_run: MakeRun) -> None:
    broken = np.where(np.arange(N) % 3 == 0, np.nan, BASE)
    broken[1] = np.inf
    found = gate(make_run("a", {"sharp": BASE}), make_run("b", {"sharp": broken}), rules("sharp"))
    assert the(found, Kind.COVERAGE, "sharp").verdict is Verdict.FAIL
    assert math.isfinite(the(found, Kind.METRIC, "sharp").candidate)


def test_a_metric_that_the_candidate_has_not_at_all_is_lost(make_run: MakeRun) -> None:
    base = make_run("a", {"sharp": BASE, "wer": BASE})
    found = gate(base, make_run("b", {"sharp": BASE}), rules("sharp", "wer"))
    assert the(found, Kind.COVERAGE, "wer").verdict is Verdict.FAIL
    assert the(found, Kind.METRIC, "wer").verdict is Verdict.INCONCLUSIVE


def test_missing_prompts_and_new_failures_are_regressions_unless_allowed(make_run: MakeRun) -> None:
    failed = [*BASE[:-2], "failed"]
    runs = make_run("a", {"sharp": BASE}), make_run("b", {"sharp": failed})
    found = gate(*runs, rules("sharp"))
    assert [check.verdict for check in found.checks if check.kind is Kind.CLIPS] == [Verdict.FAIL] * 2
    assert the(found, Kind.CLIPS, "missing clips").reason == "1, 0 allowed: m · s · p029 (seed 0)"
    assert "p028" in the(found, Kind.CLIPS, "new failures").reason
    allowed = gate(*runs, rules("sharp", extra="[clips]\nmissing = 1\nnew_failures = 1\ncoverage_margin = 0.2"))
    assert allowed.verdict is Verdict.PASS


def test_prompts_that_only_the_candidate_has_are_left_out_and_said(make_run: MakeRun) -> None:
    found = gate(make_run("a", {"sharp": BASE[:25]}), make_run("b", {"sharp": BASE}), rules("sharp"))
    assert found.verdict is Verdict.PASS and the(found, Kind.METRIC, "sharp").n == 25
    assert any("5 clips of the candidate" in note for note in found.notes)


def test_guards_decide_unless_ignored(make_run: MakeRun) -> None:
    base, mute = np.zeros(N), (np.arange(N) % 2).astype(float)
    runs = make_run("a", {"sharp": BASE, "silent": base}), make_run("b", {"sharp": BASE, "silent": mute})
    found = gate(*runs, rules("sharp"))
    check = the(found, Kind.GUARD, "silent")
    assert found.verdict is check.verdict is Verdict.FAIL and check.method == "McNemar, Newcombe"
    assert gate(*runs, rules("sharp", extra='[guards]\nignore = ["silent"]')).verdict is Verdict.PASS


def test_seeds_of_a_prompt_are_averaged_and_no_new_evidence(make_run: MakeRun) -> None:
    base = np.repeat(BASE[:10], 5)
    found = gate(make_run("a", {"sharp": base}, seeds=5), make_run("b", {"sharp": base}, seeds=5), rules("sharp"))
    check = the(found, Kind.METRIC, "sharp")
    assert check.n == 10 and check.verdict is Verdict.INCONCLUSIVE


def test_what_does_not_decide_is_advice(make_run: MakeRun) -> None:
    found = gate(
        make_run("a", {"sharp": BASE, "wer": BASE}), make_run("b", {"sharp": BASE, "wer": BASE + 0.3}), rules("sharp")
    )
    check = the(found, Kind.ADVISORY, "wer")
    assert found.verdict is Verdict.PASS and check.verdict is Verdict.INFO and check.reason.startswith("worse (q")


def test_two_models_are_paired_by_name_and_single_ones_whatever_they_are_called(make_run: MakeRun) -> None:
    found = gate(make_run("a", {"sharp": BASE}), make_run("b", {"sharp": BASE}, model="new"), rules("sharp"))
    assert found.verdict is Verdict.PASS and "new is compared with m" in found.notes


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"digest": "e" * 64}, "different prompts of suite 's'"),
        ({"version": "2"}, r"sharp \(signal\) by protocol versions 2 and 1"),
        ({"key": "other"}, "other features or settings"),
        ({"backend": "world"}, "sharp is of backend world in .* and of backend signal"),
        ({"prompts": [f"q{i}" for i in range(N)]}, r"b \(of s\) and .*a \(of s\) have no prompt with its seed in"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(
    other: dict[str, object], words: str, make_run: MakeRun
) -> None:
    with pytest.raises(UsageError, match=words):
        gate(make_run("a", {"sharp": BASE}), make_run("b", {"sharp": BASE}, **other), rules("sharp"))


def test_scores_by_other_weights_are_refused_also_from_a_file(make_run: MakeRun, tmp_path: Path) -> None:
    ours, other = (make_run(name, {"sharp": BASE}, weights=f"{name}+shared") for name in ("ours", "other"))
    words = r"scored sharp \(signal\) with other weights \(digests other and ours\): score one of them anew"
    save(read(ours), tmp_path / "ours.json")
    for baseline in (ours, tmp_path / "ours.json"):
        assert gate(baseline, ours, rules("sharp")).verdict is Verdict.PASS
        with pytest.raises(UsageError, match=words):
            gate(baseline, other, rules("sharp"))
    with pytest.raises(UsageError, match="with other weights"):
        differences(ours, other)


@pytest.mark.parametrize("known", ["", "-+shared", "here"])
def test_weights_that_one_side_does_not_know_say_nothing(known: str, make_run: MakeRun, tmp_path: Path) -> None:
    """Such as a baseline file of before they were kept."""
    save(read(make_run("a", {"sharp": BASE}, weights=known)), tmp_path / "old.json")
    assert ('"weights"' in (tmp_path / "old.json").read_text()) == bool(known)
    run = make_run("b", {"sharp": BASE}, weights="here+shared")
    assert gate(tmp_path / "old.json", run, rules("sharp")).verdict is Verdict.PASS


def test_a_run_without_scores_is_incomplete(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match="nothing to compare"):
        gate(make_run("a", {"sharp": BASE}), make_run("b", {"sharp": []}), rules("sharp"))
    with pytest.raises(IncompleteError, match="no scores of clips yet: the run is interrupted; the command that began"):
        gate(make_run("c", {"sharp": []}, state="interrupted"), tmp_path / "a", rules("sharp"))


def test_a_rule_about_what_the_baseline_has_not_is_refused_with_its_line(make_run: MakeRun) -> None:
    run = make_run("a", {"sharp": BASE})
    with pytest.raises(
        UsageError, match=r"gate\.toml:6: metrics\.sharpp: the baseline has no such metric; it has sharp"
    ):
        gate(run, run, rules("sharp", "sharpp"))


def test_a_baseline_file_says_what_the_run_says(make_run: MakeRun, tmp_path: Path) -> None:
    metrics = {
        "sharp": [*BASE[:-3], "unscored", "failed", "not_applicable"],
        "wer": np.exp(BASE * 9),
        "silent": np.zeros(N),
    }
    run, worse = make_run("a", metrics), make_run("b", {**metrics, "wer": np.exp(BASE * 9) + 5})
    save(read(run), tmp_path / "one.json")
    save(read(tmp_path / "one.json"), tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert sum('"p0' in line for line in (tmp_path / "one.json").read_text().splitlines()) == N  # a line a clip
    config = rules("sharp", "wer")
    by_file, by_run = gate(tmp_path / "one.json", worse, config), gate(run, worse, config)
    assert repr(by_file.checks) == repr(by_run.checks)  # NaN is not equal to itself
    assert by_file.verdict is Verdict.FAIL
    assert gate(tmp_path / "one.json", run, config).verdict is Verdict.PASS


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', '{"schema": 2, "clips": []}'])
def test_a_file_that_is_no_baseline_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(UsageError, match="baseline"):
        read(tmp_path / "b.json")
    with pytest.raises(UsageError, match="--save"):
        read(tmp_path / "missing.json")


@pytest.mark.slow
def test_of_200_equal_candidates_at_most_5_percent_are_called_worse() -> None:
    names = ["sharp", "wer", "lag", "conf"]
    measures = tuple(
        Measure(Column(n, "", Direction.DOWN if n == "wer" else Direction.UP, 0, 1, "", ""), "x") for n in names
    )
    guard = Measure(Column("silent", "", Direction.DOWN, 0, 1, "", "", guard=True), "x")
    corpus = Measure(Column("wer_corpus", "", Direction.DOWN, 0, 1, "", ""), "x", of_set=True)
    same = np.random.default_rng(9)
    prompts, asked, hard = same.normal(0, 1, N), same.integers(4, 20, N), same.beta(1, 4, N)

    def snapshot(seed: int) -> Snapshot:
        rng = np.random.default_rng(seed)
        rows = []
        for name in names:
            values = prompts + rng.normal(size=N)
            scored = rng.random(N) > 0.2
            rows += [
                ("m", "s", f"p{i}", 0, name, "x", v, "ok" if ok else "unscored")
                for i, (v, ok) in enumerate(zip(values, scored, strict=True))
            ]
        rows += [("m", "s", f"p{i}", 0, "silent", "x", float(v), "ok") for i, v in enumerate(rng.random(N) < 0.2)]
        frame = pd.DataFrame(rows, columns=[*KEYS, "metric", "backend", "value", "status"])
        wrong = rng.binomial(asked, hard)
        left = [
            Material("s", f"p{i}", 0, {"wer": np.array([a - w, w, 0, 0])})
            for i, (a, w) in enumerate(zip(asked, wrong, strict=True))
        ]
        kept = SetSnapshot((corpus,), {("wer_corpus", "x"): "wer_world"}, kept={("wer_world", "m", "s"): tuple(left)})
        return Snapshot(f"run {seed}", frame, (*measures, guard), {}, {}, {}, sets=kept)

    config = rules(*names, "wer_corpus", margin="0", extra="[clips]\ncoverage_margin = 0\n[guards]\nmargin = 0")
    red = sum(judge(snapshot(2 * i), snapshot(2 * i + 1), config).verdict is Verdict.FAIL for i in range(200))
    print(f"{red} of 200 equal candidates are called worse")
    assert red <= 10
