"""How every column of every metric responds to every fault, and whether that is what the metric promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from avbench.answers import Answers, Fault
from avbench.records import Column, Direction, Status
from avbench.statistics.intervals import LEVEL
from avbench.validation import figures
from avbench.validation.figures import Estimate, Values
from avbench.validation.ladder import AGAIN, CLEAN, LADDERS, Level

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 4  # clips; with fewer nothing is said of a promise
SMALL = 0.33  # Cliff's delta up to which an effect is small (Romano et al. 2006)


class Promise(StrEnum):
    """What a metric says of a column and a fault; the words are the fields of `Answers`."""

    WORSE = "worse"
    RISES = "rises"
    FALLS = "falls"
    REFUSES = "refuses"
    IGNORES = "ignores"
    NOTHING = ""


class Verdict(StrEnum):
    """What became of a promise. UNCLEAR: the figure falls short, but not beyond doubt. UNTESTED: too few clips."""

    KEPT = "kept"
    UNCLEAR = "unclear"
    BROKEN = "broken"
    UNTESTED = "untested"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One strength of a fault: `asked` clips that had a value when clean, `scored` that still have one.

    `mean` is of the values, `change` of their differences from the clean ones; `ranking` is the share of clips told
    apart from their clean selves, `auc` that of all pairs of a spoilt and a clean one.
    """

    level: Level
    asked: int
    scored: int
    mean: Estimate
    change: Estimate
    ranking: Estimate
    auc: Estimate


