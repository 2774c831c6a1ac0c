"""`avbench score`: scores of clips that are there already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avbench.cli import _options as o


def score(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder of clips, one clip, or a run directory.")],
    suite: Annotated[
        str | None, typer.Option("--suite", "-s", help="The suite whose prompt ids the files are named by.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="JSONL: one clip a line, `path` and the fields of a prompt.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Real clips to compare sets with: a folder, a run directory, or a file of `avbench reference`."
        ),
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="Prompts of --suite without a clip are failed items (--max-failures).")
    ] = False,
    metrics: o.Metrics = "core",
    model: Annotated[str, typer.Option("--model", "-m", help="Who made the clips; default: the folder's name.")] = "",
    out: o.Out = None,
    device: o.Device = "auto",
    executor: o.ExecutorKind = "local",
    workers: o.Workers = None,
    timeout: o.Timeout = o.HOUR,
    max_failures: o.MaxFailures = "0",
    fresh: o.Fresh = False,
    allow_unverified: o.AllowUnverified = False,
    fast: o.Fast = False,
    cache: o.Cache = "",
    as_json: o.AsJson = False,
) -> None:
    """Score clips, whoever made them. Every clip that cannot be scored gets a reason.

    Files are matched to the prompts of --suite by name (ID.mp4 or ID_sSEED.mp4), or by --manifest; without either each
    clip stands for itself, and metrics that need a prompt do not apply. A .wav or .flac beside a video of the same
    name is its side-car.
    """
    from avbench.question import compared, to_score

    words = {"metrics": metrics, "fresh": fresh}
    ask = to_score(path, suite=suite, manifest=manifest, model=model, out=out, complete=complete, **words)
    if reference is not None:
        ask = compared(ask, reference, suite)
    o.answer(ask, context.params, executor, workers, device, timeout, max_failures, as_json)
