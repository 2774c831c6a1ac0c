"""Reference clips as statistics: what metrics of sets keep of them, in files that say what they are statistics of.

A folder or a run becomes one file a metric in the run's folder `statistics`; `avbench reference` puts those of several
metrics into one file. Either is read the same way, by the metric that is pooled, so that clips are gathered once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avbench import registry
from avbench.cache import digest as digest_of_array
from avbench.errors import NotApplicable, Unscored, UsageError
from avbench.executor import Executor
from avbench.files import write_atomically
from avbench.materials import StoredMaterials
from avbench.parts import Metric
from avbench.plan import MetricFacts, fingerprint
from avbench.progress import progress, say
from avbench.set_metric import SetMetric, Summary
from avbench.weights import fingerprints

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMA = 1
SUFFIX = ".safetensors"
FOLDER = "statistics"


@dataclass(frozen=True, slots=True)
class Facts:
    """What one metric's statistics are of: `clips` that left `samples` of `numbers` each.

    `key` is the protocol's (the metric's version, backbones and columns), `weights` the digests of the checkpoints by
    id, `source` a digest of the clips, `content` one of the statistics themselves.
    """

    metric: str
    backend: str
    key: str
    weights: Mapping[str, str]
    source: str
    clips: int = 0
    samples: int = 0
    numbers: int = 0
    content: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the statistics of each metric lie, and what they are; a metric without any is not in it.

    `path` is the run of the reference clips, or the file.
    """

    path: Path
    files: Mapping[str, Path]
    facts: Mapping[str, Facts]

    @property
    def source(self) -> str:
        """A digest of the clips that they are statistics of, empty where there are none."""
        return fingerprint(sorted({facts.source for facts in self.facts.values()})) if self.facts else ""

    def digest(self, metric: str) -> str:
        """Another one where a set must be pooled anew."""
        return self.facts[metric].content if metric in self.facts else "none"

    def summary(self, metric: str) -> Summary:
        """What the metric compares with; empty where it left nothing. Raises UsageError when it cannot be read."""
        if metric not in self.facts:
            return Summary({})
        arrays = read_arrays(self.files[metric], metric)
        return Summary(arrays, self.facts[metric].samples, self.facts[metric].numbers)


