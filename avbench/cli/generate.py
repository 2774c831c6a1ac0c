"""`avbench generate`: prompts to clips, without scores."""

from __future__ import annotations

import typer

from avbench.cli import _options as o


def generate(
    context: typer.Context,
    model: o.Model,
    suite: o.SuiteNames,
    limit: o.Limit = None,
    seeds: o.Seeds = "0",
    out: o.Out = None,
    device: o.Device = "auto",
    executor: o.ExecutorKind = "local",
    workers: o.Workers = None,
    timeout: o.Timeout = o.HOUR,
    max_failures: o.MaxFailures = "0",
    fresh: o.Fresh = False,
    diagnostics: o.Diagnostics = False,
    as_json: o.AsJson = False,
) -> None:
    """Make clips of a suite's prompts in a run directory, to be scored later by `avbench score`."""
    from avbench.question import to_make

    ask = to_make(model, suite, limit=limit, seeds=seeds, out=out, metrics="", fresh=fresh, diagnostics=diagnostics)
    o.answer(ask, context.params, executor, workers, device, timeout, max_failures, as_json)
