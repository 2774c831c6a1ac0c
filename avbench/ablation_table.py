"""A paper's ablation beside ours: every row's numbers, its distance from the full model, and whether both agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avbench.ablation import Ablation
from avbench.leaderboard import Cell, Measure, build
from avbench.published import PublishedTable, meaning
from avbench.records import Status
from avbench.results import Results
from avbench.statistics.paired import effects

AGREES, DISAGREES, OPEN = "agrees", "disagrees", "cannot be told"


@dataclass(frozen=True, slots=True)
class Gap:
    """A row less the full model, on the same prompts and noise: the mean over `prompts` with its 95 % interval.

    Each end of the interval is infinite where a single prompt is in common. `each` is the mean of every training alone.
    """

    mean: float
    low: float
    high: float
    prompts: int
    each: tuple[float, ...]

    @property
    def sign(self) -> int:
        """That of the difference where the interval and all trainings tell it, else 0."""
        for sign in (1, -1):
            if min(sign * self.low, sign * self.high) > 0 and all(sign * one > 0 for one in self.each):
                return sign
        return 0


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table in one measure of ours, and under the `title` that the paper has for it ("" for none).

    All numbers are on the paper's scale. `paper_gap` is the paper's row less its full model.
    """

    row: str
    checkpoint: str
    full: bool
    measure: Measure
    title: str
    paper: float | None
    paper_gap: float | None
    ours: Cell
    gap: Gap | None

    @property
    def reading(self) -> str:
        """Does ours differ from the full model as the paper's does? Empty where there is nothing to compare."""
        if self.full or not self.paper_gap or self.gap is None:
            return ""
        told = self.gap.sign * math.copysign(1, self.paper_gap)
        return AGREES if told > 0 else DISAGREES if told < 0 else OPEN


@dataclass(frozen=True, slots=True)
class Comparison:
    """An ablation's table: `lines` by measure and, within one, in the paper's order of rows.

    `absent` are the paper's titles that nothing here measures, `hours` what every checkpoint was trained,
    `prompts` how many there were.
    """

    ablation: Ablation
    theirs: PublishedTable
    steps: int
    prompts: int
    suites: tuple[str, ...]
    lines: tuple[Line, ...]
    absent: tuple[str, ...]
    hours: Mapping[str, float]


def compare(ablation: Ablation, results: Results) -> Comparison:
    """Puts the scores of an ablation's run beside the paper's table."""
    theirs, part, scores = ablation.published, ablation.part, results.scores
    trials = {trial.name: trial for trial in ablation.trials}
    board = build(scores.assign(model=scores["model"].map(lambda name: trials[name].row.name)), results.measures)
    cells = {row.model: row.cells for row in board.rows}
    full = next(row.name for row in ablation.rows if row.full)
    titles = {meaning(theirs.source, title).metric: title for title in theirs.titles}
    lines = []
    for place, measure in enumerate(board.measures):
        title = titles.get(measure.column.name, "")
        scale = meaning(theirs.source, title).scale if title else 1.0
        by_prompt = _by_prompt(scores, measure, scale)
        for row in ablation.rows:
            printed, best = (theirs.value(name, title) for name in (row.name, full))
            pairs = [
                (by_prompt[trial.name], by_prompt[beside])
                for trial in ablation.trials
                if trial.row == row
                for beside in [next(t.name for t in ablation.trials if t.row.full and t.seed == trial.seed)]
                if trial.name in by_prompt and beside in by_prompt
            ]
            lines.append(
                Line(
                    row.name,
                    row.checkpoint,
                    row.full,
                    measure,
                    title,
                    printed.value if printed else None,
                    printed.value - best.value if printed and best and not row.full else None,
                    _scaled(cells[row.name][place], scale) if row.name in cells else Cell(),
                    None if row.full else _gap([mine - its for mine, its in pairs]),
                )
            )
    present = {line.title for line in lines}
    return Comparison(
        ablation,
        theirs,
        part.steps_of(ablation.preset, ablation.weights(ablation.trials[0])),
        scores.groupby("suite")["prompt_id"].nunique().sum(),
        tuple(sorted(scores["suite"].unique())),
        tuple(sorted(lines, key=lambda line: not line.title)),
        tuple(title for title in theirs.titles if title not in present),
        {trial.checkpoint: part.hours_of(ablation.weights(trial)) for trial in ablation.trials},
    )


def _by_prompt(scores: pd.DataFrame, measure: Measure, scale: float) -> dict[str, pd.Series[float]]:
    """Model to its mean of every prompt, over seeds."""
    here = (scores["metric"] == measure.column.name) & (scores["backend"] == measure.backend)
    found = scores[here & (scores["status"] == Status.OK) & np.isfinite(scores["value"])]
    means = found.groupby(["model", "suite", "prompt_id"], observed=True)["value"].mean() * scale
    return {str(name): group.droplevel("model") for name, group in means.groupby("model", observed=True)}


def _gap(trainings: list[pd.Series[float]]) -> Gap | None:
    """Of one series of differences a training; prompts count that all trainings have."""
    table = pd.concat(trainings, axis=1).dropna() if trainings else pd.DataFrame()
    if table.empty:
        return None
    values: NDArray[np.float64] = table.to_numpy(np.float64)
    (effect,) = effects([values.mean(1)])
    each = tuple(float(x) for x in values.mean(0))
    return Gap(effect.mean, effect.interval.low, effect.interval.high, len(values), each)


def _scaled(cell: Cell, scale: float) -> Cell:
    mean, low, high = (None if x is None else x * scale for x in (cell.mean, cell.low, cell.high))
    return replace(cell, mean=mean, low=low, high=high)
