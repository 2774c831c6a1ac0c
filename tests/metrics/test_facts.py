"""No metric of the package lacks a fact that `avbench list metrics --json` states."""

from __future__ import annotations

import json
import math

import pytest

from avbench import facts
from avbench.parts import Metric
from avbench.plan import MetricFacts
from avbench.records import Column, Direction
from avbench.registry import load, names
from avbench.scoring import describe
from avbench.weights import table

OURS = [name for name in names(Metric) if load(Metric, name).__module__.startswith("avbench.")]


@pytest.mark.parametrize("name", OURS)
def test_every_fact_is_there(name: str) -> None:
    found = describe(name)
    (row,) = facts.rows([found])
    assert row["shortest_clip"] and row["backend"] and row["version"] and row["licence"]
    assert row["cost_measured"] and (row["cpu_seconds_per_second"] is None or row["cpu_seconds_per_second"] > 0)
    assert row["columns"]
    for column in row["columns"]:
        assert column["unit"] and column["better"] in {"up", "down", "zero", "none"}
        assert column["protocol"] and column["source"]
        assert all(column[end] is None or math.isfinite(column[end]) for end in ("low", "high"))
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize("name", OURS)
def test_networks_name_their_checkpoints(name: str) -> None:
    """A backend that is neither a signal transform nor shipped has rows in the table of weights."""
    found = describe(name)
    assert set(found.weights) <= set(table())
    if not found.weights:
        assert found.terms or found.backend in {"signal", "speakers.txt"}


def test_costs_are_of_metrics_that_are_there_and_were_measured() -> None:
    assert facts.costs().keys() == set(OURS)
    measured = [cost for cost in facts.costs().values() if cost.seconds is not None]
    assert len(measured) > 35 and all("tests/perf/" in cost.how or "docs/" in cost.how for cost in measured)
    for name, cost in facts.costs().items():
        if cost.seconds is None:
            assert cost.how.startswith("not measured: ") and "needs weights" not in cost.how, name


def test_what_came_from_elsewhere_is_listed_with_what_it_says() -> None:
    column = Column("mine", "1", Direction.UP, 0.0, math.inf, "what", "where")
    (row,) = facts.rows([MetricFacts("mine", (column,), "own", "1"), MetricFacts("gone", broken="no such package")])
    assert row["cpu_seconds_per_second"] is None and "not measured" in str(row["cost_measured"])
    assert row["columns"] == [
        {
            "name": "mine",
            "of_set": False,
            "unit": "1",
            "better": "up",
            "low": 0.0,
            "high": None,
            "protocol": "what",
            "source": "where",
        }
    ]
