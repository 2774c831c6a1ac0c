"""`avbench report`: a run's scores, or several runs', as a leaderboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from avbench.files import write_atomically
from avbench.parts import Report
from avbench.registry import load, names


def report(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run folders; none: the latest under runs/.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help=f"One of {', '.join(names(Report))}.")
    ] = "table",
    by: Annotated[str, typer.Option(metavar="GROUP", help="Rows by subset, language, tag, or one tag:KEY.")] = "",
    published: Annotated[
        bool, typer.Option("--published", help="Add the papers' tables on the same benchmarks.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of to the terminal.")] = None,
) -> None:
    """Print the leaderboard: mean, 95 % interval and scored/asked, best and second best marked, guards beside.

    Several runs stand in one table; a model that occurs in more than one keeps a row for each. Runs with other prompts
    of a suite or another protocol of a metric are refused.
    """
    part = load(Report, form)()
    from dataclasses import replace

    from avbench.leaderboard import build, needs_prompts
    from avbench.published import published_tables
    from avbench.results import latest_run, read, read_prompts

    runs = runs or [latest_run()]
    results = read(runs)
    board = build(results.scores, results.measures, by, read_prompts(runs) if needs_prompts(by) else ())
    board = replace(board, notes=results.notes)
    if published:
        tables = published_tables(row.suite for row in board.rows)
        note = () if tables else ("No published table is about these suites.",)
        board = replace(board, published=tables, notes=board.notes + note)
    text = part.render(board)
    if out is None:
        typer.echo(text, nl=False)
    else:
        plain = re.sub(r"\x1b\[\d+m", "", text)  # a table is coloured when the terminal is; a file never is
        write_atomically(out, lambda path: path.write_text(plain, encoding="utf-8", newline=""))
