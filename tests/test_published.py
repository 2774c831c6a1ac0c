"""The papers' numbers: complete, unchanged, and each title explained."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from avbench.published import (
    MEANINGS,
    SOURCES,
    SUITES,
    meaning,
    published_tables,
    published_values,
)
from avbench.records import Direction

Key = tuple[str, ...]


def test_all_685_numbers_equal_those_of_the_shared_tables(shared: Path) -> None:
    fields = ("source", "table", "benchmark", "subset", "method", "metric", "value", "direction")
    expected: list[Key] = []
    for name in ("seed_tables.csv", "main_papers.csv"):
        with (shared / "published" / name).open(newline="", encoding="utf-8") as file:
            expected += [tuple(row[field] for field in fields) for row in csv.DictReader(file)]
    got = [
        (v.source, v.table, v.benchmark, v.subset, v.method, v.metric, v.printed, v.direction)
        for v in published_values()
    ]
    assert len(got) == 685
    assert got == expected


def test_a_number_is_named_once() -> None:
    keys = {(v.source, v.table, v.benchmark, v.subset, v.method, v.metric) for v in published_values()}
    assert len(keys) == len(published_values()) == 685


def test_every_title_and_source_is_explained_and_no_explanation_is_idle() -> None:
    used = set()
    for value in published_values():
        assert value.source in SOURCES
        assert meaning(value.source, value.metric).difference
        used.add(meaning(value.source, value.metric))
    assert used == set(MEANINGS.values())


def test_titles_that_papers_use_differently_are_different_metrics() -> None:
    assert meaning("harmony", "MS").metric == "motion_smoothness" == meaning("harmony-main", "MS").metric
    assert meaning("jova", "MS").metric == "motion_score"
    assert meaning("harmony", "AQ").metric != meaning("uniavgen", "AQ").metric
    assert meaning("uniavgen", "WER").unit == "%"
    assert {meaning(source, "WER").unit for source in ("harmony", "harmony-main", "jova", "uniavgen-main")} == {
        "fraction"
    }


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_each_suite_finds_the_tables_of_its_benchmark(suite: str) -> None:
    tables = published_tables([suite])
    assert tables
    assert {(t.benchmark, t.subset) for t in tables} == {SUITES[suite]}


def test_ambient_is_the_environment_subset_of_harmony_bench() -> None:
    (table,) = published_tables(["ambient"])
    assert (table.source, table.table, table.subset) == ("harmony", "T1", "environment")
    assert table.methods == ("MM-Diffusion", "JavisDiT", "UniVerse-1", "Ovi", "Harmony (Ours)")
    desync = table.value("Harmony (Ours)", "DeSync")
    assert desync is not None and desync.direction is Direction.DOWN
    assert table.value("MM-Diffusion", "DeSync") is None


def test_the_average_comes_only_with_all_three_subsets() -> None:
    assert "average" not in {t.subset for t in published_tables(["ambient", "speech"])}
    assert "average" in {t.subset for t in published_tables(["ambient", "speech", "complex", "speech-zh"])}


def test_suites_of_no_paper_have_no_table() -> None:
    assert published_tables(["mine"]) == ()
