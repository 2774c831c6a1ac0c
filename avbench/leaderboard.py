"""Scores to a leaderboard: one aggregation for every form of output."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avbench.errors import IncompleteError, UsageError
from avbench.published import PublishedTable
from avbench.ranking import Mark as Mark
from avbench.ranking import rank
from avbench.records import Column, Prompt, Status
from avbench.statistics.intervals import LEVEL, means
from avbench.statistics.proportions import wilson
from avbench.statistics.ranks import Places

WHOLE, SUBSET, TAG, LANGUAGE = "", "subset", "tag", "language"


@dataclass(frozen=True, slots=True)
class Measure:
    """A leaderboard column. Numbers of different backends are different measures and never share one."""

    column: Column
    backend: str
    version: str = "1"
    of_set: bool = False  # one number about all clips together, not a mean over them
    title: str = ""  # what a paper calls it, where the board is a paper's; its values are then shown times `scale`
    scale: float = 1.0
    origin: float = 0.0  # of ours, which is 0 there
    decimals: int | None = None  # those of the column where None


@dataclass(frozen=True, slots=True)
class Cell:
    """One measure of one row: mean and 95 % interval over the scored clips, and what became of all clips asked.

    Of a set statistic `mean` is its value, and `scored` the clips that it rests on.
    `mean` is None when nothing was scored, `low` and `high` when fewer than two prompts were (a guard's interval is
    Wilson's). `not_finite` counts
    scores that claim to be fine but are NaN or infinite; they enter no mean. `reason` is the commonest one given.
    `place` is what the prompts leave open of its rank among the models of its suite and group; None for a single model
    and where no way is better.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    scored: int = 0
    not_applicable: int = 0
    unscored: int = 0
    failed: int = 0
    not_finite: int = 0
    reason: str = ""
    mark: Mark = Mark.NONE
    place: Places | None = None

    @property
    def asked(self) -> int:
        """Clips this measure was asked about, whatever came of it."""
        return self.scored + self.not_applicable + self.unscored + self.failed + self.not_finite


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one suite, or on one `group` of it (a subset, tag or language); cells align with the measures."""

    model: str
    suite: str
    group: str
    cells: tuple[Cell, ...]
    guards: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """What a report renders. `by` says what the rows' groups are; `notes` are sentences to print below."""

    measures: tuple[Measure, ...]
    guards: tuple[Measure, ...]
    rows: tuple[Row, ...]
    by: str = WHOLE
    published: tuple[PublishedTable, ...] = ()
    notes: tuple[str, ...] = ()

    def sections(self) -> list[tuple[Row, ...]]:
        """The rows that may be compared with each other: one tuple a (suite, group)."""
        sections: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            sections.setdefault((row.suite, row.group), []).append(row)
        return [tuple(rows) for rows in sections.values()]


def build(
    scores: pd.DataFrame,
    measures: Iterable[Measure],
    by: str = WHOLE,
    prompts: Iterable[Prompt] = (),
    sets: pd.DataFrame | None = None,
) -> Leaderboard:
    """Aggregate one row a score into one row a model and suite (and group, with `by`).

    Args:
        scores: columns model, suite, subset, prompt_id, seed, metric, backend, value, status, reason.
        measures: describe every (metric, backend) that occurs in `scores`; their order is the board's.
        by: `subset`, `language`, `tag`, or `tag:KEY` for one key; `prompts` tell tags and languages.
        sets: one row a set statistic, with the columns of `store.SET_COLUMNS`. They are pooled for suites and subsets
            only; a board by tag or language has none, and says so.

    Raises UsageError for a metric without description or an unknown `by`, IncompleteError for no scores.
    """
    frame = grouped(scores, by, prompts)
    pooled = _of_sets(sets, by) if sets is not None else pd.DataFrame()
    if frame.empty and pooled.empty:
        raise IncompleteError("nothing to report: no clip was scored" + (f" that has a {by}" if by else ""))
    known = {(measure.column.name, measure.backend): measure for measure in measures}
    cells = (_cells(frame, known) if len(frame) else {}) | _set_cells(pooled, frame)
    present = {(metric, backend) for *_, metric, backend in cells}
    if missing := sorted(present - known.keys()):
        raise UsageError("scores without a column in run.json: " + ", ".join(f"{m} ({b})" for m, b in missing))
    shown = [measure for key, measure in known.items() if key in present]
    columns = tuple(measure for measure in shown if not measure.column.guard)
    guards = tuple(measure for measure in shown if measure.column.guard)

    def pick(row: tuple[str, str, str], wanted: Sequence[Measure]) -> tuple[Cell, ...]:
        return tuple(cells.get((*row, m.column.name, m.backend), Cell()) for m in wanted)

    keys = sorted({(suite, group, model) for suite, group, model, *_ in cells})
    rows = [Row(key[2], key[0], key[1], pick(key, columns), pick(key, guards)) for key in keys]
    lost = sets is not None and not sets.empty and needs_prompts(by)
    notes = (f"Statistics of sets are pooled for suites and subsets, not by {by}.",) if lost else ()
    return Leaderboard(columns, guards, tuple(rows), by, notes=notes)


def needs_prompts(by: str) -> bool:
    """Whether this grouping is told by the prompts and not by the scores."""
    return by not in (WHOLE, SUBSET)


def grouped(scores: pd.DataFrame, by: str, prompts: Iterable[Prompt]) -> pd.DataFrame:
    """The scores with a column `group`; a clip of several tags stands in each of their groups."""
    if by == WHOLE:
        return scores.assign(group="")
    if by == SUBSET:
        return scores.assign(group=scores["subset"])
    kind, _, key = by.partition(":")
    if by != LANGUAGE and (kind != TAG or (":" in by and not key)):
        raise UsageError(f"cannot group by {by!r}; known: {SUBSET}, {TAG}, {TAG}:KEY, {LANGUAGE}")
    groups = [
        (prompt.suite, prompt.id, group)
        for prompt in prompts
        for group in ([_language(prompt)] if by == LANGUAGE else dict.fromkeys(prompt.tags))
        if not key or group.startswith(key + ":")
    ]
    table = pd.DataFrame(groups, columns=["suite", "prompt_id", "group"], dtype=str)
    return scores.merge(table, on=["suite", "prompt_id"])


def _language(prompt: Prompt) -> str:
    return "+".join(sorted({line.language for line in prompt.speech})) or "no speech"


def _cells(frame: pd.DataFrame, known: Mapping[tuple[str, str], Measure]) -> dict[tuple[str, str, str, str, str], Cell]:
    """(suite, group, model, metric, backend) to its cell, in sorted order of the keys."""
    names = ["suite", "group", "model", "metric", "backend"]
    cell = frame.groupby(names, sort=True, observed=True).ngroup().to_numpy()
    _, first = np.unique(cell, return_index=True)
    keys = frame.iloc[first][names].reset_index(drop=True)

    value = frame["value"].to_numpy(np.float64, na_value=np.nan)
    status = frame["status"].to_numpy(str)
    ok = status == Status.OK
    scored = ok & np.isfinite(value)
    prompt = pd.factorize(frame["prompt_id"])[0]
    cluster = pd.factorize(cell * np.int64(len(frame)) + prompt)[0]
    mean, half = means(value[scored], cell[scored], cluster[scored], len(keys), LEVEL)
    counts = [
        np.bincount(cell[chosen], minlength=len(keys)).tolist()
        for chosen in (
            scored,
            *(status == kind for kind in (Status.NOT_APPLICABLE, Status.UNSCORED, Status.FAILED)),
            ok & ~scored,
        )
    ]
    directions = {name: measure.column.direction for name, measure in known.items() if not measure.column.guard}
    ranks = rank(keys, directions, cell[scored], prompt[scored], value[scored])
    prompts = np.bincount(cell[scored][np.unique(cluster[scored], return_index=True)[1]], minlength=len(keys))
    reasons = _commonest(cell[~ok], frame["reason"].to_numpy(object)[~ok])
    cells = {
        key: _placed(
            Cell(_finite(m), _finite(m - h), _finite(m + h), n[0], n[1], n[2], n[3], n[4], reasons.get(i, "")),
            ranks.get(i),
        )
        for i, (key, m, h, n) in enumerate(
            zip(keys.itertuples(index=False, name=None), mean, half, zip(*counts, strict=True), strict=True)
        )
    }
    for key, n in zip(cells, prompts.tolist(), strict=True):
        measure = known.get(key[3:])
        if measure and measure.column.guard:
            cells[key] = _share(cells[key], n)
    return cells


def _share(cell: Cell, prompts: int) -> Cell:
    """A guard's cell with Wilson's interval: where no clip is flagged, Student's would have no width."""
    if cell.mean is None or not 0 <= cell.mean <= 1:
        return cell
    interval = wilson(cell.mean * prompts, prompts)
    return replace(cell, low=interval.low, high=interval.high)


def _placed(cell: Cell, rank: tuple[Places, Mark] | None) -> Cell:
    return replace(cell, place=rank[0], mark=rank[1]) if rank else cell


def _of_sets(sets: pd.DataFrame, by: str) -> pd.DataFrame:
    """The set statistics that a board shows, with a column `group`."""
    if needs_prompts(by):
        return sets.iloc[:0].assign(group="")
    if by == WHOLE:
        return sets[sets["subset"] == ""].assign(group="")
    place = ["model", "suite", "metric", "backend"]
    several = sets.groupby(place, observed=True)["subset"].transform("size") > 1
    return sets[(sets["subset"] != "") | ~several].assign(group=sets["subset"])  # a whole without parts is its own


def _set_cells(sets: pd.DataFrame, frame: pd.DataFrame) -> dict[tuple[str, str, str, str, str], Cell]:
    clips = frame[["suite", "group", "model", "prompt_id", "seed"]].drop_duplicates()
    asked = clips.groupby(["suite", "group", "model"], observed=True).size().to_dict()
    cells: dict[tuple[str, str, str, str, str], Cell] = {}
    row: Any
    for row in sets.itertuples(index=False):
        missing = max(int(asked.get((row.suite, row.group, row.model), 0)) - row.n, 0)
        known = Cell(_finite(row.value), _finite(row.ci_low), _finite(row.ci_high), row.n, reason=row.reason)
        lost = {"unscored": missing} if row.status == Status.OK else {row.status: max(missing, 1)}
        cells[row.suite, row.group, row.model, row.metric, row.backend] = replace(known, **lost)
    return cells


def _commonest(cell: NDArray[np.int64], reason: NDArray[np.object_]) -> dict[int, str]:
    counts = pd.DataFrame({"cell": cell, "reason": reason}).value_counts().reset_index()
    ranked = counts.sort_values(["cell", "count", "reason"], ascending=[True, False, True])
    return dict(ranked.drop_duplicates("cell")[["cell", "reason"]].itertuples(index=False, name=None))


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def number(value: float, decimals: int) -> str:
    """The value rounded, without the sign of a rounded-off zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
