"""Statistics of sets: what the clips of a model and suite left behind, pooled to one number with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avbench import registry
from avbench.executor import Executor
from avbench.ledger import Ledger
from avbench.materials import StoredMaterials
from avbench.parts import Metric
from avbench.plan import MetricFacts, fingerprint
from avbench.progress import progress
from avbench.records import SetScore, Status
from avbench.reference import Reference
from avbench.scoring import why
from avbench.set_metric import Materials, SetMetric, Summary


@dataclass(frozen=True, slots=True)
class ToPool:
    """One set: a metric's materials of a model and suite, or of one subset of it ('' for the whole)."""

    metric: MetricFacts
    model: str
    suite: str
    subset: str


@dataclass(frozen=True, slots=True)
class PoolSets:
    """Job: a set to its scores. Materials are streamed from the ledger by the worker; they never pass the parent."""

    run_dir: Path
    reference: Reference | None

    def open(self, device: str) -> Callable[[ToPool], tuple[SetScore, ...]]:
        return self._pool

    def _pool(self, item: ToPool) -> tuple[SetScore, ...]:
        metric = registry.load(Metric, item.metric.name)()
        assert isinstance(metric, SetMetric)
        materials = StoredMaterials(self.run_dir, item.metric.name, item.model, item.suite, item.subset)
        if not len(materials):
            return refuse(item.metric, *materials.why_none())
        return pool(metric, materials, self.reference.summary(item.metric.name) if self.reference else None)


def pool(metric: SetMetric, materials: Materials, reference: Summary | None) -> tuple[SetScore, ...]:
    """One score for each of the metric's set columns, whatever the metric does."""
    names = [column.name for column in metric.set_columns]
    try:
        found = metric.pool(materials, reference)
        return tuple(_checked(name, metric.backend, found.get(name)) for name in names)
    except Exception as error:  # one metric's fault is that metric's alone
        return refuse(metric, *why(error))


def refuse(metric: SetMetric | MetricFacts, status: Status, reason: str) -> tuple[SetScore, ...]:
    """The same status and reason for all set columns of a metric."""
    return tuple(SetScore(c.name, metric.backend, None, status=status, reason=reason) for c in metric.set_columns)


def _checked(name: str, backend: str, score: SetScore | None) -> SetScore:
    if score is None:
        return SetScore(name, backend, None, status=Status.FAILED, reason="the metric gave no value")
    if score.value is None:
        return replace(score, low=None, high=None)
    if not math.isfinite(score.value):
        return replace(
            score, value=None, low=None, high=None, status=Status.FAILED, reason=f"non-finite: {score.value}"
        )
    return score


def pool_sets(
    ledger: Ledger,
    metrics: Sequence[MetricFacts],
    pairs: Sequence[tuple[str, str]],
    executor: Executor,
    reference: Reference | None = None,
) -> None:
    """Give every (model, suite) pair, and every subset of it, the set scores that it lacks."""
    keys = {metric.name: fingerprint(metric.key, _digest(metric, reference)) for metric in metrics}
    todo = [
        ToPool(metric, model, suite, subset)
        for metric in metrics
        if metric.set_columns
        for model, suite in pairs
        for subset in ledger.unpooled(metric.name, keys[metric.name], model, suite)
    ]
    if not todo:
        return
    job = PoolSets(ledger.run_dir, reference)
    with progress(len(todo), "pool", "set") as tick:
        for outcome in executor.near().map(job, todo):
            item = outcome.item
            scores = outcome.result or refuse(item.metric, Status.FAILED, outcome.failure)
            ledger.put_set_scores(item.metric.name, keys[item.metric.name], item.model, item.suite, item.subset, scores)
            tick(1)


def _digest(metric: MetricFacts, reference: Reference | None) -> str:
    """Of what a set is compared with, which may be nothing."""
    return reference.digest(metric.name) if reference and metric.compares else ""
