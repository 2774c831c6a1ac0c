"""Where two runs differ most: every measure's paired effect, and the clips with the largest differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avbench.errors import IncompleteError, NotApplicable, Unscored, UsageError
from avbench.leaderboard import Measure
from avbench.pairs import Comparison, Pairs, compare
from avbench.records import Direction
from avbench.set_pairs import SetPairs, pair_sets
from avbench.snapshot import read
from avbench.statistics.intervals import LEVEL
from avbench.statistics.multiplicity import benjamini_hochberg
from avbench.statistics.paired import Effect, effects
from avbench.store import is_run, load_clips

SWAPS = 1000
ClipKey = tuple[str, str, str, int]  # model, suite, prompt, seed


@dataclass(frozen=True, slots=True)
class Overall:
    """One measure of one model and suite: means of both runs over the prompts in common, the effect B - A and its q.

    `q` is Benjamini-Hochberg's over all measures; `better` is `A`, `B`, or empty where the prompts do not tell (q above
    0.05) or no way is better. Of signed offsets all is about distances from zero.
    """

    model: str
    suite: str
    measure: Measure
    first: float
    second: float
    effect: Effect
    q: float
    better: str


@dataclass(frozen=True, slots=True)
class Change:
    """One measure of one clip in both runs; `size` is the difference in spreads of that measure over both runs."""

    measure: Measure
    first: float
    second: float
    size: float


@dataclass(frozen=True, slots=True)
class ClipPair:
    """The two clips of a prompt and seed, and their changes, the largest first; a path is None for no clip."""

    model: str
    suite: str
    prompt: str
    seed: int
    changes: tuple[Change, ...]
    first: Path | None = None
    second: Path | None = None


@dataclass(frozen=True, slots=True)
class Differences:
    """What `avbench compare` says: measures in the runs' order, clips with the largest difference first."""

    first: str
    second: str
    overall: tuple[Overall, ...]
    clips: tuple[ClipPair, ...]
    notes: tuple[str, ...]


def differences(first: Path, second: Path, metric: str = "") -> Differences:
    """Compare two runs, or only one metric of theirs. Raises UsageError for runs that cannot be compared."""
    ours, theirs = read(first), read(second)
    found = compare(ours, theirs)
    pairs = [pair for pair in found.pairs if not metric or pair.measure.column.name == metric]
    sets = list(pair_sets(ours, theirs, found, [metric] if metric else None))
    if not pairs and not sets:
        measures = [*(pair.measure for pair in found.pairs), *(pair.measure for pair in pair_sets(ours, theirs, found))]
        known = ", ".join(dict.fromkeys(measure.column.name for measure in measures))
        raise UsageError(f"no metric {metric!r} in these runs; they have {known}")
    compared = [pair for pair in pairs if np.isfinite(pair.candidate - pair.baseline).any()]
    overall, notes = list(_overall(compared, sets)), _notes(found, sets)
    if not overall:
        raise IncompleteError("nothing to compare: no clip has a number in both runs")
    paths = [_paths(folder) for folder in (first, second)]
    return Differences(str(first), str(second), tuple(overall), tuple(_clips(compared, paths)), notes)


def _overall(pairs: Sequence[Pairs], sets: Sequence[SetPairs]) -> Iterable[Overall]:
    found = effects([pair.changes() for pair in pairs])
    rows = [
        Overall(pair.model, pair.suite, pair.measure, *pair.means(), effect, math.nan, "")
        for pair, effect in zip(pairs, found, strict=True)
    ]
    for pair in sets:
        try:
            swap = pair.swap(resamples=SWAPS, level=LEVEL, seed=0)
        except (Unscored, NotApplicable):
            continue
        rows.append(Overall(pair.model, pair.suite, pair.measure, swap.first, swap.second, swap.effect, math.nan, ""))
    for row, q in zip(rows, benjamini_hochberg([row.effect.p for row in rows]), strict=True):
        up = row.measure.column.direction is Direction.UP
        told = q < 0.05 and row.measure.column.direction is not Direction.NONE
        yield replace(row, q=float(q), better=("B" if (row.effect.mean > 0) == up else "A") if told else "")


def _clips(pairs: Sequence[Pairs], paths: Sequence[Mapping[ClipKey, Path]]) -> list[ClipPair]:
    changes: dict[ClipKey, list[Change]] = {}
    for pair in pairs:
        values = np.concatenate([pair.baseline, pair.candidate])
        spread = float(np.nanstd(values)) or 1.0
        rows = zip(pair.prompt, pair.seed, pair.baseline, pair.candidate, strict=True)
        for prompt, seed, one, other in rows:
            if math.isfinite(other - one) and other != one:
                change = Change(pair.measure, float(one), float(other), float(other - one) / spread)
                changes.setdefault((pair.model, pair.suite, str(prompt), int(seed)), []).append(change)
    found = []
    for (model, suite, prompt, seed), some in changes.items():
        ranked = tuple(sorted(some, key=lambda change: -abs(change.size)))
        first, second = (_path(known, model, suite, prompt, seed) for known in paths)
        found.append(ClipPair(model, suite, prompt, seed, ranked, first, second))
    return sorted(found, key=lambda clip: -abs(clip.changes[0].size))


def _paths(folder: Path) -> Mapping[ClipKey, Path]:
    if not folder.is_dir() or not is_run(folder):
        return {}
    return {(c.model, c.prompt.suite, c.prompt.id, c.seed): c.path for c in load_clips(folder)}


def _path(known: Mapping[ClipKey, Path], model: str, suite: str, prompt: str, seed: int) -> Path | None:
    """The clip's path; a run's only model may be called otherwise."""
    own = {key[0] for key in known}
    name = model if model in own else next(iter(own), model)
    return known.get((name, suite, prompt, seed))


def _notes(found: Comparison, sets: Sequence[SetPairs]) -> tuple[str, ...]:
    notes = list(found.notes)
    notes += [f"{pair.suite} {pair.measure.column.name}: {pair.refused}" for pair in sets if pair.refused]
    if found.missing:
        notes.append(f"{len(found.missing)} clips are in A alone: {found.missing[0]} …")
    if found.extra:
        notes.append(f"{found.extra} clips are in B alone")
    return tuple(notes)
