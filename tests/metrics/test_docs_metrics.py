"""docs/metrics.md lists every column of the signal metrics as the code declares it."""

from __future__ import annotations

import os
from pathlib import Path

from avbench.parts import Metric
from avbench.records import Column
from avbench.registry import load, names

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
BEGIN, END = "<!-- columns: written by tests/metrics/test_docs_metrics.py -->\n", "<!-- end of columns -->\n"
BETTER = {"up": "higher", "down": "lower", "zero": "nearer 0", "none": "–"}


def row(metric: str, column: Column) -> str:
    name = f"`{column.name}`" + (" (guard)" if column.guard else "")
    low, high = (f"{value:g}".replace("inf", "∞") for value in (column.low, column.high))
    cells = (
        name,
        f"`{metric}`",
        column.unit,
        BETTER[column.direction],
        f"{low} … {high}",
        column.summary,
        column.source,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def table() -> str:
    titles = ("column", "metric", "unit", "better", "range", "what, and when it applies", "source")
    head = "| " + " | ".join(titles) + " |\n" + "| --- " * len(titles) + "|\n"
    parts = ((name, load(Metric, name)) for name in names(Metric))
    signal = ((name, part) for name, part in parts if part.backend == "signal")
    return head + "".join(row(name, column) for name, part in signal for column in part.columns)


def test_the_page_is_up_to_date() -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    wanted = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if os.environ.get("AVBENCH_UPDATE_DOCS"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "run AVBENCH_UPDATE_DOCS=1 pytest on this file"


def test_columns_have_one_name_each() -> None:
    """Within a backend: what the world's scorers share with the official networks, the backend keeps apart."""
    metrics = [load(Metric, name) for name in names(Metric)]
    columns = [(metric.backend, column.name) for metric in metrics for column in metric.columns]
    assert len(columns) == len(set(columns))
