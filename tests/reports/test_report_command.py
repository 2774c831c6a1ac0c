"""`avbench report` on run folders: one run, several, the papers beside, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from avbench.cli.report import report
from avbench.errors import IncompleteError, UsageError
from avbench.lock import take

MakeRun = Callable[..., Path]
COLUMN = {
    "name": "av_align",
    "metric": "av_align",
    "unit": "",
    "direction": "up",
    "low": 0.0,
    "high": 1.0,
    "summary": "what it is",
    "source": "a paper",
    "guard": False,
    "decimals": 3,
    "backend": "signal",
}


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run folder as the engine leaves it: run.json and scores.parquet."""

    def make(
        name: str,
        values: list[float],
        *,
        model: str = "world",
        suite: str = "ambient",
        digest: str = "d" * 64,
        version: str = "1",
        state: str = "done",
    ) -> Path:
        run = tmp_path / "runs" / name
        run.mkdir(parents=True)
        pd.DataFrame(
            {
                "model": model,
                "suite": suite,
                "subset": "",
                "prompt_id": [f"p{i}" for i in range(len(values))],
                "seed": 0,
                "metric": "av_align",
                "backend": "signal",
                "value": values,
                "status": "ok",
                "reason": "",
            }
        ).to_parquet(run / "scores.parquet")
        info = {
            "state": state,
            "suites": {suite: {"version": "1", "digest": digest}},
            "columns": [{**COLUMN, "version": version}],
        }
        (run / "run.json").write_text(json.dumps(info), encoding="utf-8")
        return run

    return make


