"""`avbench ablate`: a paper's ablation table on the bundled systems, beside the paper's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avbench.cli import _options as o

METRICS = "lipsync_world,desync_world,wer_world,lip_envelope,onset_offset,temporal_flickering"


def ablate(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="SYSTEM-TABLE: harmony-t4, jova-t5, uniavgen-t6 …")],
    preset: Annotated[str | None, typer.Option(help="Size and recipe of the rows; by default `grid`.")] = None,
    out: Annotated[Path | None, typer.Option(help="Of checkpoints and runs; default runs/ablations/SYSTEM.")] = None,
    suite: o.SuiteNames = "speech",
    limit: o.Limit = 24,
    seeds: o.Seeds = "0",
    metrics: o.Metrics = METRICS,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps a row, in place of the preset's.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and do nothing.")] = False,
) -> None:
    """Train what is missing of a paper's ablation table, sample and score its rows, print ours and the paper's.

    Rows that need the same weights share them, tables of one system share its training set. Interrupted, the same
    command goes on where it stopped.
    """
    from avbench.ablation import ask, find, run, train
    from avbench.cli.report import leaderboard
    from avbench.parts import Report, TextReport
    from avbench.progress import say
    from avbench.registry import load
    from avbench.workers import executor

    system = table.rpartition("-")[0] or table
    found = find(table, preset, out or Path("runs") / "ablations" / system)
    missing = [row.checkpoint for row in found.missing]
    say(f"{table}: {len(found.rows)} rows; to be trained: {', '.join(missing) or 'nothing'}")
    if dry_run:
        return
    with o.interruptible():
        train(found, device, steps)
        with executor("local", 0, device, o.HOUR) as pool:
            folder = run(found, ask(found, suite, limit, seeds, metrics), pool)
    table_form = load(Report, "table")()
    assert isinstance(table_form, TextReport)
    typer.echo(table_form.render(leaderboard([folder], found.published)), nl=False)
