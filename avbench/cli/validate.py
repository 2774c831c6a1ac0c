"""`avbench validate`: whether metrics answer to what they say they measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from avbench.answers import Fault
from avbench.cli import _options as o
from avbench.errors import UsageError
from avbench.progress import say


def validate(
    context: typer.Context,
    metrics: o.Metrics = "core",
    backend: Annotated[str, typer.Option(help="Only metrics of this backend, such as `signal` or `world`.")] = "",
    faults: Annotated[str, typer.Option(metavar="F[,F…]", help=f"Only these of the faults: {', '.join(Fault)}.")] = "",
    clips: Annotated[
        Path | None, typer.Option(help="Your own clips instead of the world's: a file, a folder or a run directory.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option("--suite", "-s", help="With --clips: the suite whose prompt ids the files carry.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="With --clips: JSONL, one clip a line, `path` and the fields of a prompt.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="With --clips: only the first N.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer clips of the world and fewer strengths.")] = False,
    out: o.Out = None,
    device: o.Device = "auto",
    executor: o.ExecutorKind = "local",
    workers: o.Workers = None,
    timeout: o.Timeout = o.HOUR,
    max_failures: o.MaxFailures = "0",
    fresh: o.Fresh = False,
    allow_unverified: o.AllowUnverified = False,
    cache: o.Cache = "",
    as_json: o.AsJson = False,
) -> None:
    """Spoil clips in known ways and see which metric notices: does each keep its promises?

    Scenes of the world are rendered, spoilt (sound shifted, swapped, noisy …; picture frozen, blurred, shuffled …;
    words and captions wrong) at graded strength, and scored as in a run. Every metric declares which faults it must and
    must not answer to. validate.json in the run directory holds every curve. Exit codes: 0 all promises kept or in
    doubt, 1 one is broken, 2 wrong call, 3 incomplete, 130 or 143 interrupted; the same command goes on.
    """
    from avbench.cache import current
    from avbench.plan import budget
    from avbench.validation import table
    from avbench.validation.command import Wish, answer
    from avbench.workers import executor as start

    if clips is None and (suite or manifest or limit):
        raise UsageError("--suite, --manifest and --limit say what your clips are; give --clips as well")
    allowed = budget(max_failures)
    current()  # says now if the cache's settings are no good
    wish = Wish(metrics, backend, faults, clips, suite, manifest, limit, quick, out, fresh, o.said(context.params))
    with o.interruptible(), start(executor, workers, device, timeout) as pool:
        done = answer(wish, pool)
    if as_json:
        print(json.dumps(done.record))
    else:
        print(table.render(done.found))
    for sentence in done.record["broken"]:
        say(f"broken: {sentence}")
    o.say_reasons(reason for reason in done.run.tally.reasons if reason.status == "failed")
    say(f"{done.file} holds every curve")
    if done.record["broken"]:
        raise typer.Exit(1)
    o.check(done.run, allowed)
