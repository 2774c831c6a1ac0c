"""`avbench report`: a run's scores, or several runs', as a leaderboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avbench.errors import UsageError
from avbench.files import claim, write_atomically
from avbench.parts import BytesReport, FolderReport, Media, Report, TextReport
from avbench.registry import load, names

if TYPE_CHECKING:
    from avbench.results import Results


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
    set_name: Annotated[
        str,
        typer.Option(
            "--set",
            metavar="SET",
            help="A metric set's columns, as its paper shows them; default: the set that the runs asked for.",
        ),
    ] = "",
    media: Annotated[
        Media | None, typer.Option(help="html: clips copied beside the pages (the default), linked, or embedded.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file, not to the terminal. html: this folder, not RUN/report.")
    ] = None,
) -> None:
    """Print the leaderboard: mean, 95 % interval and scored/asked, best and second best marked, guards beside.

    `--format html` fills a folder with pages instead: all models' clips side by side, prompt by prompt.

    Several runs stand in one table; a model that occurs in more than one keeps a row for each. Runs with other prompts
    of a suite or another protocol of a metric are refused.
    """
    part = load(Report, form)()
    if media and not isinstance(part, FolderReport):
        raise UsageError(f"--media is about the clips of a report in pages; {form} shows none")
    from dataclasses import replace

    from avbench.composites import composite_notes
    from avbench.leaderboard import build, needs_prompts
    from avbench.metric_sets import common_set, load_set, view
    from avbench.published import published_tables
    from avbench.results import latest_run, read, read_prompts
    from avbench.seeds import seed_notes

    runs = runs or [latest_run()]
    results = read(runs)
    prompts = read_prompts(runs) if needs_prompts(by) else ()
    board = build(results.scores, results.measures, by, prompts, results.sets)
    more = composite_notes(board, results, prompts) + seed_notes(board, results.scores, prompts)
    board = replace(board, notes=results.notes + more + board.notes)
    chosen = (
        load_set(set_name)
        if set_name
        else common_set([str(run.info.get("options", {}).get("metrics")) for run in results.runs])
    )
    if chosen:
        board = view(board, chosen)
    if published:
        tables = published_tables(row.suite for row in board.rows)
        note = () if tables else ("No published table is about these suites.",)
        board = replace(board, published=tables, notes=board.notes + note)
    if isinstance(part, FolderReport):
        from avbench.evidence import gather

        folder = out or _beside(results)
        claim(folder, ".avbench-report")
        typer.echo(part.write(gather(board, results), folder, media or Media.COPY))
        return
    if isinstance(part, BytesReport):
        data = part.encode(board)
        write_atomically(_named(out, form), lambda path: path.write_bytes(data))
        return
    assert isinstance(part, TextReport)
    text = part.render(board)
    if out is None:
        typer.echo(text, nl=False)
    else:
        plain = re.sub(r"\x1b\[\d+m", "", text)  # a table is coloured when the terminal is; a file never is
        write_atomically(out, lambda path: path.write_text(plain, encoding="utf-8", newline=""))


def _named(out: Path | None, form: str) -> Path:
    if out is None:
        raise UsageError(f"{form} is no text for a terminal: name a file with --out")
    return out


def _beside(results: Results) -> Path:
    if len(results.runs) != 1:
        raise UsageError("several runs in one report: name its folder with --out")
    return results.runs[0].folder / "report"
