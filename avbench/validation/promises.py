"""What the metrics of a run promise, asked of them in a worker, as a metric may crash whoever loads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from avbench import registry
from avbench.answers import Answers, answers_of
from avbench.errors import UsageError
from avbench.executor import Executor
from avbench.parts import Metric
from avbench.plan import MetricFacts, choose_metrics
from avbench.scoring import describe_metrics
from avbench.validation.responses import Declared


@dataclass(frozen=True, slots=True)
class Promises:
    """Job: the name of a metric to its `answers`."""

    def open(self, device: str) -> Callable[[str], Mapping[str, Answers]]:
        return lambda name: dict(registry.load(Metric, name).answers)


def chosen_metrics(words: str, backend: str, executor: Executor) -> tuple[MetricFacts, ...]:
    """The metrics that `words` ask for, of one backend where it is not ''. Raises UsageError when none is left."""
    metrics = choose_metrics(words, describe_metrics(executor, words)).metrics
    kept = tuple(metric for metric in metrics if backend in ("", metric.backend))
    if not kept:
        known = ", ".join(sorted({metric.backend for metric in metrics}))
        raise UsageError(f"no metric of backend {backend!r} among those chosen; their backends: {known}")
    return kept


def declared(metrics: Sequence[MetricFacts], executor: Executor) -> list[Declared]:
    """The columns of the metrics in order, with their promises."""
    answers = {outcome.item: outcome.result or {} for outcome in executor.map(Promises(), [m.name for m in metrics])}
    return [
        Declared(column, metric.name, metric.backend, answers_of(column.name, answers[metric.name]))
        for metric in metrics
        for column in metric.columns
    ]
