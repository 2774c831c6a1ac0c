"""`avbench gate`: is a candidate worse than a baseline? The exit code says so."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avbench.cli._options import AsJson
from avbench.errors import UsageError
from avbench.files import write_atomically
from avbench.progress import say

if TYPE_CHECKING:
    from avbench.gate.records import Gate

CONFIG = Path("gate.toml")


def gate(
    candidate: Annotated[
        Path | None, typer.Argument(metavar="CANDIDATE", help="The run to judge: its folder, or a file of --save.")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="RUN|FILE", help="What it must not be worse than: a run, or a file of --save."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Which metrics decide, by which margins; default: the one that --init writes.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the checks as JUnit XML.")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Write the verdict in Markdown; $GITHUB_STEP_SUMMARY is appended to.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the candidate as a small baseline file for git.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 where the prompts do not tell.")] = False,
    init: Annotated[
        bool, typer.Option("--init", help="Write a commented gate.toml (or --config FILE), about CANDIDATE if given.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare a run with a baseline, prompt by prompt and seed by seed, and say PASS, FAIL or INCONCLUSIVE.

    Worse by more than a margin, numbers lost, clips missing or newly failing turn the gate red. Runs of other prompts,
    protocols, weights or backends are refused. Exit codes: 0 pass (and inconclusive without --strict), 1 fail, 2 wrong
    call or nothing comparable, 3 no scores, 4 inconclusive.
    """
    from avbench.snapshot import read
    from avbench.snapshot import save as save_snapshot

    if init:
        _init(config or CONFIG, candidate)
        return
    if candidate is None:
        raise UsageError(
            "name the run to judge: avbench gate CANDIDATE --baseline RUN|FILE (or --init, or --save FILE)"
        )
    if baseline is None:
        if save is None:
            raise UsageError("--baseline RUN|FILE is missing; `avbench gate RUN --save FILE` writes such a file")
        save_snapshot(read(candidate), save)
        say(f"{save}: the baseline of {candidate}")
        return

    from avbench.gate.config import read_config
    from avbench.gate.judge import judge
    from avbench.gate.records import Verdict
    from avbench.gate.table import render

    rules = read_config(config)
    ours = read(candidate)
    found = judge(read(baseline), ours, rules)
    if as_json:
        typer.echo(json.dumps(_strict_json(found), ensure_ascii=False, allow_nan=False, indent=1))
    else:
        typer.echo(render(found, shutil.get_terminal_size((100, 24)).columns), nl=False)
    _write(found, junit, summary, strict)
    if save:
        save_snapshot(ours, save)
    raise typer.Exit({Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 4 if strict else 0}.get(found.verdict, 0))


def _init(path: Path, run: Path | None) -> None:
    from avbench.gate.init import text_for
    from avbench.snapshot import read

    if path.exists():
        raise UsageError(f"{path} is there already: remove it, or name another file with --config")
    text = text_for(read(run) if run else None)
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))
    say(f"{path}: edit the margins, then avbench gate CANDIDATE --baseline RUN --config {path}")


def _write(found: Gate, junit: Path | None, summary: Path | None, strict: bool) -> None:
    from avbench.gate import github
    from avbench.gate import junit as xml

    if junit:
        text = xml.render(found, strict=strict)
        write_atomically(junit, lambda file: file.write_text(text, encoding="utf-8"))
    if summary:
        page = github.summary(found)
        if str(summary) == os.environ.get("GITHUB_STEP_SUMMARY"):  # which earlier steps may have written to
            page = (summary.read_text(encoding="utf-8") if summary.exists() else "") + page
        write_atomically(summary, lambda file: file.write_text(page, encoding="utf-8"))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in github.commands(found):
            say(line)


def _strict_json(found: Gate) -> dict[str, object]:
    """What a program reads: NaN and infinity are null."""
    from dataclasses import asdict

    def plain(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    checks = [{key: plain(value) for key, value in asdict(check).items()} for check in found.checks]
    head = {key: value for key, value in asdict(found).items() if key != "checks"}
    return {"verdict": found.verdict.value, "level": found.level, **head, "checks": checks}
