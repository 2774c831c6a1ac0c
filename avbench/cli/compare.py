"""`avbench compare`: two runs side by side, the largest differences first."""

from __future__ import annotations

import json
import math
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avbench.cli._options import AsJson
from avbench.text import number, one_line

if TYPE_CHECKING:
    from avbench.differences import ClipPair, Differences, Overall

SHOWN = 3  # changes of a clip that are printed
LEGEND = (
    "B minus A on n prompts in common, with its 95 % interval (of signed offsets: of their distance from zero); p of "
    "the sign-flip test, q by Benjamini-Hochberg over this table; A or B is better where q is below 0.05. "
    "Clips: the largest differences in spreads of the metric (sd) first."
)


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A run's folder, or a file of `avbench gate --save`.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one, of the same prompts.")],
    metric: Annotated[str, typer.Option(help="Only this metric; the clips are then ranked by it.")] = "",
    top: Annotated[int, typer.Option(min=0, help="Clips to list.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Compare two runs prompt by prompt: what is better where, and the clips that differ most, with their paths.

    Runs of other prompts, protocols, weights or backends are refused. It judges nothing: `avbench gate` does.
    """
    from avbench.differences import differences

    found = differences(first, second, metric)
    if as_json:
        typer.echo(json.dumps(_record(found, top), ensure_ascii=False, allow_nan=False, indent=1))
        return
    width = shutil.get_terminal_size((100, 24)).columns
    blocks = [f"A: {one_line(found.first)}\nB: {one_line(found.second)}", _table(found.overall)]
    if found.clips[:top]:
        blocks.append("\n\n".join(map(_clip, found.clips[:top])))
    blocks.append(
        "\n".join(textwrap.fill(one_line(line), width, subsequent_indent="  ") for line in (*found.notes, LEGEND))
    )
    typer.echo("\n\n".join(blocks))


def _table(rows: tuple[Overall, ...]) -> str:
    table = [("metric", "A", "B", "B - A", "p", "q", "n", "better")]
    for row in rows:
        if row.measure.column.guard and row.effect.mean == 0:
            continue
        column, d = row.measure.column, row.measure.column.decimals
        name = " · ".join((row.model, row.suite, f"{column.name} [{row.measure.backend}]"))
        mean, low, high = (_signed(x, d) for x in (row.effect.mean, row.effect.interval.low, row.effect.interval.high))
        numbers = (
            number(row.first, d),
            number(row.second, d),
            f"{mean} [{low}, {high}]",
            f"{row.effect.p:.2g}",
            f"{row.q:.2g}",
        )
        table.append((one_line(name), *numbers, str(row.effect.n), row.better))
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    lines = [
        "  ".join(c.rjust(w) if 0 < i < 7 else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in table
    ]
    return "\n".join([lines[0].rstrip(), "─" * (sum(widths) + 14), *(line.rstrip() for line in lines[1:])])


def _clip(clip: ClipPair) -> str:
    lines = [one_line(f"{clip.model} · {clip.suite} · {clip.prompt} (seed {clip.seed})")]
    for change in clip.changes[:SHOWN]:
        column, d = change.measure.column, change.measure.column.decimals
        unit = f" {column.unit}" if column.unit not in ("", "1", "0/1") else ""
        sizes = f"{number(change.first, d)} → {number(change.second, d)}{unit} ({change.size:+.1f} sd)"
        lines.append(one_line(f"  {column.name} {sizes}"))
    lines += [one_line(f"  {side}: {path}") for side, path in (("A", clip.first), ("B", clip.second)) if path]
    return "\n".join(lines)


def _signed(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return f"{value:+}".replace("inf", "∞")
    return ("+" if round(value, decimals) > 0 else "") + number(value, decimals)


def _record(found: Differences, top: int) -> dict[str, object]:
    """What a program reads: NaN and infinity are null."""

    def plain(value: float) -> float | None:
        return value if math.isfinite(value) else None

    overall = [
        {"model": o.model, "suite": o.suite, "metric": o.measure.column.name, "backend": o.measure.backend}
        | {"a": plain(o.first), "b": plain(o.second), "effect": plain(o.effect.mean), "better": o.better}
        | {"low": plain(o.effect.interval.low), "high": plain(o.effect.interval.high)}
        | {"p": o.effect.p, "q": o.q, "n": o.effect.n}
        for o in found.overall
    ]
    clips = [
        {"model": c.model, "suite": c.suite, "prompt": c.prompt, "seed": c.seed}
        | {"a": c.first and str(c.first), "b": c.second and str(c.second)}
        | {
            "changes": [
                {
                    "metric": x.measure.column.name,
                    "backend": x.measure.backend,
                    "a": x.first,
                    "b": x.second,
                    "sd": x.size,
                }
                for x in c.changes
            ]
        }
        for c in found.clips[:top]
    ]
    return {"a": found.first, "b": found.second, "overall": overall, "clips": clips, "notes": found.notes}