@dataclass(frozen=True, slots=True)
class Response:
    """A column's answer to a fault: its curve, and the smallest strengths told apart at 95 % by either measure."""

    fault: Fault
    promise: Promise
    points: tuple[Point, ...]
    rho: Estimate
    by_ranking: float | None
    by_auc: float | None
    verdict: Verdict
    finding: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A column, whose it is, and what it promises."""

    column: Column
    metric: str
    backend: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class Validated:
    """A column: `clips` with a clean value of those asked, their spread, the scatter of repeats, all responses."""

    declared: Declared
    asked: int
    clips: int
    clean: Estimate
    spread: float
    retest: float
    responses: tuple[Response, ...]


def validate(scores: pd.DataFrame, declared: Iterable[Declared], levels: Sequence[Level]) -> list[Validated]:
    """Figures of all columns from one row a score (`store.COLUMNS`), whose suites are the names of `levels`."""
    frame = scores.assign(value=scores["value"].where(scores["status"] == Status.OK))
    found = []
    for one in declared:
        part = frame[(frame["metric"] == one.column.name) & (frame["backend"] == one.backend)]
        if len(part):
            values = part.pivot(index="suite", columns="prompt_id", values="value")
            there = part.assign(there=True).pivot(index="suite", columns="prompt_id", values="there").notna()
            found.append(_Column(one, values, there).validated(levels))
    return found


class _Column:
    """The values of one column: a row a level, a column a clip, NaN where none was given."""

    def __init__(self, declared: Declared, values: pd.DataFrame, there: pd.DataFrame) -> None:
        self.declared, self._values, self._there = declared, values, there
        self._ids = list(values.columns)
        self.clean = self._row(CLEAN)
        self._known = np.isfinite(self.clean)

    def _row(self, name: str) -> Values:
        if name not in self._values.index:
            return np.full(len(self._ids), np.nan)
        return np.asarray(self._values.loc[name].to_numpy(float), np.float64)

    def validated(self, levels: Sequence[Level]) -> Validated:
        again = [self._row(level.name) for level in levels if level.kind == AGAIN]
        retest = figures.repeatability(np.column_stack([self.clean, *again])) if again else float("nan")
        printed = 0.5 * 10.0**-self.declared.column.decimals
        tolerance = max(printed, np.nan_to_num(figures.detectable(retest)))
        kinds = dict.fromkeys(level.kind for level in levels if level.kind in LADDERS)
        responses = (
            self._response(Fault(kind), [level for level in levels if level.kind == kind], tolerance) for kind in kinds
        )
        known = self.clean[self._known]
        return Validated(
            self.declared,
            asked=int(self._done(Level(CLEAN)).sum()),
            clips=len(known),
            clean=figures.mean(known),
            spread=float(known.std(ddof=1)) if len(known) > 1 else float("nan"),
            retest=retest,
            responses=tuple(response for response in responses if response is not None),
        )

    def _response(self, fault: Fault, levels: Sequence[Level], tolerance: float) -> Response | None:
        """None where the fault was done to no clip that has a clean value."""
        promise = promised(self.declared.answers, fault)
        strongest = max(levels, key=lambda level: level.strength)
        sign = self._sign(promise, self._row(strongest.name))
        points, curves = [], []
        for level in levels:
            row = self._row(level.name)
            used = self._known & self._done(level)
            clean, spoilt = self.clean[used], row[used]
            before, after = _badness(clean, sign), _badness(spoilt, sign)
            if promise is Promise.REFUSES:
                before, after = np.zeros(len(clean)), np.where(np.isfinite(spoilt), 0.0, np.inf)
            points.append(
                Point(
                    level,
                    asked=len(clean),
                    scored=int(np.isfinite(spoilt).sum()),
                    mean=figures.mean(spoilt),
                    change=figures.mean(spoilt - clean),
                    ranking=figures.ranking(before, after, tolerance),
                    auc=figures.auc(before, after, tolerance),
                )
            )
            curves.append(_badness(np.where(self._known & self._done(level), row, np.nan), sign))
        if not any(point.asked for point in points):
            return None
        curve = np.stack([_badness(self.clean, sign), *curves])
        curve[~np.isfinite(curve)] = np.nan
        strengths = [level.strength for level in levels]
        verdict, finding = judge(promise, points)
        return Response(
            fault,
            promise,
            tuple(points),
            rho=figures.rho(np.array([0, *strengths], float), curve),
            by_ranking=_value(levels, figures.smallest(strengths, [point.ranking.value for point in points])),
            by_auc=_value(levels, figures.smallest(strengths, [point.auc.value for point in points])),
            verdict=verdict,
            finding=finding,
        )

    def _done(self, level: Level) -> Values:
        """Which clips have this level at all."""
        if level.name not in self._there.index:
            return np.zeros(len(self._ids), bool)
        return np.asarray(self._there.loc[level.name].to_numpy(bool))

    def _sign(self, promise: Promise, strongest: Values) -> int:
        """What is worse: 1 larger values, -1 smaller ones, 0 those further from zero.

        Where neither promise nor column says, it is where the values of the strongest fault go.
        """
        if promise in (Promise.RISES, Promise.FALLS):
            return 1 if promise is Promise.RISES else -1
        if self.declared.column.direction is Direction.NONE:
            change = figures.mean(strongest - self.clean).value
            return -1 if change < 0 else 1
        return {Direction.UP: -1, Direction.DOWN: 1, Direction.ZERO: 0}[self.declared.column.direction]


def promised(answers: Answers, fault: Fault) -> Promise:
    """What a column says of a fault."""
    return next((p for p in Promise if p and fault in getattr(answers, p.value)), Promise.NOTHING)


def judge(promise: Promise, points: Sequence[Point]) -> tuple[Verdict, str]:
    """Whether a promise is kept, with the figure it is judged by.

    An answer that is due must tell 95 % of the clips from their clean selves at the strongest fault; it is broken when
    the upper end of the share's interval stays below. A fault that is to be ignored may have a small effect at any
    strength (an AUC within 0.5 ± 0.165); the promise is broken when the whole interval of the AUC is beyond.
    """
    if promise is Promise.NOTHING:
        return Verdict.NONE, ""
    if min(point.asked for point in points) < FEWEST:
        return Verdict.UNTESTED, f"{min(point.asked for point in points)} clips, at least {FEWEST} needed"
    if promise is Promise.IGNORES:
        worst = max(points, key=lambda point: abs(point.auc.value - 0.5))
        low, high = figures.cliffs_delta(worst.auc.low), figures.cliffs_delta(worst.auc.high)
        finding = f"AUC {worst.auc.value:.2f} at {worst.level.name} ({worst.asked} clips)"
        if abs(figures.cliffs_delta(worst.auc.value)) <= SMALL:
            return Verdict.KEPT, finding
        return (Verdict.BROKEN if low > SMALL or high < -SMALL else Verdict.UNCLEAR), finding
    top = max(point.level.strength for point in points)
    worst = min((p for p in points if p.level.strength == top), key=lambda point: point.ranking.value)
    finding = f"{worst.ranking.value:.0%} of {worst.asked} clips told apart at {worst.level.name}"
    if worst.ranking.value >= LEVEL:
        return Verdict.KEPT, finding
    return (Verdict.BROKEN if worst.ranking.high < LEVEL else Verdict.UNCLEAR), finding


def broken(found: Iterable[Validated]) -> list[str]:
    """A sentence for every promise that is broken."""
    return [
        f"{one.declared.column.name} [{one.declared.backend}] ({one.declared.metric}) promises: "
        f"{response.promise} under {response.fault}; found: {response.finding}"
        for one in found
        for response in one.responses
        if response.verdict is Verdict.BROKEN
    ]


def _badness(values: Values, sign: int) -> Values:
    """Larger is worse; infinite where there is no value."""
    bad = sign * values if sign else np.abs(values)
    return np.where(np.isfinite(values), bad, np.inf)


def _value(levels: Sequence[Level], strength: int | None) -> float | None:
    """The value of a strength, without sign where plus and minus share it."""
    values: Mapping[int, float] = {level.strength: abs(level.value) for level in levels}
    return None if strength is None else values[strength]
