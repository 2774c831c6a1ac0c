"""Two runs side by side: the same prompts and seeds, score by score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avbench.errors import IncompleteError, UsageError
from avbench.identity import unlike
from avbench.leaderboard import Measure
from avbench.progress import SHOWN
from avbench.records import Direction, Status
from avbench.snapshot import KEYS, Snapshot

Clip = tuple[str, str, str, int]  # model, suite, prompt, seed
CELL = ["model", "suite", "metric", "backend"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """One measure of one model on one suite in two runs.

    `prompt`, `seed`, `baseline` and `candidate` (n,) are of the clips that both runs have, in order of the prompts:
    a value, or NaN where there is none. Of signed offsets (better: nearer to zero) the values are distances from zero.
    """

    model: str  # the candidate's name of it
    suite: str
    measure: Measure
    prompt: NDArray[np.object_]
    seed: NDArray[np.int64]
    baseline: NDArray[np.float64]
    candidate: NDArray[np.float64]

    def changes(self) -> NDArray[np.float64]:
        """Candidate minus baseline a prompt, averaged over the seeds that both have a value for, (prompts,)."""
        return self._by_prompt(self.candidate - self.baseline)

    def lost(self) -> NDArray[np.float64]:
        """Share of a prompt's clips with a value in the baseline alone, less that in the candidate alone."""
        return self._by_prompt(np.isfinite(self.baseline).astype(float) - np.isfinite(self.candidate))

    def means(self) -> tuple[float, float]:
        """The mean over prompts of the baseline and of the candidate, where both have a value; NaN where none has."""
        both = np.isfinite(self.baseline - self.candidate)
        if not both.any():
            return np.nan, np.nan
        one, other = (self._by_prompt(np.where(both, side, np.nan)) for side in (self.baseline, self.candidate))
        return float(one.mean()), float(other.mean())

    def _by_prompt(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        there = np.isfinite(values)
        _, group = np.unique(self.prompt[there].astype(str), return_inverse=True)
        return np.bincount(group, values[there]) / np.bincount(group) if there.any() else np.zeros(0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two runs have in common, and what they have not.

    `shared` are the clips of both, `named` gives a candidate's model the baseline's name of it where that is another.
    `missing` are clips (model, suite, prompt, seed) of the baseline that the candidate was not asked for; `extra` the
    number of those the other way round; `failures` are clips with a failed score in the candidate alone.
    """

    pairs: tuple[Pairs, ...]
    shared: tuple[Clip, ...]
    named: Mapping[str, str]
    missing: tuple[str, ...]
    failures: tuple[str, ...]
    extra: int
    notes: tuple[str, ...]


def compare(baseline: Snapshot, candidate: Snapshot) -> Comparison:
    """Pair two runs. Raises UsageError when they cannot be compared, saying why, IncompleteError for no scores."""
    _refuse(baseline, candidate)
    theirs, ours, named, notes = _models(baseline, candidate)
    clips, known = (frame[KEYS].drop_duplicates() for frame in (ours, theirs))
    places = known.merge(clips, on=KEYS, how="outer", indicator=True)
    where = places["_merge"].astype(str)
    shared = places.loc[where == "both", KEYS]
    if shared.empty:
        here, there = (", ".join(sorted(set(frame["suite"]))) for frame in (ours, theirs))
        names = f"{candidate.name} (of {here}) and {baseline.name} (of {there})"
        raise UsageError(f"{names} have no prompt with its seed in common")
    failed = [
        {tuple(row) for row in frame.loc[frame["status"] == Status.FAILED, KEYS].to_numpy()} for frame in (theirs, ours)
    ]
    both = set(map(tuple, shared.to_numpy()))
    notes += [
        f"{side.name}: this run is {side.state}; what is missing of it counts as missing"
        for side in (baseline, candidate)
        if side.state != "done"
    ]
    return Comparison(
        pairs=tuple(_pairs(theirs, ours, shared, baseline, candidate)),
        shared=tuple((str(m), str(s), str(p), int(seed)) for m, s, p, seed in shared.to_numpy()),
        named=named,
        missing=tuple(_named(*clip) for clip in places.loc[where == "left_only", KEYS].to_numpy()),
        failures=tuple(_named(*clip) for clip in sorted((failed[1] - failed[0]) & both, key=str)),
        extra=int((where == "right_only").sum()),
        notes=tuple(notes),
    )


def _named(model: str, suite: str, prompt: str, seed: int) -> str:
    return f"{model} · {suite} · {prompt} (seed {seed})"


def _refuse(baseline: Snapshot, candidate: Snapshot) -> None:
    here, there = candidate.name, baseline.name
    for side in (baseline, candidate):
        if side.scores.empty:
            hint = "; score the guards beside the statistics of sets" if side.sets.measures else ""
            if side.state != "done":
                hint = f" yet: the run is {side.state}; the command that began it goes on"
            raise IncompleteError(f"nothing to compare: {side.name} has no scores of clips{hint}")
    shared = baseline.prompts.keys() & candidate.prompts.keys()
    if changed := sorted(key for key in shared if baseline.prompts[key] != candidate.prompts[key]):
        names = ", ".join(f"{suite}/{prompt}" for suite, prompt in changed[:SHOWN])
        raise UsageError(f"{here} and {there} used different prompts: {len(changed)} of the same id differ, {names}")
    for suite in sorted(baseline.suites.keys() & candidate.suites.keys()):
        if not (baseline.prompts and candidate.prompts) and baseline.suites[suite] != candidate.suites[suite]:
            digests = f"digests {candidate.suites[suite][:12]} and {baseline.suites[suite][:12]}"
            raise UsageError(f"{here} and {there} used different prompts of suite {suite!r} ({digests})")
    ours, theirs = (
        {(m.column.name, m.backend): m for m in (*side.measures, *side.sets.measures)} for side in (candidate, baseline)
    )
    for name, backend in theirs:
        others = sorted(b for n, b in ours if n == name)
        if others and backend not in others:
            raise UsageError(
                f"{name} is of backend {', '.join(others)} in {here} and of backend {backend} in {there}: "
                "numbers of different backends are not comparable"
            )
    for key in theirs.keys() & ours.keys():
        if theirs[key].version != ours[key].version:
            raise UsageError(
                f"{here} and {there} scored {key[0]} ({key[1]}) by protocol versions {ours[key].version} and "
                f"{theirs[key].version}: score one of them anew"
            )
        protocols = baseline.protocols.get(key, ""), candidate.protocols.get(key, "")
        if all(protocols) and protocols[0] != protocols[1]:
            raise UsageError(
                f"{here} and {there} scored {key[0]} ({key[1]}) with other features or settings of them "
                f"(protocol digests {protocols[1][:8]} and {protocols[0][:8]}): score one of them anew"
            )
        if differing := unlike(candidate.weights.get(key, ""), baseline.weights.get(key, "")):
            raise UsageError(
                f"{here} and {there} scored {key[0]} ({key[1]}) with other weights "
                f"(digests {' and '.join(differing)}): score one of them anew"
            )


def _models(baseline: Snapshot, candidate: Snapshot) -> tuple[pd.DataFrame, pd.DataFrame, Mapping[str, str], list[str]]:
    """The scores of the models to compare: those of one name, or the only one of each run."""
    theirs, ours = baseline.scores, candidate.scores
    names, own = sorted(set(theirs["model"])), sorted(set(ours["model"]))
    if len(names) == len(own) == 1:
        note = [f"{own[0]} is compared with {names[0]}"] if names != own else []
        return theirs.assign(model=own[0]), ours, {own[0]: names[0]}, note
    shared = sorted(set(names) & set(own))
    if not shared:
        raise UsageError(
            f"no model in common: {candidate.name} has {', '.join(own)}, {baseline.name} has {', '.join(names)}"
        )
    left = sorted(set(names) ^ set(own))
    note = [f"in one of the runs only, and left out: {', '.join(left)}"] if left else []
    return theirs[theirs["model"].isin(shared)], ours[ours["model"].isin(shared)], {}, note


def _pairs(
    theirs: pd.DataFrame, ours: pd.DataFrame, shared: pd.DataFrame, baseline: Snapshot, candidate: Snapshot
) -> Iterator[Pairs]:
    measures = {(m.column.name, m.backend): m for m in (*candidate.measures, *baseline.measures)}
    keys = [*KEYS, "metric", "backend"]
    sides = [_values(frame).merge(shared, on=KEYS) for frame in (theirs, ours)]
    table = sides[0].merge(sides[1], on=keys, how="outer", suffixes=("_baseline", "_candidate"))
    groups: dict[tuple[str, ...], pd.DataFrame] = {tuple(map(str, key)): rows for key, rows in table.groupby(CELL)}
    order = {key: i for i, key in enumerate(measures)}
    for key in sorted(groups, key=lambda key: (key[:2], order[key[2], key[3]])):
        model, suite, metric, backend = key
        rows = groups[key].sort_values(["prompt_id", "seed"])
        measure = measures[metric, backend]
        one, other = (rows[f"value_{side}"].to_numpy(np.float64) for side in ("baseline", "candidate"))
        if measure.column.direction is Direction.ZERO:
            one, other = np.abs(one), np.abs(other)
        yield Pairs(
            model, suite, measure, rows["prompt_id"].to_numpy(object), rows["seed"].to_numpy(np.int64), one, other
        )


def _values(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores whose value is NaN unless it is a number to count with."""
    usable = (frame["status"] == Status.OK) & np.isfinite(frame["value"].astype(float))
    return frame.assign(value=frame["value"].where(usable)).drop(columns="status")
