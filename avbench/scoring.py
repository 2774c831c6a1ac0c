"""Scoring clips: each decoded once, every backbone run once, every metric's outcome kept apart from the others'."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from avbench import details, devices, registry
from avbench.clips import FileFacts, identify, stamp
from avbench.errors import MediaError, NotApplicable, Unscored, UsageError
from avbench.executor import Executor
from avbench.identity import identity
from avbench.ledger import Ledger
from avbench.materials import Left, pack
from avbench.parts import Features, Metric
from avbench.plan import CORE, MetricFacts, fingerprint, split
from avbench.progress import progress, say
from avbench.records import Clip, Score, Status
from avbench.set_metric import SetMetric
from avbench.weights import digest_of


@dataclass(frozen=True, slots=True)
class ToScore:
    """A clip and the metrics it lacks; `expected` is the content that the ledger knows ('' when it knows none)."""

    id: int
    clip: Clip
    expected: str
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """What was found in a clip: its content, each metric's scores, the decoder's notes, and what set metrics keep."""

    file: FileFacts
    scores: Mapping[str, tuple[Score, ...]]
    notes: tuple[str, ...] = ()
    left: Mapping[str, Left] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Describe:
    """Job: the name of a metric to its facts. A metric that cannot be loaded is described as broken."""

    def open(self, device: str) -> Callable[[str], MetricFacts]:
        return describe


@dataclass(frozen=True, slots=True)
class ScoreClips:
    """Job: a clip to its scores."""

    metrics: tuple[str, ...]

    def open(self, device: str) -> Callable[[ToScore], Scored]:
        devices.use(device)
        metrics = {name: registry.load(Metric, name)() for name in self.metrics}
        return lambda item: score_clip(item, {name: metrics[name] for name in item.metrics})


def describe(name: str) -> MetricFacts:
    """The facts of a metric."""
    try:
        metric = registry.load(Metric, name)
    except UsageError as error:
        return MetricFacts(name, broken=str(error))
    sets = metric.set_columns if issubclass(metric, SetMetric) else ()
    needs = [[repr(backbone), backbone.version] for backbone in metric.needs]
    key = fingerprint(metric.version, metric.backend, needs, *(column.name for column in sets))
    ids = dict.fromkeys([*(id for backbone in metric.needs for id in backbone.weights), *metric.weights])
    return MetricFacts(
        name=name,
        columns=metric.columns,
        backend=metric.backend,
        version=metric.version,
        core=metric.core,
        key=key,
        set_columns=sets,
        least=metric.least,
        weights=tuple(ids),
        terms=metric.terms,
        compares=issubclass(metric, SetMetric) and metric.compares(),
        shipped=tuple(digest_of(file, "sha256") if file.is_file() else "" for file in metric.shipped),
    )


def score_clip(item: ToScore, metrics: Mapping[str, Metric]) -> Scored:
    """Score one clip. Raises OSError when it is gone; everything else is a status of the scores."""
    from avbench.features import extract

    path = item.clip.path
    try:
        file = identify(path)
    except FileNotFoundError:
        raise FileNotFoundError("the clip is not there") from None  # its name would make every reason another
    if item.expected and file.sha256 != item.expected:
        return _failed_clip(file, metrics, "changed: the file changed while the run was going on")
    backbones = dict.fromkeys(backbone for metric in metrics.values() for backbone in metric.needs)
    try:
        features = extract(path, file, backbones)
    except MediaError as error:
        return _failed_clip(file, metrics, f"decode_error:{error}")
    scores = {name: evaluate(metric, item.clip, features) for name, metric in metrics.items()}
    left = {name: leave(m, item.clip, features) for name, m in metrics.items() if isinstance(m, SetMetric)}
    if stamp(path) != (file.size, file.modified):
        return _failed_clip(file, metrics, "changed: the file changed while it was scored")
    return Scored(file, scores, features.info.notes, left)


def evaluate(metric: Metric, clip: Clip, features: Features) -> tuple[Score, ...]:
    """One score for each of the metric's columns, whatever the metric does."""
    try:
        values = metric.score(clip, features)
        return tuple(_checked(column.name, metric.backend, values.get(column.name)) for column in metric.columns)
    except Exception as error:  # one metric's fault is that metric's alone
        return refuse(metric, *why(error))


