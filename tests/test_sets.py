"""Statistics of sets: what clips leave, how it is pooled, when it is pooled anew."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from avbench import registry
from avbench.clips import identify
from avbench.errors import NotApplicable, Unscored
from avbench.executor import InProcess
from avbench.export import export
from avbench.leaderboard import Leaderboard, Measure, build
from avbench.ledger import Ledger
from avbench.materials import LIMIT, Left, StoredMaterials, pack
from avbench.parts import Features
from avbench.plan import MetricFacts
from avbench.pooling import pool_sets
from avbench.records import Clip, Column, Direction, Prompt, SetScore, Status, Suite
from avbench.reference import Reference, of_run
from avbench.set_metric import Materials, SetMetric, Summary
from avbench.store import load_set_scores

COLUMN = Column("mean", "", Direction.UP, 0, 1, "a mean", "nowhere")
FACTS = MetricFacts("sum", backend="signal", key="1", set_columns=(COLUMN,), compares=True)


class Mean(SetMetric):
    """The mean of what clips left, above the reference's."""

    set_columns = (COLUMN,)
    fault: Exception | None = None
    pooled: list[int] = []  # noqa: RUF012
    summarised: list[int] = []  # noqa: RUF012

    def material(self, clip: Clip, features: Features) -> Mapping[str, NDArray[np.float64]]:
        return {}

    def summarise(self, reference: Materials) -> Summary:
        self.summarised.append(len(reference))
        values = [float(material.arrays["x"]) for material in reference]
        return Summary({"mean": np.array(np.mean(values))}, len(values), 1)

    def pool(self, materials: Materials, reference: Summary | None) -> Mapping[str, SetScore]:
        if self.fault:
            raise self.fault
        self.pooled.append(len(materials))
        values = [float(material.arrays["x"]) for material in materials]
        base = float(reference.arrays["mean"]) if reference and reference.arrays else 0.0
        return {"mean": SetScore("mean", self.backend, float(np.mean(values) - base), n=len(values))}


@pytest.fixture
def metric(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Mean]]:
    monkeypatch.setattr(registry, "load", lambda kind, name: Mean)
    Mean.pooled.clear()
    Mean.summarised.clear()
    yield Mean
    Mean.fault = None


def asked(run: Path, *numbers: int) -> Ledger:
    """Clips p0, p1, …; odd ones are of the subset `odd`."""
    ledger = Ledger(run)
    ledger.put_fact("metric", "sum", {"columns": [], "backend": "signal"})
    prompts = tuple(Prompt(f"p{i}", "s", "x", tags=("subset:odd",) * (i % 2)) for i in numbers)
    ledger.put_prompts(Suite("s", "1", "", prompts), {p.id for p in prompts})
    ledger.ask(Clip(run.resolve() / f"{p.id}.mp4", p, "m") for p in prompts)
    for entry in ledger.entries("m", "s"):
        entry.clip.path.write_text("x")
        ledger.put_clip(entry.id, identify(entry.clip.path))
    return ledger


def leave(ledger: Ledger, **values: float | Left) -> None:
    ids = {entry.clip.prompt.id: entry.id for entry in ledger.entries("m", "s")}
    for name, value in values.items():
        left = value if isinstance(value, Left) else Left(pack({"x": np.array(value)}))
        ledger.put_scores(ids[name], {"sum": ("1", [])}, left={"sum": left})


def found(ledger: Ledger) -> dict[str, tuple[object, ...]]:
    """By subset: value, n, status and reason."""
    return {str(row[2]): (row[5], *row[8:]) for row in ledger.set_rows()}


def pooled(ledger: Ledger, reference: Reference | None = None) -> dict[str, tuple[object, ...]]:
    with InProcess("cpu") as executor:
        pool_sets(ledger, [FACTS], [("m", "s")], executor, reference)
    return found(ledger)


def test_a_set_and_its_subsets_are_pooled_once(tmp_path: Path, metric: type[Mean]) -> None:
    with asked(tmp_path, 0, 1, 2) as ledger:
        leave(ledger, p2=3.0, p0=1.0, p1=5.0)
        assert pooled(ledger) == {"": (3.0, 3, "ok", ""), "odd": (5.0, 1, "ok", "")}
        assert metric.pooled == [3, 1]
        pooled(ledger)
        assert metric.pooled == [3, 1]  # nothing is new
        export(ledger)
        frame = load_set_scores(tmp_path)
        assert frame.subset.tolist() == ["", "odd"] and frame.value.tolist() == [3.0, 5.0]
        assert frame.ci_low.isna().all() and frame.n.tolist() == [3, 1]
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "set_scores.parquet"), frame)


