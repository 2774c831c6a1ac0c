"""What a gate asks: of metrics, coverage and guards clip by clip, and of statistics of sets as wholes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored, UsageError
from avbench.gate.config import Config, Rule, Scale
from avbench.gate.records import Check, Kind, Verdict
from avbench.leaderboard import Measure
from avbench.pairs import Pairs
from avbench.records import Direction
from avbench.set_pairs import SetPairs
from avbench.statistics.intervals import Interval
from avbench.statistics.paired import Effect
from avbench.statistics.proportions import Flags

DRAWS = 1000  # exchanges of whole sets, each of which may cost a decomposition


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to decide: a check without its numbers, and the changes of its prompts (n,), harm being upwards.

    Where `two_sided`, either way is harm. `flags` are there where every prompt has one clip that is flagged or not.
    Of a set `effect` is there, in place of prompts that change by themselves. `refused` says why there is no verdict.
    """

    check: Check
    harm: NDArray[np.float64]
    two_sided: bool = False
    flags: Flags | None = None
    effect: Effect | None = None
    refused: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything differs between the runs."""
        return bool(self.harm.any()) or (self.effect is not None and self.effect.sd != 0)


def deciding(pairs: Iterable[Pairs], rules: Mapping[str, Rule], config: Config) -> Iterator[Question]:
    """Of each metric with a rule whether it is worse and whether numbers are lost, and the guards."""
    for pair in pairs:
        column = pair.measure.column
        if not _scored(pair):
            continue
        if rule := rules.get(column.name):
            base = pair.baseline[np.isfinite(pair.baseline)]
            spread = float(np.std(base, ddof=1)) if len(base) > 1 else 0.0
            margin = rule.margin.of(float(base.mean()) if len(base) else 0.0, spread)
            yield _of_metric(pair, Kind.METRIC, rule.direction or column.direction, margin)
            yield _of_coverage(pair, config.coverage_margin)
        elif column.guard and column.name not in config.ignored_guards:
            yield _of_metric(pair, Kind.GUARD, Direction.DOWN, config.guard_margin)


def advisory(pairs: Iterable[Pairs], rules: Mapping[str, Rule]) -> Iterator[Question]:
    """Whether anything else is worse."""
    for pair in pairs:
        column = pair.measure.column
        if column.name not in rules and not column.guard and column.direction is not Direction.NONE and _scored(pair):
            yield _of_metric(pair, Kind.ADVISORY, column.direction, math.nan)


def skipped(pairs: Iterable[Pairs], rules: Mapping[str, Rule]) -> list[str]:
    """Where a deciding metric has no number in either run, which is no verdict about it."""
    return [f"{p.suite} {p.measure.column.name}" for p in pairs if p.measure.column.name in rules and not _scored(p)]


def of_sets(
    pairs: Sequence[SetPairs], rules: Mapping[str, Rule], config: Config, others: int
) -> tuple[list[Question], list[str]]:
    """Of each set column with a rule whether it is worse and whether clips are lost; and where it does not apply.

    There are `others` questions beside. Clips are exchanged 1,000 times, or as often as a verdict over all takes.
    """
    draws = max(DRAWS, math.ceil(2 * (others + 2 * len(pairs)) / config.alpha))
    questions, without = [], []
    for pair in pairs:
        rule = rules[pair.measure.column.name]
        if rule.margin.scale is Scale.SPREAD:
            place = f"{config.source}:{rule.line}: metrics.{rule.metric}.margin"
            raise UsageError(f'{place}: a number of a whole set has no spread of prompts; give a number or "5 %"')
        try:
            questions.append(_of_set(pair, rule, config, draws))
        except NotApplicable:
            without.append(f"{pair.suite} {pair.measure.column.name}")
            continue
        if pair.first.any():
            questions.append(_of_coverage(_as_pairs(pair), config.coverage_margin))
    return questions, without


def _of_set(pair: SetPairs, rule: Rule, config: Config, draws: int) -> Question:
    direction = rule.direction or pair.measure.column.direction
    check = replace(_check(pair, Kind.METRIC, direction), n=pair.prompts)
    nothing = np.zeros(0)
    try:
        found = pair.swap(resamples=draws, level=1 - 2 * config.alpha, seed=config.seed)
    except Unscored as reason:
        return Question(check, nothing, refused=pair.refused or str(reason))
    check = replace(check, baseline=found.first, candidate=found.second, margin=rule.margin.of(found.first, math.nan))
    effect = _turned(found.effect) if direction is Direction.UP else found.effect
    return Question(check, nothing, direction is Direction.NONE, effect=effect, refused=pair.refused)


def _turned(effect: Effect) -> Effect:
    interval = Interval(-effect.interval.high, -effect.interval.low)
    return replace(effect, mean=-effect.mean, interval=interval, p_greater=effect.p_less, p_less=effect.p_greater)


def _as_pairs(pair: SetPairs) -> Pairs:
    """Which clips have left something, as numbers that are there or not."""
    _, _, prompts, seeds = zip(*pair.clips, strict=True)
    sides = (np.where(side, 1.0, np.nan) for side in (pair.first, pair.second))
    return Pairs(pair.model, pair.suite, pair.measure, np.array(prompts, object), np.array(seeds), *sides)


def _scored(pair: Pairs) -> bool:
    return bool(np.isfinite(pair.baseline).any() or np.isfinite(pair.candidate).any())


def _check(pair: Pairs | SetPairs, kind: Kind, direction: Direction) -> Check:
    measure: Measure = pair.measure
    return Check(
        kind,
        Verdict.INFO,
        "",
        measure.column.name,
        pair.model,
        pair.suite,
        measure.backend,
        measure.column.unit,
        direction,
        measure.column.decimals,
    )


def _of_metric(pair: Pairs, kind: Kind, direction: Direction, margin: float) -> Question:
    first, second = pair.means()
    check = replace(_check(pair, kind, direction), baseline=first, candidate=second, margin=margin)
    sign = -1.0 if direction is Direction.UP else 1.0
    flags = _flags(pair) if kind is Kind.GUARD else None
    return Question(check, sign * pair.changes(), direction is Direction.NONE, flags)


def _of_coverage(pair: Pairs, margin: float) -> Question:
    """Does the metric have a number where it had one?"""
    had, has = np.isfinite(pair.baseline), np.isfinite(pair.candidate)
    check = replace(_check(pair, Kind.COVERAGE, Direction.UP), unit="", decimals=2, margin=margin)
    check = replace(check, baseline=float(had.mean()), candidate=float(has.mean()))
    return Question(check, pair.lost(), flags=_counted(pair, ~had, ~has))


def _flags(pair: Pairs) -> Flags | None:
    both = np.isfinite(pair.baseline - pair.candidate)
    first, second = pair.baseline[both], pair.candidate[both]
    if not np.isin(first, (0, 1)).all() or not np.isin(second, (0, 1)).all():
        return None
    return _counted(replace(pair, prompt=pair.prompt[both]), first == 1, second == 1)


def _counted(pair: Pairs, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Flags | None:
    """The flags of pairs, where each prompt has one clip; several seeds of a prompt are not independent."""
    if len(set(pair.prompt)) < len(pair.prompt):
        return None
    counts = [int(x.sum()) for x in (first & second, first & ~second, ~first & second, ~first & ~second)]
    return Flags(*counts)
