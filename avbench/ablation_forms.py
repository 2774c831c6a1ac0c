"""The forms of an ablation's comparison: text for a terminal, Markdown for a page, CSV and JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import textwrap
from collections.abc import Iterator

from avbench.ablation_table import Comparison, Line
from avbench.leaderboard import number
from avbench.published import SOURCES, PublishedTable, meaning
from avbench.records import Direction

ARROW = {Direction.UP: " ↑", Direction.DOWN: " ↓", Direction.ZERO: " →0", Direction.NONE: ""}
ABSENT = "–"
HEAD = ("row", "paper", "here", "gap, paper", "gap, here", "direction")
LEGEND = (
    "Here: mean ± half its 95 % interval (Student t, clustered by prompt) and clips scored/asked. Gap: the row less "
    "the full model, here on the same prompts and noise, with its 95 % interval (studentised or BCa bootstrap). "
    "Direction: whether that interval, and every training by itself, has the paper's sign. "
    "Ours are small models scored by small scorers: compare signs, not numbers."
)


def caption(found: Comparison) -> str:
    ablation, theirs = found.ablation, found.theirs
    trainings = f", {ablation.trainings} trainings a row" if ablation.trainings > 1 else ""
    return (
        f"{SOURCES[theirs.source]}, {theirs.table} ({theirs.benchmark}) beside ours (preset {ablation.preset}, "
        f"{found.steps} steps{trainings}; {', '.join(found.suites)}, {found.prompts} prompts)"
    )


def text(found: Comparison, width: int = 100) -> str:
    """Aligned columns, a block a measure that the paper has."""
    blocks = [textwrap.fill(caption(found), width)]
    for title, rows in _blocks(found):
        table = [(title, *HEAD[1:]), *rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(HEAD))]
        lines = ["  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in table]
        blocks.append("\n".join([lines[0], "─" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]]))
    blocks.append("\n".join(textwrap.fill(note, width, subsequent_indent="  ") for note in notes(found)))
    return "\n\n".join(blocks) + "\n"


def markdown(found: Comparison) -> str:
    """A section of docs/ablations.md."""
    blocks = [f"### {caption(found)}"]
    for title, rows in _blocks(found):
        head = [(title, *HEAD[1:]), ("---", *["---:"] * 4, "---")]
        blocks.append(
            "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (*head, *rows))
        )
    blocks.append("\n".join(f"- {note}" for note in notes(found)))
    return "\n\n".join(blocks) + "\n"


def as_csv(found: Comparison) -> str:
    """One row a row of the table and measure, those without a title of the paper included."""
    file = io.StringIO()
    rows = list(_flat(found))
    writer = csv.DictWriter(file, list(rows[0]) if rows else ["row"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: " ".join(map(str, v)) if isinstance(v, list) else v for k, v in row.items()})
    return file.getvalue()


def as_json(found: Comparison) -> str:
    """Strict JSON: the rows of the CSV, and what the table is."""
    ablation = found.ablation
    content = {
        "system": ablation.system,
        "table": ablation.table,
        "preset": ablation.preset,
        "steps": found.steps,
        "trainings": ablation.trainings,
        "suites": found.suites,
        "prompts": int(found.prompts),
        "hours": dict(found.hours),
        "absent": found.absent,
        "rows": list(_flat(found)),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def notes(found: Comparison) -> list[str]:
    """What to know besides: the legend, what is not measured here, why clips have no score, hours."""
    said = [LEGEND]
    needs = {title: meaning(found.theirs.source, title) for title in found.absent}
    wanted = [f"{title} needs {stands.metric}" for title, stands in needs.items() if stands.metric]
    if wanted:
        said.append(f"In the paper alone; --metrics adds them where their weights are: {', '.join(wanted)}.")
    said += [
        f"{title} is in the paper alone: {stands.difference}." for title, stands in needs.items() if not stands.metric
    ]
    reasons: dict[tuple[str, int, str], list[str]] = {}
    for line in found.lines:
        if line.title and line.ours.asked > line.ours.scored:
            key = line.title, line.ours.asked - line.ours.scored, line.ours.reason
            reasons.setdefault(key, []).append(line.row)
    said += [
        f"{title}: {n} clips without a score ({why}): {', '.join(rows)}" for (title, n, why), rows in reasons.items()
    ]
    said.append("Hours of training: " + ", ".join(f"{name} {hours:g}" for name, hours in found.hours.items()) + ".")
    return said


def _blocks(found: Comparison) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    blocks: dict[str, list[tuple[str, ...]]] = {}
    for line in found.lines:
        if line.title:
            column = line.measure.column
            name = f"{line.title}{ARROW[column.direction]} ({column.name} [{line.measure.backend}])"
            blocks.setdefault(name, []).append(_cells(line, found.theirs))
    if not blocks:  # nothing of the paper's is measured: its rows all the same
        rows = [(row.name, *[ABSENT] * 4, "") for row in found.ablation.rows]
        blocks["no measure in common"] = rows
    yield from blocks.items()


def _cells(line: Line, theirs: PublishedTable) -> tuple[str, ...]:
    printed = theirs.value(line.row, line.title)
    decimals = line.measure.column.decimals
    cell, gap = line.ours, line.gap
    ours = f"{ABSENT} {cell.scored}/{cell.asked}"
    if cell.mean is not None:
        half = "" if cell.low is None or cell.high is None else f" ±{number((cell.high - cell.low) / 2, decimals)}"
        ours = f"{number(cell.mean, decimals)}{half} {cell.scored}/{cell.asked}"
    away = ABSENT
    if gap is not None:
        ends = ", ".join(
            f"{'+' if end > 0 else '-'}∞" if math.isinf(end) else f"{end:+.{decimals}f}" for end in (gap.low, gap.high)
        )
        away = f"{gap.mean:+.{decimals}f} [{ends}]"
        if len(gap.each) > 1:
            away += " (" + ", ".join(f"{one:+.{decimals}f}" for one in gap.each) + ")"
    return (
        line.row,
        printed.printed if printed else ABSENT,
        ours,
        "full model" if line.full else ABSENT if line.paper_gap is None else f"{line.paper_gap:+.3g}",
        "full model" if line.full else away,
        line.reading,
    )


def _flat(found: Comparison) -> Iterator[dict[str, object]]:
    for line in found.lines:
        cell, gap = line.ours, line.gap
        yield {
            "row": line.row,
            "checkpoint": line.checkpoint,
            "full": line.full,
            "title": line.title,
            "metric": line.measure.column.name,
            "backend": line.measure.backend,
            "of_set": line.measure.of_set,
            "direction": line.measure.column.direction.value,
            "paper": line.paper,
            "mean": cell.mean,
            "ci_low": cell.low,
            "ci_high": cell.high,
            "scored": cell.scored,
            "asked": cell.asked,
            "reason": cell.reason,
            "paper_gap": None if line.paper_gap is None else round(line.paper_gap, 6),
            "gap": gap and gap.mean,
            "gap_low": gap and _finite(gap.low),
            "gap_high": gap and _finite(gap.high),
            "gap_prompts": gap and gap.prompts,
            "gap_by_training": gap and list(gap.each),
            "reading": line.reading,
        }


def _finite(end: float) -> float | None:
    return end if math.isfinite(end) else None
