"""The main path: prompts to clips to scores to exports, each stage skipping what the ledger says is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from avbench import provenance
from avbench.errors import IncompleteError, UsageError
from avbench.executor import Executor
from avbench.export import export
from avbench.generation import Maker, generators, make_clips
from avbench.ledger import NEEDS, Ledger
from avbench.plan import Choice, MetricFacts, choose_metrics
from avbench.pooling import pool_sets
from avbench.progress import say, say_some
from avbench.question import Question
from avbench.reference import Reference, of_file, of_run
from avbench.scoring import describe_metrics, score_clips
from avbench.store import load_weights
from avbench.tally import Tally


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a run. `unavailable` names metrics that were asked for by name and could score nothing here."""

    out: Path
    tally: Tally
    unavailable: tuple[str, ...] = ()


def run(question: Question, executor: Executor, makers: Mapping[str, Maker] | None = None) -> Answer:
    """Answer a question in its run directory; the same question again goes on where it stopped.

    `makers` make the clips of the question's models; without them these are generators by name. Raises UsageError
    before any work, IncompleteError when the directory can no longer be written.
    """
    if makers is None:
        makers = generators(question.models, executor, question.diagnostics)
    choice = Choice(())
    if question.metrics:
        choice = choose_metrics(question.metrics, describe_metrics(executor, question.metrics))
    say_some("metrics left out, see avbench doctor", [metric.name for metric in choice.skipped])
    reference = _reference(question, choice, executor)
    with Ledger(question.out, fresh=question.fresh) as ledger, _writable(question.out):
        _put_facts(ledger, question, makers, choice)
        with _recorded(ledger, question, reference):
            _ask(ledger, question)
            make_clips(ledger, makers, [suite.name for suite in question.suites], executor, question.diagnostics)
            score_clips(ledger, choice.metrics, question.pairs, executor)
            pool_sets(ledger, choice.metrics, question.pairs, executor, reference)
        return Answer(question.out, ledger.tally(), _unavailable(ledger.tally(), choice))


def _reference(question: Question, choice: Choice, executor: Executor) -> Reference | None:
    """What the chosen metrics of sets need of the reference clips.

    Raises UsageError when no metric was chosen that compares, or a file of statistics does not fit.
    """
    comparing = [metric for metric in choice.metrics if metric.compares]
    match question.reference:
        case None:
            return None
        case _ if not comparing:
            raise UsageError("--reference: no metric that was chosen compares with references; leave it out")
        case Path() as file:
            return of_file(file, comparing)
        case clips if clips.out.resolve() == question.out.resolve():
            raise UsageError(f"--reference: {question.out} is what is scored; give other clips")
        case clips:
            return summarised(replace(clips, options=question.options), comparing, executor)


def summarised(clips: Question, metrics: Sequence[MetricFacts], executor: Executor) -> Reference:
    """The statistics that `metrics` keep of reference clips, which are scored by them where they are not yet."""
    asked = replace(clips, metrics=",".join(metric.name for metric in metrics))
    say(f"reference: {len(asked.clips)} clips, kept in {asked.out}")
    run(asked, executor)
    with Ledger(asked.out) as ledger:
        entries = [entry for pair in asked.pairs for entry in ledger.entries(*pair)]
        content = sorted([entry.clip.prompt.id, entry.clip.seed, entry.sha256] for entry in entries)
        return of_run(asked.out, metrics, content, executor)


def _put_facts(ledger: Ledger, question: Question, makers: Mapping[str, Maker], choice: Choice) -> None:
    for suite in question.suites:
        ledger.put_fact("suite", suite.name, {"version": suite.version, "digest": suite.digest})
    for name, maker in makers.items():
        ledger.put_fact("model", name, asdict(maker.facts))
    for metric in choice.metrics:
        ledger.put_fact("metric", metric.name, asdict(metric))


def _ask(ledger: Ledger, question: Question) -> None:
    """Put the question into the ledger, and take out what contradicts it."""
    for part in (ledger.run_dir / "clips").rglob(".*.part"):  # what a killed worker was writing
        part.unlink()
    for suite in question.suites:
        asked = {clip.prompt.id for clip in question.clips if clip.prompt.suite == suite.name}
        if changed := ledger.put_prompts(suite, asked):
            say(f"{suite.name}: {changed} prompts have changed; their clips' scores are dropped")
    ledger.ask(question.clips)
    asked_paths = set() if question.models else {clip.path for clip in question.clips}
    prompts = {suite.name: {prompt.id for prompt in suite.prompts} for suite in question.suites}
    for model, suite_name in question.pairs:
        known = ledger.each(ledger.ids(model, suite_name))
        if question.models:
            old = [e for e in known if e.clip.prompt.id not in prompts[suite_name]]
        else:
            old = [e for e in known if e.clip.path not in asked_paths]
        if old:
            say_some("clips are no longer part of this and are left out", [entry.clip.path.name for entry in old])
            ledger.forget(entry.id for entry in old)
        changed_files, gone = ledger.check_files(model, suite_name)
        say_some("clips have changed on disk and are scored again", [entry.clip.path.name for entry in changed_files])
        say_some("clips are gone from disk", [entry.clip.path.name for entry in gone])
        if question.models:
            ledger.reset(entry.id for entry in gone)


@contextmanager
def _writable(run_dir: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise IncompleteError(f"cannot write {run_dir}: {error}; make room, then run the same command") from error


@contextmanager
def _recorded(ledger: Ledger, question: Question, reference: Reference | None) -> Iterator[None]:
    """Keeps run.json, and exports whatever there is when the work ends, however it ends."""
    facts = {f"{kind}s": ledger.facts(kind) for kind in ("suite", "model", "metric")}
    record = {
        "schema": 1,
        "state": "running",
        "command": provenance.command(),
        "options": dict(question.options),
        "started": provenance.now(),
        "finished": None,
        "seeds": sorted({clip.seed for clip in question.clips}),
        "reference": reference and {"run": str(reference.path.resolve()), "digest": reference.source},
        **facts,
        "columns": _columns(facts["metrics"]),
        **provenance.environment(),
    }
    provenance.write_record(ledger.run_dir, record)
    state = "interrupted"
    try:
        yield
        state = "done"
    finally:
        export(ledger)
        ended = {"state": state, "finished": provenance.now(), "scored_with": load_weights(ledger.run_dir)}
        provenance.write_record(ledger.run_dir, {**record, **ended})


def _columns(metrics: Mapping[str, Any]) -> list[dict[str, object]]:
    """What a reader of the scores needs to know of each column."""
    return [
        {
            **column,
            "part": name,
            "backend": metric["backend"],
            "version": metric["version"],
            "of_set": kind != "columns",
        }
        for name, metric in metrics.items()
        for kind in ("columns", "set_columns")
        for column in metric.get(kind, ())  # facts of an older avbench know no set columns
    ]


def _unavailable(tally: Tally, choice: Choice) -> tuple[str, ...]:
    needy = {reason.metric for reason in tally.reasons if reason.reason.startswith(NEEDS)} - set(tally.scored)
    return tuple(
        metric.name
        for metric in choice.metrics
        if metric.name in choice.required and all(c.name in needy for c in metric.columns or metric.set_columns)
    )
