"""What a run is asked to do: which parts, which items, and from which seed every clip is sampled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import overload

from avbench import registry
from avbench.errors import IncompleteError, UsageError
from avbench.metric_sets import load_set, set_names
from avbench.paths import slug
from avbench.records import Clip, Column, Suite

CORE = "core"
WORLD = "world-"  # how backends begin whose weights were trained on the world


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """What a metric says of itself. `key` changes when its numbers may: version, backbones, what clips leave for sets.

    `broken` says why it cannot be loaded here; the other fields are then empty. `weights` are ids of checkpoints,
    `shipped` digests of other files of weights; `compares` says whether statistics of sets look at reference clips.
    """

    name: str
    columns: tuple[Column, ...] = ()
    backend: str = ""
    version: str = ""
    core: bool = False
    key: str = ""
    broken: str = ""
    set_columns: tuple[Column, ...] = ()
    least: str = ""
    weights: tuple[str, ...] = ()
    terms: str = ""
    compares: bool = False
    shipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid(Sequence[Clip]):
    """The clips of every model, suite, prompt (the first `limit`) and seed; made when they are reached: a clip's path
    takes more memory than all else that a run knows of it.
    """

    run_dir: Path
    models: tuple[str, ...]
    suites: tuple[Suite, ...]
    seeds: tuple[int, ...] = (0,)
    limit: int | None = None

    def __len__(self) -> int:
        return len(self.models) * len(self.seeds) * sum(len(suite.prompts[: self.limit]) for suite in self.suites)

    def __iter__(self) -> Iterator[Clip]:
        run_dir = self.run_dir.resolve()
        for model in self.models:
            for suite in self.suites:
                for prompt in suite.prompts[: self.limit]:
                    for seed in self.seeds:
                        yield Clip(run_dir / clip_path(model, suite.name, prompt.id, seed), prompt, model, seed)

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Clip]: ...
    def __getitem__(self, index: int | slice) -> Clip | Sequence[Clip]:
        return tuple(self)[index]


@dataclass(frozen=True, slots=True)
class Choice:
    """The metrics to run. `required` were asked for by name; `skipped` are core metrics that cannot be loaded."""

    metrics: tuple[MetricFacts, ...]
    required: frozenset[str] = frozenset()
    skipped: tuple[MetricFacts, ...] = ()


def split(words: str) -> tuple[str, ...]:
    """The words of a comma-separated option, each once, in order."""
    return tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))


def chosen(kind: type, words: str) -> tuple[str, ...]:
    """The part names in a comma-separated option. Raises UsageError with close matches for an unknown one."""
    names = split(words)
    if not names:
        raise UsageError(f"no {registry.WORDS[kind]} named; known: {', '.join(registry.names(kind))}")
    for name in names:
        registry.check(kind, name)
    return names


def choose_metrics(words: str, facts: Sequence[MetricFacts]) -> Choice:
    """The metrics that `words` ask for: `core`, sets, names of metrics, or of columns (which stand for their metric).

    A column of several metrics stands for the one of the papers, not for the world's scorer.
    A set brings the metrics of its columns as far as they are here, all of them as if named, and the guards.
    Raises UsageError for an unknown word, IncompleteError for a metric asked for by name that cannot be loaded.
    """
    own = sorted(facts, key=lambda fact: not fact.backend.startswith(WORLD))  # the last of a column's metrics has it
    owner = {column.name: fact.name for fact in own for column in (*fact.columns, *fact.set_columns)}
    owner |= {fact.name: fact.name for fact in facts}
    wanted: set[str] = set()
    required: set[str] = set()
    for word in split(words):
        if word == CORE:
            wanted |= {fact.name for fact in facts if fact.core}
        elif word in set_names():
            required |= {owner[column.metric] for column in load_set(word).columns if column.metric in owner}
            wanted |= {fact.name for fact in facts if any(column.guard for column in fact.columns)}
        elif word in owner:
            required.add(owner[word])
        else:
            near = get_close_matches(word, [*owner, *set_names()], n=3) or sorted({fact.name for fact in facts})
            known = ", ".join(dict.fromkeys([CORE, *set_names(), *near]))
            raise UsageError(f"unknown metric {word!r}; known: {known} (see avbench list metrics and list sets)")
    for fact in facts:
        if fact.name in required and fact.broken:
            raise IncompleteError(f"metric {fact.name!r} was asked for and cannot be loaded: {fact.broken}")
    metrics = tuple(fact for fact in facts if fact.name in wanted | required)
    if not metrics:
        raise UsageError("no metric to run; see avbench list metrics")
    skipped = tuple(fact for fact in facts if fact.broken) if CORE in split(words) else ()
    return Choice(metrics, frozenset(required), skipped)


def sampling_seed(model: str, prompt_id: str, seed: int) -> int:
    """The 64-bit seed of one clip's noise, a function of (model, prompt id, seed index) and of nothing else."""
    digest = hashlib.sha256(json.dumps([model, prompt_id, seed]).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def clip_path(model: str, suite: str, prompt_id: str, seed: int) -> Path:
    """Where a run directory keeps a clip, relative to it."""
    return Path("clips", slug(model), slug(suite), f"{slug(prompt_id)}_s{seed}.mp4")


def fingerprint(*values: object) -> str:
    """A digest that differs when any of the values does (they must be JSON's)."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]


def seed_indices(words: str) -> tuple[int, ...]:
    """The seed indices of an option such as `0,1,2`. Raises UsageError."""
    numbers = split(words)
    if not numbers or not all(word.isascii() and word.isdigit() for word in numbers):
        raise UsageError(f"--seeds {words!r}: give seed indices from 0 up, such as 0,1")
    return tuple(dict.fromkeys(int(word) for word in numbers))


@dataclass(frozen=True, slots=True)
class Budget:
    """How many items may fail: a `count`, or a `share` of all."""

    text: str
    count: float = 0
    share: float = 0

    def exceeded(self, failed: int, total: int) -> bool:
        return failed > self.count + self.share * total


def budget(text: str) -> Budget:
    """Read a count (`3`), a fraction (`0.05`) or a percentage (`5%`). Raises UsageError."""
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageError(f"--max-failures {text!r}: give a count (3), a fraction (0.05) or a percentage (5%)")
    if text.endswith("%"):
        return Budget(text, share=number / 100)
    return Budget(text, share=number) if "." in text else Budget(text, count=number)


def default_out(models: Iterable[str], suites: Iterable[str]) -> Path:
    """The run directory of a question that names none; the same question finds it again."""
    return Path("runs", "-".join("+".join(slug(name) for name in names) for names in (models, suites)))