def leave(metric: SetMetric, clip: Clip, features: Features) -> Left:
    """What the clip leaves for the metric's set columns, or the reason why nothing."""
    try:
        return Left(pack(metric.material(clip, features)))
    except Exception as error:
        status, reason = why(error)
        return Left(status=status, reason=reason)


def why(error: Exception) -> tuple[Status, str]:
    """What a metric's exception says of its scores."""
    match error:
        case NotApplicable():
            return Status.NOT_APPLICABLE, str(error)
        case Unscored():
            return Status.UNSCORED, str(error)
        case MediaError():
            return Status.FAILED, f"decode_error:{error}"
        case _:
            return Status.FAILED, f"{type(error).__name__}: {error}"


def refuse(metric: Metric | MetricFacts, status: Status, reason: str) -> tuple[Score, ...]:
    """The same status and reason for all columns of a metric."""
    return tuple(Score(column.name, metric.backend, None, status, reason) for column in metric.columns)


def _checked(name: str, backend: str, value: float | Score | None) -> Score:
    if value is None:
        return Score(name, backend, None, Status.FAILED, "the metric gave no value")
    detail = None
    if isinstance(value, Score):
        detail = value.detail
        if detail is not None:
            details.pack(detail)  # what cannot be kept fails here, as this metric's fault
        if value.value is None and value.status is not Status.OK:
            return value
        value = math.nan if value.value is None else value.value
    number = float(value)
    if not math.isfinite(number):
        return Score(name, backend, None, Status.FAILED, f"non-finite: {number}", detail)
    return Score(name, backend, number, detail=detail)


def _failed_clip(file: FileFacts, metrics: Mapping[str, Metric], reason: str) -> Scored:
    scores = {name: refuse(metric, Status.FAILED, reason) for name, metric in metrics.items()}
    left = {name: Left(status=Status.FAILED, reason=reason) for name, m in metrics.items() if isinstance(m, SetMetric)}
    return Scored(file, scores, left=left)


def describe_metrics(executor: Executor, words: str = CORE) -> list[MetricFacts]:
    """The facts of the metrics that `words` may mean: those named, or all where a word is no metric's name.

    A metric that crashes the worker that loads it is broken.
    """
    known = registry.names(Metric)
    named = [name for name in known if name in split(words)]
    outcomes = executor.map(Describe(), named if len(named) == len(split(words)) else known)
    facts = [outcome.result or MetricFacts(outcome.item, broken=outcome.failure) for outcome in outcomes]
    return sorted(facts, key=lambda fact: fact.name)


def score_clips(
    ledger: Ledger, metrics: Sequence[MetricFacts], pairs: Sequence[tuple[str, str]], executor: Executor
) -> None:
    """Give every clip of the (model, suite) pairs the scores that it lacks."""
    facts = {metric.name: metric for metric in metrics}
    keys = {metric.name: identity(metric) for metric in metrics}
    for name, key in keys.items():
        if old := ledger.drop_outdated(name, key):
            what = f"{name} (or a file of its weights)" if key != facts[name].key else name
            say(f"{what} has changed since {old} clips were scored; those scores are dropped")
    todo = [id for model, suite in pairs for id in ledger.lacking(model, suite, facts)]
    if not todo:
        return
    items = (
        ToScore(entry.id, entry.clip, entry.sha256, tuple(name for name in facts if name not in done))
        for entry in ledger.each(todo)
        for done in [ledger.done_with(entry.id)]
    )
    with progress(len(todo), "score") as tick:
        for outcome in executor.map(ScoreClips(tuple(facts)), items):
            if outcome.result is None:
                lost = [facts[name] for name in outcome.item.metrics]
                scores = {m.name: (keys[m.name], refuse(m, Status.FAILED, outcome.failure)) for m in lost}
                left = {m.name: Left(status=Status.FAILED, reason=outcome.failure) for m in lost if m.set_columns}
                ledger.put_scores(outcome.item.id, scores, left=left)
            else:
                found = outcome.result
                if not outcome.item.expected:
                    ledger.put_clip(outcome.item.id, found.file)
                scores = {name: (keys[name], columns) for name, columns in found.scores.items()}
                ledger.put_scores(outcome.item.id, scores, found.notes, found.left)
            tick(1)
