"""`avbench list`: the parts there are."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from avbench.cli._options import AsJson
from avbench.errors import UsageError
from avbench.parts import Benchmark, Generator, Metric
from avbench.progress import say
from avbench.registry import names, summary

Row = dict[str, object]


class Kind(StrEnum):
    """What can be listed."""

    MODELS = "models"
    SUITES = "suites"
    METRICS = "metrics"
    SETS = "sets"
    WEIGHTS = "weights"


def list_parts(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: AsJson = False,
    columns: Annotated[bool, typer.Option("--columns", help="Metrics: load them and list every column.")] = False,
) -> None:
    """List models, suites, metrics, metric sets or weights, one a line."""
    rows = _columns() if columns and kind is Kind.METRICS else ROWS[kind]()
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    shown = [{key: "" if cell is None else str(cell) for key, cell in row.items()} for row in rows]
    widths = {key: max(len(key), *(len(row[key]) for row in shown)) for key in shown[0]} if shown else {}
    for row in [{key: key for key in widths}, *shown]:
        typer.echo("  ".join(cell.ljust(widths[key]) for key, cell in row.items()).rstrip())


def _parts(kind: type) -> list[Row]:
    rows: list[Row] = []
    for name in names(kind):
        try:
            rows.append({"name": name, "summary": summary(kind, name)})
        except UsageError as error:
            rows.append({"name": name, "summary": f"BROKEN: {error}"})
    return rows


def _suites() -> list[Row]:
    from avbench.suites import load_suite

    rows: list[Row] = []
    for part in _parts(Benchmark):
        try:
            suite = load_suite(str(part["name"]))
        except UsageError as error:
            rows.append(
                {"name": part["name"], "size": None, "version": "", "digest": "", "summary": f"BROKEN: {error}"}
            )
            continue
        rows.append({"name": suite.name, "size": len(suite.prompts), "version": suite.version})
        rows[-1] |= {"digest": suite.digest[:12], "summary": part["summary"]}
    return rows


def _columns() -> list[Row]:
    from avbench.executor import InProcess
    from avbench.scoring import describe_metrics

    rows: list[Row] = []
    for metric in describe_metrics(InProcess("cpu")):
        for column in (*metric.columns, *metric.set_columns):
            of_set = column in metric.set_columns
            rows.append({"name": column.name, "metric": metric.name, "backend": metric.backend, "of_set": of_set})
            rows[-1] |= {"unit": column.unit, "better": column.direction.value, "low": column.low, "high": column.high}
            rows[-1] |= {"summary": column.summary, "source": column.source}
        if metric.broken:
            say(f"metric {metric.name!r} is left out: {metric.broken}")
    return rows


def _sets() -> list[Row]:
    from avbench.metric_sets import load_set, set_names

    found = [load_set(name) for name in set_names()]
    return [
        {"name": s.name, "columns": ", ".join(column.title for column in s.columns), "summary": s.summary}
        for s in found
    ]


def _weights() -> list[Row]:
    from avbench.weights import path_of, table

    return [
        {
            "name": weights.id,
            "there": path_of(weights).is_file(),
            "licence": weights.licence,
            "commercial": weights.commercial,
            "file": weights.file,
            "note": weights.note,
        }
        for weights in table().values()
    ]


ROWS: dict[Kind, Callable[[], list[Row]]] = {
    Kind.MODELS: lambda: _parts(Generator),
    Kind.SUITES: _suites,
    Kind.METRICS: lambda: _parts(Metric),
    Kind.SETS: _sets,
    Kind.WEIGHTS: _weights,
}
