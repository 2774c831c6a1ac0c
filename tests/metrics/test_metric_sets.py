"""Metric sets: what they select, what a report shows of them, and the page that describes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from avbench.errors import UsageError
from avbench.leaderboard import Cell, Leaderboard, Measure, Row
from avbench.metric_sets import MetricSet, common_set, load_set, set_names, view
from avbench.parts import Metric
from avbench.plan import MetricFacts, choose_metrics
from avbench.published import meaning, published_tables
from avbench.records import Column, Direction
from avbench.registry import load, names
from avbench.reports.table import Table
from avbench.set_metric import SetMetric

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metric_sets.md"
BEGIN, END = "<!-- sets: written by tests/metrics/test_metric_sets.py -->\n", "<!-- end of sets -->\n"


def here() -> dict[str, tuple[str, str]]:
    """Column to its metric and backend."""
    found: dict[str, tuple[str, str]] = {}
    for name in names(Metric):
        metric = load(Metric, name)
        of_set = metric.set_columns if issubclass(metric, SetMetric) else ()
        # a scorer trained on the world shares its columns with the official one, which comes first
        official = metric.backend.removesuffix("+unverified")  # as a test before may have loaded it
        found = {column.name: (name, official) for column in (*metric.columns, *of_set)} | found
    return found


def page(chosen: MetricSet, known: dict[str, tuple[str, str]]) -> str:
    titles = ("title", "column", "metric", "checkpoint", "scale", "protocol", "known to differ")
    lines = [
        f"\n## `{chosen.name}`\n\n{chosen.summary}.\n",
        "| " + " | ".join(titles) + " |",
        "| --- " * len(titles) + "|",
    ]
    for column in chosen.columns:
        metric, backend = known.get(column.metric, ("not here yet", "–"))
        scale = "" if column.scale == 1 else f"x {column.scale:g}"
        metric = f"`{metric}`" if column.metric in known else metric
        cells = (column.title, f"`{column.metric}`", metric, backend, scale, column.protocol, column.deviation)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def test_the_page_is_up_to_date() -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    known = here()
    wanted = before + BEGIN + "".join(page(load_set(name), known) for name in set_names()) + "\n" + END + after
    if os.environ.get("AVBENCH_UPDATE_DOCS"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "run AVBENCH_UPDATE_DOCS=1 pytest on this file"


def test_sets_have_the_papers_titles_in_the_papers_meaning() -> None:
    """Every title of Harmony's and JoVA's tables is a column of the same metric on the same scale as `--published`."""
    for name, source, suites in (
        ("harmony", "harmony", {"ambient", "speech", "complex"}),
        ("verse", "jova", {"verse"}),
    ):
        columns = {column.title: column for column in load_set(name).columns}
        tables = [table for table in published_tables(suites) if table.source == source]
        titles = {title for table in tables for title in table.titles}
        assert titles and titles <= columns.keys()
        for title in titles:
            stands = meaning(source, title)
            assert (columns[title].metric, columns[title].scale) == (stands.metric, stands.scale)


def test_a_set_chooses_its_metrics_and_the_guards() -> None:
    def fact(name: str, *columns: str, guard: bool = False) -> MetricFacts:
        shown = tuple(Column(c, "", Direction.UP, 0, 1, "", "", guard=guard) for c in columns)
        return MetricFacts(name, shown, "signal", "1", core=True)

    facts = [
        fact("audiobox", "audiobox_pq"),
        fact("guards", "silent", guard=True),
        fact("lipsync", "lse_c"),
        fact("x", "y"),
    ]
    choice = choose_metrics("harmony", facts)
    assert [metric.name for metric in choice.metrics] == ["audiobox", "guards", "lipsync"]
    assert choice.required == {"audiobox", "lipsync"}
    assert len(choose_metrics("harmony,x", facts).metrics) == 4
    with pytest.raises(UsageError, match=r"known: core, harmony, .*, verse, lse_c"):
        choose_metrics("lse_", facts)
    with pytest.raises(UsageError, match="list sets"):
        load_set("harmoni")


def test_a_view_has_the_papers_order_titles_and_scale() -> None:
    columns = [
        Column(name, "1", Direction.UP, 0, 10, "", "") for name in ("ib_av", "aesthetic_v25", "unwanted", "audiobox_pq")
    ]
    cells = (Cell(0.2, 0.1, 0.3, 4), Cell(5.0, 4.0, 6.0, 4), Cell(1.0, scored=4), Cell(3.0, scored=3, unscored=1))
    row = Row("ours", "ambient", "", cells, ())
    board = Leaderboard(tuple(Measure(column, "net") for column in columns), (), (row,))
    text = Table().render(view(board, load_set("harmony")))
    lines = [line.split() for line in text.splitlines()[3:6]]
    assert lines == [
        ["AQ", "↑", "[net]", "0.50", "±0.10", "4/4"],
        ["PQ", "↑", "[net]", "3.00", "3/4"],
        ["IB", "↑", "[net]", "0.20", "±0.10", "4/4"],
    ]
    assert "unwanted" not in text
    assert "that these runs do not have: IQ (musiq_koniq)" in " ".join(text.split())


def test_runs_that_asked_for_one_set_are_shown_as_it() -> None:
    assert common_set(["harmony", "harmony"]) is load_set("harmony")
    assert (
        common_set(["harmony", "verse"])
        is common_set(["core"])
        is common_set(["harmony,core"])
        is common_set([])
        is None
    )


@pytest.mark.slow
def test_the_command_line_lists_and_reports_sets(avbench: Any) -> None:
    assert "verse" in avbench("list", "sets").stdout
    assert "LSE-C, AV-A, WER" in avbench("list", "sets", "--json").stdout
    suite = avbench.suite({}, name="ambient_like")
    avbench("run", "--model", "toy", "--suite", suite, "--metrics", "cpcer,toy_level", "--out", "r", "--workers", "0")
    shown = avbench("report", "r", "--set", "verse").stdout
    assert "toy_pixel" not in shown and "Columns of the set verse" in shown
    assert "unknown metric set" in avbench("report", "r", "--set", "versa", code=2).stderr
