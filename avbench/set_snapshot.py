"""What a gate needs of a run for its statistics of sets: what each clip left, in a file for git where that is small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avbench import registry
from avbench.errors import Unscored
from avbench.leaderboard import Measure
from avbench.materials import StoredMaterials
from avbench.parts import Metric
from avbench.records import JSON
from avbench.reference import read_arrays, read_facts
from avbench.results import measure_of
from avbench.set_metric import Material, SetMetric, Summary
from avbench.store import is_run

SMALL = 64  # numbers of a clip that a file for git has room for: counts of edits, and no features
Owner = tuple[str, str, str]  # metric, model, suite


@dataclass(frozen=True, slots=True)
class SetSnapshot:
    """The set columns of a run and what its clips left for them: in the ledger of `run`, or here where `run` is None.

    `parts` names the metric of a (column, backend); of the metrics in `absent` a file keeps nothing. `reference` is the
    run of the reference clips or a file of their statistics, `digest` says which clips these are ('' for none).
    """

    measures: tuple[Measure, ...] = ()
    parts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    run: Path | None = None
    kept: Mapping[Owner, tuple[Material, ...]] = field(default_factory=dict)
    reference: Path | None = None
    digest: str = ""

    def clips(self, part: str, model: str, suite: str) -> Sequence[Material]:
        """What the clips of a model and suite left for a metric. Raises Unscored where that is not to be had."""
        if self.run is None:
            if part in self.absent:
                raise Unscored(f"a baseline file keeps no features, which {part} needs: gate against the run's folder")
            return self.kept.get((part, model, suite), ())
        if not is_run(self.run):
            raise Unscored(f"{self.run} has no ledger, which keeps what clips leave for {part}")
        return list(StoredMaterials(self.run, part, model, suite))

    def truth(self, part: str) -> Summary | None:
        """What a metric keeps of the reference clips; None where there are none. Raises Unscored when they are gone."""
        if not self.digest:
            return None
        if self.reference and self.reference.is_file():
            facts = read_facts(self.reference).get(part)
            return Summary(read_arrays(self.reference, part), facts.samples, facts.numbers) if facts else Summary({})
        if self.reference is None or not is_run(self.reference):
            raise Unscored(f"the reference clips' run {self.reference} is not here; score with --reference again")
        materials, metric = StoredMaterials(self.reference, part), registry.load(Metric, part)()
        assert isinstance(metric, SetMetric)
        return metric.summarise(materials) if len(materials) else Summary({})


def of_run(folder: Path, info: Mapping[str, Any]) -> SetSnapshot:
    """That of a run's folder; `info` is its run.json."""
    columns = [column for column in info["columns"] if column.get("of_set")]
    reference = info.get("reference") or {}
    return SetSnapshot(
        measures=tuple(map(measure_of, columns)),
        parts={(column["name"], column["backend"]): column["part"] for column in columns},
        run=folder,
        reference=Path(reference["run"]) if reference else None,
        digest=reference.get("digest", ""),
    )


def to_file(snapshot: SetSnapshot, owners: Sequence[tuple[str, str]]) -> dict[str, JSON]:
    """What a baseline file keeps of (model, suite) pairs: a row a clip and metric, of metrics that leave little.

    Arrays are in order of their names, whatever that of the ledger's file: nothing else may change a line.
    """
    rows: list[JSON] = []
    absent: list[JSON] = []
    for part in dict.fromkeys(snapshot.parts.values()):
        try:
            found = [(model, material) for model, suite in owners for material in snapshot.clips(part, model, suite)]
        except Unscored:
            absent.append(part)
            continue
        if not all(_small(material) for _, material in found):
            absent.append(part)
        else:
            rows += [
                [part, model, m.suite, m.prompt_id, m.seed, {name: a.tolist() for name, a in sorted(m.arrays.items())}]
                for model, m in found
            ]
    return {"reference": snapshot.digest, "absent_sets": absent, "left_for_sets": rows}


def of_file(content: Mapping[str, Any]) -> SetSnapshot:
    """That of a baseline file; one of an older avbench has none. Raises KeyError, TypeError or ValueError."""
    kept: dict[Owner, list[Material]] = {}
    for part, model, suite, prompt, seed, arrays in content.get("left_for_sets", ()):
        material = Material(suite, prompt, int(seed), {name: np.array(values) for name, values in arrays.items()})
        kept.setdefault((part, model, suite), []).append(material)
    columns = content.get("set_columns", ())
    return SetSnapshot(
        measures=tuple(measure_of({"summary": "", "source": "", **column}) for column in columns),
        parts={(column["name"], column["backend"]): column["part"] for column in columns},
        absent=tuple(content.get("absent_sets", ())),
        kept={owner: tuple(materials) for owner, materials in kept.items()},
        digest=content.get("reference", ""),
    )


def _small(material: Material) -> bool:
    arrays = material.arrays.values()
    return sum(array.size for array in arrays) <= SMALL and all(np.isfinite(array).all() for array in arrays)
