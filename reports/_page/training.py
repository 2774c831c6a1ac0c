"""What `avbench train` writes beside its weights, as figures: the losses, and what was measured on held-out data."""

from __future__ import annotations

import csv
from math import ceil, isfinite
from pathlib import Path
from typing import Any

POINTS = 200  # of a curve at most: neighbours are averaged
NO_CURVE = ("step", "rate", "seconds")


def figures_of(folder: Path) -> list[dict[str, Any]]:
    """Figures in the form of figures.json. Raises FileNotFoundError without losses.csv, ValueError where it is none."""
    losses, probe = folder / "losses.csv", folder / "probe.csv"
    figures = [_figure("Training: losses", "loss", losses)]
    if probe.is_file():
        figures.append(_figure("Training: on held-out data", "value", probe))
    return [figure for figure in figures if figure["series"]]


def _figure(title: str, label: str, path: Path) -> dict[str, Any]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "step" not in rows[0]:
        raise ValueError(f"{path.name} has no column `step`")
    names = [name for name in rows[0] if name not in NO_CURVE]
    curves = [_series(name, [(row["step"], row[name]) for row in rows]) for name in names]
    series = [curve for curve in curves if curve["x"]]
    label = series[0]["name"] if len(series) == 1 else label
    return {"title": title, "x_label": "step", "y_label": label, "series": series}


def _series(name: str, cells: list[tuple[str, str]]) -> dict[str, Any]:
    """The curve of a column; one of words (the stage, the task) has no point."""
    points = [(float(step), value) for step, cell in cells if (value := _value(cell)) is not None]
    size = ceil(len(points) / POINTS) or 1
    bins = [points[i : i + size] for i in range(0, len(points), size)]
    x, y = ([sum(point[axis] for point in one) / len(one) for one in bins] for axis in (0, 1))
    return {"name": name, "x": x, "y": y}


def _value(cell: str | None) -> float | None:
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if isfinite(value) else None
