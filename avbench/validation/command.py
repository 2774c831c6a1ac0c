"""The whole of a validation: which clips and faults, the ordinary run over them, and what it shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avbench.answers import Fault
from avbench.errors import UsageError
from avbench.executor import Executor
from avbench.files import write_atomically
from avbench.paths import slug
from avbench.plan import split
from avbench.progress import say
from avbench.question import to_score
from avbench.run import Answer, run
from avbench.store import load_scores
from avbench.validation import bases
from avbench.validation.ladder import OF_WORLD, levels_of
from avbench.validation.making import maker, question
from avbench.validation.promises import chosen_metrics, declared
from avbench.validation.record import NAME, as_json
from avbench.validation.responses import Validated, validate


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for, as `avbench validate --help` says it."""

    metrics: str = "core"
    backend: str = ""
    faults: str = ""
    clips: Path | None = None
    suite: str | None = None
    manifest: Path | None = None
    limit: int | None = None
    quick: bool = False
    out: Path | None = None
    fresh: bool = False
    options: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the figures, the same as validate.json, where that lies, and how the run went."""

    found: Sequence[Validated]
    record: Mapping[str, Any]
    file: Path
    run: Answer


def answer(wish: Wish, executor: Executor) -> Done:
    """Make, score and judge; the same wish again goes on where it stopped. Raises UsageError before any work."""
    kinds = _faults(wish.faults)
    metrics = chosen_metrics(wish.metrics, wish.backend, executor)
    source = _source(wish)
    if wish.clips and (skipped := [kind for kind in kinds if kind in OF_WORLD]):
        say(f"only the world's clips can have these faults: {', '.join(skipped)}")
    levels = levels_of(kinds, wish.quick)
    out = wish.out or Path("runs", f"validate-{slug(source.name)}{'-quick' if wish.quick else ''}")
    words = ",".join(metric.name for metric in metrics) if wish.backend else wish.metrics
    ask = question(source, levels, out, metrics=words, fresh=wish.fresh, options=wish.options or {})
    done = run(ask, executor, {source.name: maker(source, levels)})
    scores = load_scores(out)
    scores = scores[scores["model"] == source.name]
    found = validate(scores, declared(metrics, executor), levels)
    record = as_json(found, source, out, wish.quick)
    file = out / NAME
    write_atomically(file, lambda path: path.write_text(json.dumps(record, indent=1), encoding="utf-8"))
    return Done(found, record, file, done)


def _source(wish: Wish) -> bases.Source:
    if wish.clips is None:
        return bases.world(bases.QUICK if wish.quick else bases.FULL)
    asked = to_score(wish.clips, suite=wish.suite, manifest=wish.manifest)
    return bases.folder(asked.clips[: wish.limit], asked.clips[0].model)


def _faults(words: str) -> list[Fault]:
    """The faults of an option's text, all without one. Raises UsageError."""
    unknown = [word for word in split(words) if word not in set(Fault)]
    if unknown:
        raise UsageError(f"unknown fault {unknown[0]!r}; known: {', '.join(Fault)}")
    return [fault for fault in Fault if not words or fault in split(words)]