def test_materials_come_in_the_order_of_prompts_and_again(tmp_path: Path) -> None:
    with asked(tmp_path, 0, 1, 2) as ledger:
        leave(ledger, p2=3.0, p0=1.0, p1=Left(status=Status.UNSCORED, reason="dark"))
        materials = StoredMaterials(tmp_path, "sum", "m", "s")
        for _ in range(2):
            assert [(m.suite, m.prompt_id, m.seed, float(m.arrays["x"])) for m in materials] == [
                ("s", "p0", 0, 1.0),
                ("s", "p2", 0, 3.0),
            ]
        assert len(materials) == 2 and materials.why_none() == (Status.UNSCORED, "dark")
        assert not len(StoredMaterials(tmp_path, "sum", "m", "s", "even")) and not len(
            StoredMaterials(tmp_path, "other")
        )


def test_whatever_changes_a_set_drops_its_scores(tmp_path: Path, metric: type[Mean]) -> None:
    with asked(tmp_path, 0, 1) as ledger:
        leave(ledger, p0=1.0, p1=5.0)
        first = ledger.entries("m", "s")[0]

        def scores_after(change: Any) -> dict[str, tuple[object, ...]]:
            leave(ledger, p0=1.0, p1=5.0)
            assert pooled(ledger)[""] == (3.0, 2, "ok", "")
            change()
            return found(ledger)

        prompts = (Prompt("p0", "s", "other"), Prompt("p1", "s", "x", tags=("subset:odd",)))
        assert not scores_after(lambda: leave(ledger, p1=7.0))
        assert not scores_after(lambda: ledger.put_prompts(Suite("s", "1", "", prompts), {"p0", "p1"}))
        assert not scores_after(lambda: ledger.drop_outdated("sum", "2"))
        assert not scores_after(lambda: ledger.put_failure(first.id, "crash"))
        first.clip.path.write_text("another film")
        ledger.put_clip(first.id, identify(first.clip.path))
        assert not scores_after(lambda: (first.clip.path.write_text("x"), ledger.check_files("m", "s")))
        assert not scores_after(lambda: ledger.forget([first.id]))
        assert pooled(ledger)[""] == (5.0, 1, "ok", "")


def test_why_a_set_has_no_score(tmp_path: Path, metric: type[Mean]) -> None:
    with asked(tmp_path, 0, 2, 4) as ledger:
        assert pooled(ledger) == {"": (None, 0, "failed", "no clip was scored")}
        no_face, needs = (Left(status=Status.UNSCORED, reason=reason) for reason in ("no face", "needs weights x"))
        leave(ledger, p0=needs, p2=no_face, p4=no_face)
        assert pooled(ledger)[""] == (None, 0, "unscored", "no face")
        assert [entry.clip.prompt.id for entry in ledger.each(ledger.lacking("m", "s", ["sum"]))] == ["p0"]
        for fault, status in (
            (Unscored("too few"), "unscored"),
            (NotApplicable("too few"), "not_applicable"),
            (ValueError("x"), "failed"),
        ):
            metric.fault = fault
            leave(ledger, p0=1.0)
            assert pooled(ledger)[""][2] == status
        metric.fault = None
        assert pooled(ledger)[""][0] == 1.0  # what failed is tried again
        leave(ledger, p0=float("nan"))
        assert pooled(ledger)[""] == (None, 1, "failed", "non-finite: nan")
        assert ledger.tally().statuses == {"failed": 1}


def test_a_reference_is_a_run_directory_and_part_of_the_question(tmp_path: Path, metric: type[Mean]) -> None:
    def truth(clips: str) -> Reference:
        with InProcess("cpu") as executor:
            return of_run(tmp_path / "truth", [FACTS], clips, executor)

    with asked(tmp_path / "truth", 0, 2) as ledger:
        leave(ledger, p0=1.0, p2=2.0)
        first = truth("a")
        assert truth("a").facts == first.facts and metric.summarised == [2]  # what is known is not made again
        leave(ledger, p0=3.0)
        second = truth("b")
        assert metric.summarised == [2, 2]
    with asked(tmp_path / "run", 0) as ledger:
        leave(ledger, p0=5.0)
        assert pooled(ledger)[""][0] == 5.0
        assert pooled(ledger, second)[""][0] == 2.5
        assert pooled(ledger, second)[""][0] == 2.5 and metric.pooled == [1, 1]
        pooled(ledger, Reference(tmp_path, {}, {}))  # which left nothing
        assert metric.pooled == [1, 1, 1]


def test_a_clip_cannot_leave_much() -> None:
    with pytest.raises(ValueError, match="may leave"):
        pack({"x": np.zeros(LIMIT + 1, np.uint8)})