@dataclass(frozen=True, slots=True)
class ToSummarise:
    """A metric, and what will be known of its statistics before they are made."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class Summarise:
    """Job: a metric to the file of its statistics of all clips of a run, and what they are."""

    run_dir: Path

    def open(self, device: str) -> Callable[[ToSummarise], Facts]:
        return self._summarise

    def _summarise(self, item: ToSummarise) -> Facts:
        name = item.facts.metric
        metric = registry.load(Metric, name)()
        assert isinstance(metric, SetMetric)
        materials = StoredMaterials(self.run_dir, name)
        try:
            summary = metric.summarise(materials) if len(materials) else Summary({})
        except (Unscored, NotApplicable):
            summary = Summary({})
        facts = replace(
            item.facts,
            samples=summary.samples,
            numbers=summary.numbers,
            content=_content(summary.arrays),
        )
        write(_file(self.run_dir, name), {name: (facts, summary.arrays)})
        return facts


def of_run(run_dir: Path, metrics: Sequence[MetricFacts], clips: object, executor: Executor) -> Reference:
    """The statistics of all clips of a run, made where the run has none of these clips yet (`clips` is JSON's)."""
    wanted = [
        Facts(
            m.name, m.backend, m.key, fingerprints(m.weights), fingerprint(clips), len(StoredMaterials(run_dir, m.name))
        )
        for m in metrics
        if m.compares
    ]
    known = {facts.metric: found for facts in wanted if (found := _known(run_dir, facts))}
    todo = [ToSummarise(facts) for facts in wanted if facts.metric not in known]
    if todo:
        (run_dir / FOLDER).mkdir(exist_ok=True)
        with progress(len(todo), "summarise", "metric") as tick:
            for outcome in executor.near().map(Summarise(run_dir), todo):
                if outcome.result is None:
                    say(f"reference: {outcome.item.facts.metric} has no statistics: {outcome.failure}")
                else:
                    known[outcome.item.facts.metric] = outcome.result
                tick(1)
    left = {name: facts for name, facts in known.items() if facts.samples}
    return Reference(run_dir, {name: _file(run_dir, name) for name in left}, left)


def of_file(path: Path, metrics: Sequence[MetricFacts]) -> Reference:
    """The statistics in a file of `avbench reference`, as far as `metrics` ask for them.

    Raises UsageError when one of them was made by another protocol or of other weights than would score here.
    """
    asked = {metric.name: metric for metric in metrics if metric.compares}
    found = {name: facts for name, facts in read_facts(path).items() if name in asked}
    for name, facts in found.items():
        if why := _unlike(facts, asked[name]):
            raise UsageError(
                f"{path}: its statistics of {name} are not comparable with what is scored here: {why}; "
                "write the file anew with avbench reference"
            )
    if missing := sorted(asked.keys() - found.keys()):
        say(f"{path} has no statistics of {', '.join(missing)}")
    return Reference(path, dict.fromkeys(found, path), found)


def bundle(reference: Reference, path: Path) -> None:
    """Write the statistics of all metrics into one file. Raises UsageError when there are none."""
    if not reference.facts:
        raise UsageError("the clips left nothing to compare with: no file was written")
    write(path, {name: (facts, reference.summary(name).arrays) for name, facts in reference.facts.items()})


def write(path: Path, statistics: Mapping[str, tuple[Facts, Mapping[str, NDArray[Any]]]]) -> None:
    """Write statistics by metric, atomically. Raises UsageError when the file cannot be written."""
    import numpy as np
    from safetensors.numpy import save_file

    facts = {name: asdict(known) for name, (known, _) in statistics.items()}
    arrays = {
        f"{name}/{key}": np.array(array, order="C")
        for name, (_, of_metric) in statistics.items()
        for key, array in of_metric.items()
    }
    metadata = {"avbench": json.dumps({"schema": SCHEMA, "statistics": facts})}
    write_atomically(path, lambda file: save_file(arrays, file, metadata))


def read_facts(path: Path) -> dict[str, Facts]:
    """What a file holds statistics of, by metric. Raises UsageError when it is not such a file."""
    with _opened(path) as file:
        try:
            stored = json.loads((file.metadata() or {})["avbench"])
            if stored["schema"] != SCHEMA:
                raise UsageError(f"{path}: statistics of schema {stored['schema']}, this avbench reads {SCHEMA}")
            return {name: Facts(**facts) for name, facts in stored["statistics"].items()}
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{path}: no statistics of reference clips; make them with avbench reference") from error


def read_arrays(path: Path, metric: str) -> dict[str, NDArray[Any]]:
    """The arrays of one metric. Raises UsageError when the file cannot be read."""
    with _opened(path) as file:
        names = [name for name in file.keys() if name.startswith(f"{metric}/")]  # noqa: SIM118
        return {name.removeprefix(f"{metric}/"): file.get_tensor(name) for name in names}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise UsageError(f"{path}: cannot be read as statistics of reference clips: {error}") from error


def _known(run_dir: Path, wanted: Facts) -> Facts | None:
    """What was written of the same clips by the same protocol and weights."""
    path = _file(run_dir, wanted.metric)
    try:
        found = read_facts(path)[wanted.metric] if path.is_file() else None
    except (UsageError, KeyError):
        return None
    same = ("backend", "key", "weights", "source", "clips")
    return found if found and all(getattr(found, name) == getattr(wanted, name) for name in same) else None


def _unlike(facts: Facts, metric: MetricFacts) -> str:
    """Why the statistics are not those of `metric` here, in words; empty where they are."""
    if facts.backend != metric.backend:
        return f"of backend {facts.backend}, here {metric.backend}"
    if facts.key != metric.key:
        return f"of another protocol ({facts.key[:8]}, here {metric.key[:8]})"
    for id, here in fingerprints(metric.weights).items():
        if here and facts.weights.get(id) != here:
            return f"of weights {id} {facts.weights.get(id) or 'unknown'}, here {here}"
    return ""


def _content(arrays: Mapping[str, NDArray[Any]]) -> str:
    parts = sorted((name, digest_of_array(array)) for name, array in arrays.items())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _file(run_dir: Path, metric: str) -> Path:
    return run_dir / FOLDER / f"{metric}{SUFFIX}"
