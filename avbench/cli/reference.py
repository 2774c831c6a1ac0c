"""`avbench reference`: statistics of reference clips in a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from avbench.cli import _options as o


def reference(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="Reference clips: a folder or a run directory.")],
    out: Annotated[Path, typer.Option(help="The file to write, such as stats.safetensors.")],
    metrics: Annotated[
        str, typer.Option(metavar="SET|m1,m2", help="The metrics that will compare; others of a set are left out.")
    ],
    suite: Annotated[
        str | None, typer.Option("--suite", "-s", help="The suite whose prompt ids the files are named by.")
    ] = None,
    device: o.Device = "auto",
    executor: o.ExecutorKind = "local",
    workers: o.Workers = None,
    timeout: o.Timeout = o.HOUR,
    allow_unverified: o.AllowUnverified = False,
    cache: o.Cache = "",
    as_json: o.AsJson = False,
) -> None:
    """Keep what metrics of sets need of reference clips, for `avbench score --reference FILE`.

    The file names protocol, backend, digests of weights and the number of samples of every metric; it is refused where
    what is scored would not be comparable. The clips themselves are no longer needed.
    """
    from avbench.cache import current
    from avbench.errors import IncompleteError, UsageError
    from avbench.plan import choose_metrics
    from avbench.progress import say
    from avbench.question import reference_clips
    from avbench.reference import SUFFIX, bundle
    from avbench.run import summarised
    from avbench.scoring import describe_metrics
    from avbench.workers import executor as start

    if out.suffix != SUFFIX:
        raise UsageError(f"--out {out}: the name of a file of statistics ends in {SUFFIX}")
    current()  # says now if its settings are no good
    asked = reference_clips(path, suite)
    with o.interruptible(), start(executor, workers, device, timeout) as pool:
        chosen = choose_metrics(metrics, describe_metrics(pool, metrics)).metrics
        comparing = [metric for metric in chosen if metric.compares]
        if not comparing:
            raise UsageError(f"--metrics {metrics}: none of them compares with reference clips")
        found = summarised(asked, comparing, pool)
    if lost := [metric.name for metric in comparing if metric.name not in found.facts]:
        say(f"the clips left nothing for {', '.join(lost)}; avbench score {path} says why")
    if not found.facts:
        raise IncompleteError("no statistics were made")
    bundle(found, out)
    if as_json:
        print(json.dumps({"file": str(out), "statistics": [asdict(facts) for facts in found.facts.values()]}))
    else:
        for name, facts in found.facts.items():
            print(f"{name} [{facts.backend}]: {facts.samples} samples of {facts.numbers} numbers, {facts.clips} clips")
        print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    if lost:
        raise typer.Exit(IncompleteError.exit_code)
