"""Two runs side by side by the numbers of their whole sets: the same clips, exchanged prompt by prompt."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avbench import registry
from avbench.errors import NotApplicable, Unscored, UsageError
from avbench.leaderboard import Measure
from avbench.pairs import Clip, Comparison
from avbench.parts import Metric
from avbench.records import Direction
from avbench.set_metric import Material, SetMetric, SetStatistic
from avbench.snapshot import Snapshot
from avbench.statistics.sets import Swap, swap_permutation

CANNOT = (Unscored, NotApplicable, ValueError, UsageError)


@dataclass(frozen=True, slots=True)
class SetPairs:
    """One set column of one model on one suite in two runs.

    `clips` (m) are those of both runs; `first` and `second` (m,) say which left something for it in the baseline and in
    the candidate. `prompt` (n,) numbers the prompts of those that did in both; `statistic` takes their places, the
    baseline's first. `refused` says why there is none though it applies, or why no verdict may rest on it.
    """

    model: str  # the candidate's name of it
    suite: str
    measure: Measure
    clips: tuple[Clip, ...]
    first: NDArray[np.bool_]
    second: NDArray[np.bool_]
    prompt: NDArray[np.int64]
    statistic: SetStatistic | None = None
    refused: str = ""

    @property
    def prompts(self) -> int:
        return len(np.unique(self.prompt))

    def swap(self, *, resamples: int, level: float, seed: int) -> Swap:
        """The two numbers and their difference, candidate less baseline; of signed columns their distances from zero.

        Raises Unscored where there is no number, NotApplicable where none can be.
        """
        if self.statistic is None:
            raise Unscored(self.refused) if self.refused else NotApplicable("no clip has left anything for it")
        of = self.statistic.of

        def number(places: NDArray[np.int64]) -> float:
            return abs(of(places)) if self.measure.column.direction is Direction.ZERO else of(places)

        try:
            return swap_permutation(number, self.prompt, resamples=resamples, level=level, seed=seed)
        except ValueError as error:
            raise Unscored(str(error)) from None


def pair_sets(
    baseline: Snapshot, candidate: Snapshot, found: Comparison, wanted: Collection[str] | None = None
) -> Iterator[SetPairs]:
    """The set columns that both runs have, or of them those named. Raises UsageError for other reference clips."""
    ours = {(measure.column.name, measure.backend) for measure in candidate.sets.measures}
    measures: dict[str, list[Measure]] = {}
    for measure in baseline.sets.measures:
        key = measure.column.name, measure.backend
        if key in ours and (wanted is None or measure.column.name in wanted):
            measures.setdefault(baseline.sets.parts[key], []).append(measure)
    if measures and baseline.sets.digest != candidate.sets.digest:
        names = ", ".join(m.column.name for some in measures.values() for m in some)
        raise UsageError(
            f"{candidate.name} and {baseline.name} compared {names} with other reference clips: score both with the "
            "same --reference"
        )
    owners: dict[tuple[str, str], list[Clip]] = {}
    for clip in found.shared:
        owners.setdefault(clip[:2], []).append(clip)
    for (model, _), clips in owners.items():
        for part, some in measures.items():
            yield from _paired(baseline, candidate, part, some, clips, found.named.get(model, model))


def _paired(
    baseline: Snapshot,
    candidate: Snapshot,
    part: str,
    measures: Sequence[Measure],
    clips: Sequence[Clip],
    theirs: str,
) -> Iterator[SetPairs]:
    """Those of one metric, whose clips are read once."""
    model, suite = clips[0][:2]
    absent, sides, truth, why = np.zeros(len(clips), bool), [], None, ""
    try:
        sides = [_by_clip(baseline.sets.clips(part, theirs, suite)), _by_clip(candidate.sets.clips(part, model, suite))]
        truth = candidate.sets.truth(part)
    except Unscored as reason:
        why = str(reason)
    first, second = (np.array([clip[2:] in side for clip in clips]) for side in sides) if sides else (absent, absent)
    both = [clip[2:] for clip, there in zip(clips, first & second, strict=True) if there]
    _, prompt = np.unique(np.array([name for name, _ in both], str), return_inverse=True)
    statistics: Mapping[str, SetStatistic] = {}
    if not why:
        try:
            metric = registry.load(Metric, part)()
            assert isinstance(metric, SetMetric)
            statistics = metric.statistics([side[clip] for side in sides for clip in both], truth) if both else {}
            why = (
                "it cannot be compared by exchanging clips" if both else "no clip has left anything for it in both runs"
            )
            why *= bool(first.any() or second.any())
        except CANNOT as reason:
            why = str(reason)
    for measure in measures:
        pairs = SetPairs(model, suite, measure, tuple(clips), first, second, np.asarray(prompt, np.int64), None, why)
        if statistic := statistics.get(measure.column.name):
            pairs = replace(pairs, statistic=statistic, refused=statistic.doubt)
        yield pairs


def _by_clip(materials: Sequence[Material]) -> dict[tuple[str, int], Material]:
    return {(material.prompt_id, material.seed): material for material in materials}
