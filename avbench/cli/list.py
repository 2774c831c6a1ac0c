"""`avbench list`: the parts there are."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from avbench.cli._options import AsJson
from avbench.errors import UsageError
from avbench.parts import Benchmark, Generator, Metric
from avbench.progress import say
from avbench.registry import load, names, summary

Row = dict[str, Any]


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
    name: Annotated[str, typer.Argument(help="Metrics: one of them, or one of its columns, in full.")] = "",
    detail: Annotated[
        bool, typer.Option("--detail", help="Models: load them and list size, memory and FLOPs a clip of every preset.")
    ] = False,
) -> None:
    """List models, suites, metrics, metric sets or weights, one a line.

    Metrics are listed without loading them; `list metrics NAME` and `list metrics --json` load them and say all:
    columns with unit, direction, range, protocol and source, checkpoints, licence, the shortest clip and the cost.
    """
    if name and kind is not Kind.METRICS:
        raise UsageError(f"avbench list {kind} takes no name; only metrics do")
    if name and not as_json:
        typer.echo(_in_full(name))
        return
    if kind is Kind.METRICS and not columns and (as_json or name):
        typer.echo(json.dumps(_facts(name), indent=1, allow_nan=False))
        return
    if kind is Kind.MODELS and detail:
        rows = _details()
    else:
        rows = _columns() if columns and kind is Kind.METRICS else ROWS[kind]()
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    shown = [{key: "" if cell is None else str(cell) for key, cell in row.items()} for row in rows]
    widths = {key: max(len(key), *(len(row[key]) for row in shown)) for key in shown[0]} if shown else {}
    for row in [{key: key for key in widths}, *shown]:
        typer.echo("  ".join(cell.ljust(widths[key]) for key, cell in row.items()).rstrip())


def _facts(name: str) -> list[Row]:
    """All that is known of a metric, or of all."""
    from avbench.executor import InProcess
    from avbench.facts import rows
    from avbench.plan import choose_metrics
    from avbench.scoring import describe_metrics

    found = describe_metrics(InProcess("cpu"), name) if name else describe_metrics(InProcess("cpu"))
    chosen = choose_metrics(name, found).metrics if name else found
    summaries = {row["name"]: row["summary"] for row in _parts(Metric)}
    told = [{"name": row["name"], "summary": summaries.get(row["name"], ""), **row} for row in rows(chosen)]
    broken = [{"name": m.name, "summary": f"BROKEN: {m.broken}"} for m in chosen if m.broken]
    return sorted(told + broken, key=lambda row: str(row["name"]))


def _in_full(name: str) -> str:
    """A metric's facts for people."""
    from textwrap import fill

    lines: list[str] = []
    for row in _facts(name):
        spent = row["cpu_seconds_per_second"]
        price = f"{spent:.3g} CPU s a second of clip ({row['cost_measured']})" if spent else str(row["cost_measured"])
        ids = ", ".join(str(checkpoint["id"]) for checkpoint in row["checkpoints"])
        lines += [f"{row['name']}: {row['summary']}", ""]
        about = {"backend": row["backend"], "protocol version": row["version"], "checkpoints": ids or "none"}
        about |= {"licence": row["licence"], "shortest clip": row["shortest_clip"] or "not stated", "cost": price}
        lines += [f"  {key:18}{value}" for key, value in about.items()]
        for column in row["columns"]:
            low, high = ("∞" if bound is None else f"{bound:g}" for bound in (column["low"], column["high"]))
            low = f"-{low}" if low == "∞" else low
            kind = "of a set, " if column["of_set"] else ""
            unit, better = column["unit"], column["better"]
            lines += ["", f"  {column['name']}  ({kind}{unit}, better: {better}, {low} … {high})"]
            words = f"{column['protocol']}. Source: {column['source']}"
            lines.append(fill(words, 110, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)


def _parts(kind: type) -> list[Row]:
    rows: list[Row] = []
    for name in names(kind):
        try:
            rows.append({"name": name, "summary": summary(kind, name)})
        except UsageError as error:
            rows.append({"name": name, "summary": f"BROKEN: {error}"})
    return rows


def _details() -> list[Row]:
    rows: list[Row] = []
    for name in names(Generator):
        try:
            found = load(Generator, name).details()
        except UsageError as error:
            say(f"model {name!r} is left out: {error}")
            continue
        rows += [{"name": name, **row} for row in found]
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
            "MB": weights.megabytes or None,
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