def rows(runs: list[Path], capsys: pytest.CaptureFixture[str], **options: object) -> list[dict[str, str]]:
    report(runs, form="csv", **options)  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_one_run(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = rows([make_run("a", [0.25, 0.75])], capsys)
    assert (row["model"], row["suite"], row["mean"], row["scored"], row["asked"]) == (
        "world",
        "ambient",
        "0.5",
        "2",
        "2",
    )


def test_without_a_run_the_latest_is_reported(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for age, name in ((300, "z"), (100, "m"), (200, "a")):
        run = make_run(name, [age / 1000])
        os.utime(run / "run.json", (1e9 - age, 1e9 - age))
    monkeypatch.chdir(run.parents[1])
    assert [row["mean"] for row in rows([], capsys)] == ["0.1"]


def test_no_run_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="avbench run"):
        report(None, form="table")


def test_runs_of_different_models_share_a_table(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [make_run("a", [0.5, 0.6, 0.7]), make_run("b", [0.25, 0.36, 0.44], model="harmony")]
    got = rows(runs, capsys)
    assert [(row["model"], row["mark"]) for row in got] == [("harmony", "second"), ("world", "best")]
    assert [(row["rank_best"], row["rank_worst"]) for row in got] == [("2", "2"), ("1", "1")]


def test_a_model_of_two_runs_keeps_a_row_for_each(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    got = rows([make_run("a", [0.5]), make_run("b", [0.25])], capsys)
    assert [(row["model"], row["mean"]) for row in got] == [("world @ a", "0.5"), ("world @ b", "0.25")]


def test_runs_of_one_name_are_told_apart_by_their_parents(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    got = rows([make_run("x/r", [0.5]), make_run("y/r", [0.25])], capsys)
    assert [row["model"] for row in got] == [f"world @ {Path('x/r')}", f"world @ {Path('y/r')}"]


def test_the_same_run_twice_counts_once(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run("a", [0.5])
    (row,) = rows([run, run / ".." / "a"], capsys)
    assert (row["model"], row["asked"]) == ("world", "1")


def test_other_prompts_of_a_suite_are_refused(make_run: MakeRun) -> None:
    runs = [make_run("a", [0.5]), make_run("b", [0.5], digest="e" * 64)]
    with pytest.raises(UsageError, match=r"runs a and b used different prompts of suite 'ambient'"):
        report(runs, form="table")


def test_another_protocol_version_is_refused(make_run: MakeRun) -> None:
    runs = [make_run("a", [0.5]), make_run("b", [0.5], version="2")]
    with pytest.raises(UsageError, match=r"av_align \(signal\) by protocol versions 1 and 2"):
        report(runs, form="table")


def test_an_interrupted_run_says_so(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    report([make_run("a", [0.5], state="interrupted")], form="table")
    assert "a: this run is interrupted" in capsys.readouterr().out


def test_a_killed_run_is_told_from_one_that_goes_on(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run("a", [0.5], state="running")
    report([run], form="table")
    assert "a: this run is killed" in capsys.readouterr().out
    lock = take(run)
    report([run], form="table")
    assert "a: this run is running" in capsys.readouterr().out
    os.close(lock)


def test_a_run_without_scores_is_incomplete(make_run: MakeRun) -> None:
    with pytest.raises(IncompleteError, match="nothing to report"):
        report([make_run("a", [])], form="table")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"state": "running"}'])
def test_a_folder_that_is_no_finished_run_is_refused(text: str | None, make_run: MakeRun) -> None:
    run = make_run("a", [0.5])
    (run / "run.json").unlink()
    if text is not None:
        (run / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"run\.json"):
        report([run], form="table")


def test_an_unknown_form_is_refused_with_those_that_exist(make_run: MakeRun) -> None:
    with pytest.raises(UsageError, match="csv, eval_results, html, json, latex, markdown, parquet, table"):
        report([make_run("a", [0.5])], form="pdf")


def test_out_writes_the_file_and_nothing_else(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "board.md"
    out.write_text("old", encoding="utf-8")
    run = make_run("a", [0.5])
    report([run], form="markdown", out=out)
    assert capsys.readouterr().out == ""
    assert out.read_text(encoding="utf-8").startswith("### ambient\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board.md", "runs"]


def test_a_file_has_no_colour_though_the_terminal_has(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    runs = [make_run("a", [0.5, 0.6, 0.7]), make_run("b", [0.25, 0.36, 0.44])]
    report(runs, form="table", out=tmp_path / "board.txt")
    text = (tmp_path / "board.txt").read_text(encoding="utf-8")
    assert "**" in text and "\x1b" not in text


def test_the_folder_of_out_is_made_and_a_file_in_its_place_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("a", [0.5])
    report([run], form="csv", out=tmp_path / "new" / "a.csv")
    assert (tmp_path / "new" / "a.csv").is_file()
    with pytest.raises(UsageError, match="cannot write"):
        report([run], form="csv", out=tmp_path / "new" / "a.csv" / "b.csv")


def test_published_tables_stand_beside_and_never_in_our_columns(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("a", [0.5])
    got = rows([run], capsys, published=True)
    assert [row["backend"] for row in got] == ["signal"] + ["published"] * 61
    assert {(row["source"], row["table"], row["subset"]) for row in got[1:]} == {("harmony", "T1", "environment")}
    monkeypatch.setenv("COLUMNS", "100")
    report([run], form="table", published=True)
    text = capsys.readouterr().out
    assert "published: Harmony supplement, T1: Harmony-Bench, environment" in text
    assert "prompts of our own" in text and "JoVA's MS is another metric" in text
    assert max(map(len, text.splitlines())) <= 100


def test_our_number_stands_under_the_title_it_answers_with_its_backend(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COLUMN, "name", "desync")
    run = make_run("a", [0.5])
    scores = pd.read_parquet(run / "scores.parquet").assign(metric="desync")
    scores.to_parquet(run / "scores.parquet")
    report([run], form="markdown", published=True)
    text = capsys.readouterr().out
    header = next(line for line in text.splitlines() if line.startswith("| title"))
    desync = next(line for line in text.splitlines() if line.startswith("| DeSync"))
    assert header.split(" | ")[-1] == "world (here, ambient) |"
    assert desync.split(" | ")[-2:] == ["0.70", "0.500 \\[signal\\] |"]
    assert "(here desync)" in text


def test_published_without_a_table_says_so(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    report([make_run("a", [0.5], suite="mine")], form="table", published=True)
    assert "No published table is about these suites." in capsys.readouterr().out


def test_parquet_has_the_rows_of_the_csv_with_their_types(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run("a", [0.5, 0.6, 0.7]), make_run("b", [0.25, 0.36, 0.44], model="harmony")]
    report(runs, form="parquet", out=tmp_path / "board.parquet")
    got = pd.read_parquet(tmp_path / "board.parquet")
    assert [float(row["mean"]) for row in rows(runs, capsys)] == got["mean"].tolist()
    assert got["scored"].tolist() == [3, 3] and got["mark"].tolist() == ["second", "best"]
    with pytest.raises(UsageError, match="--out"):
        report(runs, form="parquet")


def test_entries_for_the_hub_are_yaml_that_says_what_the_numbers_are(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml = pytest.importorskip("yaml")
    report([make_run("a", [0.5, 0.75], model="@x: 'y'\n#")], form="eval_results")
    (entry,) = yaml.safe_load(capsys.readouterr().out)
    assert entry["dataset"] == {"id": "avbench/ambient", "task_id": "av_align"}
    assert entry["value"] == 0.625
    assert "backend signal, protocol 1, 95 % interval" in entry["notes"] and "2 of 2 clips" in entry["notes"]