def board(sets: list[tuple[object, ...]], scores: list[tuple[object, ...]] = [], by: str = "") -> Leaderboard:  # noqa: B006
    measures = [Measure(COLUMN, "signal"), Measure(COLUMN, "signal", of_set=True)]
    columns = ["model", "suite", "subset", "metric", "backend", "value", "ci_low", "ci_high", "n", "status", "reason"]
    frame = pd.DataFrame(
        scores,
        columns=["model", "suite", "subset", "prompt_id", "seed", "metric", "backend", "value", "status", "reason"],
    )
    return build(frame.astype({"value": float}), measures[1:], by, sets=pd.DataFrame(sets, columns=columns))


def test_set_statistics_on_a_leaderboard() -> None:
    def row(model: str, subset: str, value: float | None, n: int, status: str = "ok") -> tuple[object, ...]:
        return (model, "s", subset, "mean", "signal", value, 0.0, 9.0, n, status, "why" * (status != "ok"))

    sets = [row("a", "", 1.0, 2), row("a", "x", 3.0, 1), row("b", "", 2.0, 2), row("c", "", None, 0, "unscored")]
    a, b, c = board(sets).rows
    assert [(r.model, r.cells[0].mean, r.cells[0].mark) for r in (a, b)] == [("a", 1.0, ""), ("b", 2.0, "")]
    assert (a.cells[0].low, a.cells[0].high, a.cells[0].scored) == (0.0, 9.0, 2)
    assert (c.cells[0].mean, c.cells[0].unscored, c.cells[0].reason) == (None, 1, "why")
    by_subset = {(r.model, r.group): r.cells[0].mean for r in board(sets, by="subset").rows}
    assert by_subset == {("a", "x"): 3.0, ("b", ""): 2.0, ("c", ""): None}


@pytest.mark.slow
def test_from_the_command_line_to_every_report(avbench: Any, tmp_path: Path) -> None:
    """The statistic equals that of the clips' scores, whoever does the work; what is done is not done again."""
    suite = avbench.suite({}, {"tags": ["subset:calm"]}, {"tags": ["set:none"]}, {})
    command = ("run", "--model", "toy", "--suite", suite, "--metrics", "toy_level,toy_set", "--out", "r")
    log = tmp_path / "log"
    avbench(*command, "--limit", "2", "--workers", "2", TOY_LOG=str(log))
    done = avbench(*command, "--workers", "2", TOY_LOG=str(log), TOY_SLEEP="0.01")
    assert "not this one" not in done.stdout
    pools = [line for line in log.read_text().splitlines() if line.startswith("pool")]
    assert sorted(pools) == ["pool 1", "pool 1", "pool 2", "pool 3"]
    avbench(*command, TOY_LOG=str(log))
    assert len([line for line in log.read_text().splitlines() if line.startswith("pool")]) == 4

    scores, sets = (pd.read_parquet(tmp_path / "r" / f"{name}.parquet") for name in ("scores", "set_scores"))
    pixel = scores[scores.metric == "toy_pixel"].set_index("prompt_id").value
    whole, calm = sets[sets.subset == ""], sets[sets.subset == "calm"]
    assert whole.value.item() == pytest.approx(pixel[["p0", "p1", "p3"]].mean()) and whole.n.item() == 3
    assert calm.value.item() == pixel["p1"]
    avbench(*command[:-1], "other", "--workers", "0")
    assert (tmp_path / "other" / "set_scores.parquet").read_bytes() == (
        tmp_path / "r" / "set_scores.parquet"
    ).read_bytes()

    assert "set toy_set ↑ [signal]" in avbench("report", "r").stdout
    assert "A set column is one number" in avbench("report", "r").stdout
    assert "toy\\_set" in avbench("report", "r", "--format", "markdown").stdout
    assert r"set toy\_set" in avbench("report", "r", "--format", "latex").stdout
    rows = list(csv.DictReader(io.StringIO(avbench("report", "r", "--format", "csv").stdout)))
    (row,) = [row for row in rows if row["metric"] == "toy_set"]
    assert (row["of_set"], float(row["mean"]), row["scored"], row["asked"]) == ("True", whole.value.item(), "3", "4")
    measures = json.loads(avbench("report", "r", "--format", "json").stdout)["measures"]
    assert [m["of_set"] for m in measures] == [False, False, True]
    assert "not by language" in avbench("report", "r", "--by", "language").stdout

    done = avbench(*command[:-1], "faulty", "--workers", "1", code=3, TOY_POOL="raise")
    assert "as was asked" in done.stderr
    assert "set toy_set" in avbench("report", "faulty").stdout
