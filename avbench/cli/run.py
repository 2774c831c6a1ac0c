"""`avbench run`: prompts to clips to scores."""

from __future__ import annotations

import typer

from avbench.cli import _options as o


def run(
    context: typer.Context,
    model: o.Model,
    suite: o.SuiteNames,
    metrics: o.Metrics = "core",
    limit: o.Limit = None,
    seeds: o.Seeds = "0",
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
    diagnostics: o.Diagnostics = False,
    as_json: o.AsJson = False,
) -> None:
    """Make clips of a suite's prompts, score them, keep everything in a run directory.

    Interrupted or killed, the same command goes on where it stopped. Exit codes: 0 done, 2 wrong call, 3 incomplete,
    130 or 143 interrupted.
    """
    from avbench.question import to_make

    ask = to_make(
        model, suite, limit=limit, seeds=seeds, out=out, metrics=metrics, fresh=fresh, diagnostics=diagnostics
    )
    o.answer(ask, context.params, executor, workers, device, timeout, max_failures, as_json)
