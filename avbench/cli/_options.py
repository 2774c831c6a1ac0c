"""Options that several commands share, and how a command that works ends."""

from __future__ import annotations

import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from avbench.errors import IncompleteError
from avbench.progress import SHOWN, say
from avbench.weights import ALLOW

if TYPE_CHECKING:
    from avbench.plan import Budget
    from avbench.question import Question
    from avbench.run import Answer
    from avbench.tally import Reason

Model = Annotated[str, typer.Option("--model", "-m", metavar="M[,M…]", help="Models, see `avbench list models`.")]
SuiteNames = Annotated[
    str,
    typer.Option("--suite", "-s", metavar="S[,S…]", help="Suites, see `avbench list suites`, or .jsonl/.csv files."),
]
Metrics = Annotated[
    str, typer.Option(metavar="SET|m1,m2", help="`core`, sets (`list sets`), metrics or columns (`list metrics`).")
]
Limit = Annotated[int | None, typer.Option(min=0, help="Only the first N prompts of each suite.")]
Seeds = Annotated[str, typer.Option(help="Seed indices: one clip a prompt for each.")]
Out = Annotated[Path | None, typer.Option(help="Run directory; the same one resumes. Default: a folder under runs/.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
ExecutorKind = Annotated[str, typer.Option("--executor", help="local, or ray (needs the extra `ray`).")]
Workers = Annotated[
    int | None, typer.Option(min=0, help="Worker processes; default one a GPU, else one a core; 0: in this process.")
]
Timeout = Annotated[float, typer.Option(min=0, help="Seconds that one item may take before its worker is killed.")]
MaxFailures = Annotated[str, typer.Option(help="Failed items that are tolerated: a count, a fraction or N%.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Delete what the run directory holds and start over.")]
Diagnostics = Annotated[
    bool,
    typer.Option("--diagnostics", help="Keep heat maps of the making beside the clips, where the model has any."),
]
AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]


def _allow_unverified(value: bool) -> bool:
    if value:
        os.environ[ALLOW] = "1"  # backends are named when metrics are imported, here and in every worker
    return value


AllowUnverified = Annotated[
    bool,
    typer.Option(
        "--allow-unverified",
        callback=_allow_unverified,
        help="Use weights not known to be the official ones; their numbers stand in columns of their own.",
    ),
]


def _fast(value: bool) -> bool:
    if value:
        os.environ["AVBENCH_FAST"] = "1"  # as above
    return value


Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        callback=_fast,
        help="Look at some frames where the protocol says all; such numbers stand in columns of their own.",
    ),
]


def _cache(value: str) -> str:
    if value:
        from avbench.cache import SWITCH

        os.environ[SWITCH] = value  # for every worker, too
    return value


Cache = Annotated[
    str,
    typer.Option(
        metavar="DIR|off",
        callback=_cache,
        help="Folder that keeps what expensive networks said of clips, or off; default: $AVBENCH_HOME/features.",
    ),
]

HOUR = 3600.0


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM came."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM end the work cleanly with 130 or 143; a second one ends it at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        for known in previous:
            signal.signal(known, signal.SIG_DFL)
        raise Interrupted(number)

    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, stop)
    try:
        yield
    except Interrupted as interrupt:
        say(f"interrupted by {interrupt}; what is done is kept: run the same command again to go on")
        raise typer.Exit(interrupt.exit_code) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def answer(
    ask: Question,
    given: Mapping[str, object],
    executor: str,
    workers: int | None,
    device: str,
    timeout: float,
    max_failures: str,
    as_json: bool,
) -> None:
    """Do what a command asks for, and end as the exit codes say."""
    from avbench import cache
    from avbench.plan import budget
    from avbench.run import run
    from avbench.workers import executor as start

    allowed = budget(max_failures)
    cache.current()  # says now if its settings are no good
    with interruptible(), start(executor, workers, device, timeout) as pool:
        done = run(replace(ask, options=said(given)), pool)
    finish(done, allowed, as_json)


def said(given: Mapping[str, object]) -> dict[str, object]:
    """A command's parameters as run.json keeps them."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}


def finish(answer: Answer, allowed: Budget, as_json: bool) -> None:
    """Print what came of a run, and exit with 3 where it is incomplete."""
    tally = answer.tally
    if as_json:
        print(json.dumps({"run": str(answer.out), "unavailable": answer.unavailable, **asdict(tally)}))
    else:
        clips = ", ".join(f"{count} {state}" for state, count in sorted(tally.clips.items()))
        scores = ", ".join(f"{count} {status}" for status, count in sorted(tally.statuses.items()))
        print(f"{answer.out}: clips: {clips}" + (f"; scores: {scores}" if scores else ""))
    say_reasons(tally.reasons)
    check(answer, allowed)


def check(answer: Answer, allowed: Budget) -> None:
    """Exit with 3 where a run is incomplete."""
    tally = answer.tally
    total = sum(tally.clips.values())
    problems = [f"metric {metric!r} was asked for and is unavailable here" for metric in answer.unavailable]
    if allowed.exceeded(tally.failed, total):
        problems.append(f"{tally.failed} of {total} items failed; allowed: {allowed.text} (--max-failures)")
    if tally.statuses and "ok" not in tally.statuses:
        problems.append("nothing could be scored")
    for problem in problems:
        say(f"incomplete: {problem}")
    if problems:
        raise typer.Exit(IncompleteError.exit_code)


def say_reasons(reasons: Iterable[Reason]) -> None:
    """Why scores are missing: a line a reason with the columns that share it, the commonest first."""
    columns: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for reason in reasons:
        columns[reason.status, reason.reason, reason.count].append(reason.metric or "clip")
    lines = sorted(columns.items(), key=lambda line: -line[0][2] * len(line[1]))
    for (status, why, count), names in lines[:SHOWN]:
        shared = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        say(f"  {count} x {shared} {status}: {why}")
    if len(lines) > SHOWN:
        say(f"  and {len(lines) - SHOWN} reasons more, all of them in scores.parquet")
