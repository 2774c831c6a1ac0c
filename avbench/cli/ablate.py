"""`avbench ablate`: a paper's ablation table on the bundled systems, beside the paper's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avbench.cli import _options as o

METRICS = "lipsync_world,desync_world,wer_world,lip_envelope,onset_offset,temporal_flickering,guards"


def ablate(
    table: Annotated[str, typer.Argument(help="SYSTEM-TABLE: harmony-t4, jova-t5, uniavgen-t6 …")],
    preset: Annotated[
        str | None, typer.Option(help="Size and recipe of the rows: `grid` (the default), `tiny`, or `nano` for a try.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Of checkpoints and runs; default runs/ablations/SYSTEM.")] = None,
    suite: o.SuiteNames = "speech",
    limit: o.Limit = 24,
    seeds: o.Seeds = "0",
    metrics: o.Metrics = METRICS,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps a row, in place of the preset's.")] = None,
    trainings: Annotated[int, typer.Option(min=1, help="Train every row so many times, from other seeds.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Train what is missing of a paper's ablation table, sample and score its rows, print the paper's beside ours.

    Rows that need the same weights share them, tables of one system share its training set. Interrupted or killed, the
    same command goes on where it stopped. OUT/PRESET keeps the checkpoints, the run, and the comparison as TABLE.md,
    TABLE.csv and TABLE.json.
    """
    from avbench import ablation_forms as forms
    from avbench.ablation import ask, find, run, train
    from avbench.ablation_table import compare
    from avbench.files import write_atomically
    from avbench.progress import say
    from avbench.results import read
    from avbench.workers import executor

    found = find(table, preset, out, trainings, steps)
    question = ask(found, suite, limit, seeds, metrics)
    missing = [trial.checkpoint for trial in found.missing]
    say(f"{table}: {len(found.trials)} rows; to be trained: {', '.join(missing) or 'nothing'}")
    if dry_run:
        return
    with o.interruptible():
        train(found, device)
        with executor("local", 0, device, o.HOUR) as pool:
            folder = run(found, question, pool)
    comparison = compare(found, read([folder]))
    for suffix, form in ((".md", forms.markdown), (".csv", forms.as_csv), (".json", forms.as_json)):
        written = form(comparison)
        write_atomically(found.folder / f"{found.table}{suffix}", lambda to, of=written: to.write_text(of, "utf-8"))  # type: ignore[misc]
    typer.echo(forms.as_json(comparison) if as_json else forms.text(comparison), nl=False)
    say(f"all measures: avbench report {folder}; pages: avbench report {folder} --format html")
