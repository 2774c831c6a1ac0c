"""What a run folder may hold beside scores, each in a place of its own: a gate's verdict, and figures.

`gate.json` is what `avbench gate RUN --baseline BASE --json` prints, `validate.json` what `avbench validate` writes,
`training` a folder of `avbench train`, `figures.json` a list of figures (`figure` says of what). What cannot be read
is said on the page and never stops a report.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

from avbench.leaderboard import number
from avbench.results import Run

from . import training, validation
from .plots import Axis, Line, axis, line


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verdict, its numbers as they are printed; empty where there is none."""

    verdict: str
    title: str
    reason: str
    baseline: str
    candidate: str
    effect: str
    interval: str
    margin: str
    p: str
    mde: str
    n: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate said of a candidate against a baseline; `checks` begin with those that matter most."""

    word: str
    candidate: str
    baseline: str
    level: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def telling(self) -> tuple[Check, ...]:
        """What failed or could not be told."""
        return tuple(check for check in self.checks if check.verdict in ("fail", "inconclusive"))


@dataclass(frozen=True, slots=True)
class Figure:
    """Curves, or a heat map of `heat` rows by columns with values of 0..100 and their texts."""

    title: str
    x_label: str
    y_label: str
    across: Axis | None = None
    along: Axis | None = None
    lines: tuple[Line, ...] = ()
    columns: tuple[str, ...] = ()
    heat: tuple[tuple[str, tuple[tuple[int, str], ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Slots:
    """All of it, in the order of the runs; `broken` says which files could not be read."""

    verdicts: tuple[Verdict, ...] = ()
    figures: tuple[Figure, ...] = ()
    broken: tuple[str, ...] = ()


def read_slots(runs: Sequence[Run]) -> Slots:
    """What the runs' folders hold."""
    broken: list[str] = []

    def each(name: str, read: Callable[[Path], list[Any]]) -> list[Any]:
        found = []
        for run in runs:
            try:
                found += read(run.folder / name)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                broken.append(f"{Path(run.name, name)} cannot be shown: {type(error).__name__}: {error}")
        return found

    verdicts = each("gate.json", lambda path: [verdict(_json(path))])
    figures = each("validate.json", lambda path: [figure(item) for item in validation.figures_of(_json(path))])
    figures += each("training", lambda path: [figure(item) for item in training.figures_of(path)])
    figures += each("figures.json", lambda path: [figure(item) for item in _json(path)])
    return Slots(tuple(verdicts), tuple(figures), tuple(broken))


def verdict(found: Mapping[str, Any]) -> Verdict:
    """A gate's JSON. Raises KeyError, TypeError or ValueError where it is something else."""
    order = {"fail": 0, "inconclusive": 1, "pass": 2}
    checks = sorted((_check(check) for check in found["checks"]), key=lambda check: order.get(check.verdict, 3))
    return Verdict(
        word=str(found["verdict"]),
        candidate=str(found["candidate"]),
        baseline=str(found["baseline"]),
        level=f"{100 * float(found['level']):.0f} %",
        checks=tuple(checks),
        notes=tuple(map(str, found.get("notes", ()))),
    )


def figure(found: Mapping[str, Any]) -> Figure:
    """A figure's JSON: `title`, `x_label`, `y_label`, and either `series` ({name, x, y} each) or `rows`, `columns` and
    `values` (a list a row) of a heat map. A null is a gap; `y_range` are values that the upright axis reaches at least.
    """
    title, x_label, y_label = str(found["title"]), str(found.get("x_label", "")), str(found.get("y_label", ""))
    if "series" in found:
        reach = _numbers(found.get("y_range", ()))
        series = [(str(s["name"]), _numbers(s["x"]), _numbers(s["y"])) for s in found["series"]]
        across, along = axis([v for _, x, _ in series for v in x]), axis([v for *_, y in series for v in y], *reach)
        lines = tuple(line(name, across, along, x, y) for name, x, y in series)
        return Figure(title, x_label, y_label, across, along, lines)
    values = [_numbers(row) for row in found["values"]]
    known = [value for row in values for value in row]
    scale, digits = axis(known), ".2f" if all(isnan(v) or abs(v) <= 1 for v in known) else ".3g"  # a share, or anything
    heat = tuple(
        (str(name), tuple((0, "–") if isnan(v) else (int(scale.place(v)), f"{v:{digits}}") for v in row))
        for name, row in zip(found["rows"], values, strict=True)
    )
    return Figure(title, x_label, y_label, columns=tuple(map(str, found["columns"])), heat=heat)


def _check(found: Mapping[str, Any]) -> Check:
    decimals = int(found.get("decimals", 3))

    def shown(name: str) -> str:
        value = found.get(name)
        return "" if value is None else number(float(value), decimals)

    subject = f"{found['name']} [{found['backend']}]" if found.get("backend") else str(found["name"])
    kind = str(found.get("kind", ""))
    if kind in ("guard", "coverage"):
        subject = f"{kind} {subject}"
    p = found.get("p_adjusted")
    low, high = shown("low"), shown("high")
    return Check(
        verdict=str(found["verdict"]),
        title=" · ".join(filter(None, (str(found.get("model", "")), str(found.get("suite", "")), subject))),
        reason=str(found.get("reason", "")),
        baseline=shown("baseline"),
        candidate=shown("candidate"),
        effect=shown("effect"),
        interval=f"{low} to {high}" if low and high else "",
        margin=shown("margin"),
        p="" if p is None else f"{float(p):.3g}",
        mde=shown("mde"),
        n=int(found.get("n") or 0),
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _numbers(found: Sequence[Any]) -> list[float]:
    return [nan if value is None else float(value) for value in found]
