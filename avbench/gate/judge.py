"""From pairs to a verdict: non-inferiority by a margin, with Holm over everything that decides.

FAIL: the interval of the harm reaches beyond the margin and a one-sided test says "worse" (adjusted p below alpha).
PASS: the interval of the harm ends before the margin, or no prompt has changed at all. Else INCONCLUSIVE.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avbench.gate.config import Config, Rule
from avbench.gate.records import Check, Gate, Kind, Verdict
from avbench.pairs import Comparison, Pairs, compare
from avbench.records import Direction
from avbench.snapshot import Snapshot
from avbench.statistics.intervals import Interval
from avbench.statistics.multiplicity import benjamini_hochberg, holm
from avbench.statistics.paired import effects
from avbench.statistics.proportions import Flags, difference, mcnemar

ADVISED = 0.1  # Benjamini-Hochberg's q of what is called worse without deciding
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to decide: a check without its numbers, and the changes of its prompts (n,), harm being upwards.

    Where `two_sided`, either way is harm. `flags` are there where every prompt has one clip that is flagged or not.
    """

    check: Check
    harm: NDArray[np.float64]
    two_sided: bool = False
    flags: Flags | None = None


def judge(baseline: Snapshot, candidate: Snapshot, config: Config) -> Gate:
    """Gate a candidate. Raises UsageError for runs that cannot be compared or rules about what is not there."""
    known = dict.fromkeys(measure.column.name for measure in baseline.measures)
    rules = config.rules_for(known)
    found = compare(baseline, candidate)
    deciding = list(_deciding(found.pairs, rules, config))
    advisory = list(_advisory(found.pairs, rules))
    effect = _effects([*deciding, *advisory], config)
    for_all = holm([check.p for check in effect[: len(deciding)]])
    for_each = benjamini_hochberg([check.p for check in effect[len(deciding) :]])
    checks = [
        *_clips(found, config),
        *(_decided(q, c, float(p), config) for q, c, p in zip(deciding, effect, for_all, strict=False)),
        *(_advised(c, float(p)) for c, p in zip(effect[len(deciding) :], for_each, strict=True)),
    ]
    notes = [*found.notes, *_skipped(found.pairs, rules)]
    if found.extra:
        notes.append(f"{found.extra} clips of the candidate are not in the baseline and are left out")
    return Gate(candidate.name, baseline.name, config.source, config.alpha, tuple(checks), tuple(notes))


def _deciding(pairs: Iterable[Pairs], rules: Mapping[str, Rule], config: Config) -> Iterable[Question]:
    for pair in pairs:
        column = pair.measure.column
        if rule := rules.get(column.name):
            if not _scored(pair):
                continue
            direction = rule.direction or column.direction
            base = pair.baseline[np.isfinite(pair.baseline)]
            spread = float(np.std(base, ddof=1)) if len(base) > 1 else 0.0
            margin = rule.margin.of(float(base.mean()) if len(base) else 0.0, spread)
            yield _question(pair, Kind.METRIC, direction, margin)
            yield _coverage(pair, config.coverage_margin)
        elif column.guard and column.name not in config.ignored_guards and _scored(pair):
            yield _question(pair, Kind.GUARD, Direction.DOWN, config.guard_margin)


def _advisory(pairs: Iterable[Pairs], rules: Mapping[str, Rule]) -> Iterable[Question]:
    for pair in pairs:
        column = pair.measure.column
        if column.name not in rules and not column.guard and column.direction is not Direction.NONE and _scored(pair):
            yield _question(pair, Kind.ADVISORY, column.direction, math.nan)


def _scored(pair: Pairs) -> bool:
    return bool(np.isfinite(pair.baseline).any() or np.isfinite(pair.candidate).any())


def _skipped(pairs: Iterable[Pairs], rules: Mapping[str, Rule]) -> list[str]:
    """Where a deciding metric has no number in either run, which is no verdict about it."""
    names = [f"{p.suite} {p.measure.column.name}" for p in pairs if p.measure.column.name in rules and not _scored(p)]
    return [f"no number in either run, and so not decided: {', '.join(dict.fromkeys(names))}"] if names else []


def _question(pair: Pairs, kind: Kind, direction: Direction, margin: float) -> Question:
    column = pair.measure.column
    first, second = pair.means()
    check = Check(
        kind,
        Verdict.INFO,
        "",
        column.name,
        pair.model,
        pair.suite,
        pair.measure.backend,
        column.unit,
        direction,
        column.decimals,
        first,
        second,
        margin,
    )
    sign = -1.0 if direction is Direction.UP else 1.0
    flags = _flags(pair) if kind is Kind.GUARD else None
    return Question(check, sign * pair.changes(), direction is Direction.NONE, flags)


def _coverage(pair: Pairs, margin: float) -> Question:
    """Does the metric have a number where it had one?"""
    shares = [float(np.isfinite(side).mean()) for side in (pair.baseline, pair.candidate)]
    check = Check(
        Kind.COVERAGE,
        Verdict.INFO,
        "",
        pair.measure.column.name,
        pair.model,
        pair.suite,
        pair.measure.backend,
        direction=Direction.UP,
        decimals=2,
        baseline=shares[0],
        candidate=shares[1],
        margin=margin,
    )
    had, has = np.isfinite(pair.baseline), np.isfinite(pair.candidate)
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


def _effects(questions: Sequence[Question], config: Config) -> list[Check]:
    """The checks with their numbers."""
    level = 1 - 2 * config.alpha
    found = effects([q.harm for q in questions], level=level, resamples=config.resamples, seed=config.seed)
    checks = []
    for question, effect in zip(questions, found, strict=True):
        p = effect.p if question.two_sided else effect.p_greater
        interval, method = effect.interval, f"sign-flip, {effect.method}"
        if question.flags:
            p, interval = mcnemar(question.flags, "greater"), difference(question.flags, level)
            method = "McNemar, Newcombe"
        if not question.harm.any():
            interval = Interval(0.0, 0.0) if len(question.harm) else Interval(math.nan, math.nan)
        sign = -1.0 if question.check.direction is Direction.UP else 1.0
        low, high = sorted((sign * interval.low, sign * interval.high))
        mean = sign * effect.mean + 0.0  # no negative zero
        numbers = replace(question.check, effect=mean, low=low + 0.0, high=high + 0.0)
        checks.append(replace(numbers, p=p, mde=effect.mde, n=effect.n, method=method))
    return checks


def _decided(question: Question, check: Check, p: float, config: Config) -> Check:
    check = replace(check, p_adjusted=p)
    if check.kind is not Kind.METRIC and check.n and not question.harm.any():
        return replace(check, verdict=Verdict.PASS, reason="no clip has changed")
    if check.n < config.minimum_prompts:
        reason = f"{check.n} prompts in common, {config.minimum_prompts} needed for a verdict"
        return replace(check, verdict=Verdict.INCONCLUSIVE, reason=reason)
    if not question.harm.any():
        return replace(check, verdict=Verdict.PASS, reason="no prompt has changed")
    best, worst = _reach(question, check)
    margin = _shown(check.margin, check)
    if p < config.alpha and worst > check.margin:
        word = "changed" if question.two_sided else "worse"
        by = f"by more than the margin of {margin}"
        reason = f"{word} {by}" if best > check.margin else f"{word}, and perhaps {by}"
        return replace(check, verdict=Verdict.FAIL, reason=reason)
    if worst < check.margin:
        return replace(check, verdict=Verdict.PASS, reason=f"not worse by the margin of {margin}")
    reason = f"may be worse by the margin of {margin} or not"
    if check.margin > 0 and check.mde > check.margin:
        needed = math.ceil(check.n * (check.mde / check.margin) ** 2)
        reason += f"; about {needed} prompts would tell" if needed < 1e6 else ""
    return replace(check, verdict=Verdict.INCONCLUSIVE, reason=reason)


def _reach(question: Question, check: Check) -> tuple[float, float]:
    """The near and the far end of the interval of the harm."""
    if question.two_sided:
        near, far = sorted((abs(check.low), abs(check.high)))
        return (0.0 if check.low <= 0 <= check.high else near), far
    return (-check.high, -check.low) if check.direction is Direction.UP else (check.low, check.high)


def _advised(check: Check, q: float) -> Check:
    reason = f"worse (q = {q:.2g}), decides nothing" if q < ADVISED else "no sign of worse"
    return replace(check, p_adjusted=q, reason=reason)


def _clips(found: Comparison, config: Config) -> Iterable[Check]:
    for what, names, allowed in (
        ("missing clips", found.missing, config.missing),
        ("new failures", found.failures, config.new_failures),
    ):
        fails = len(names) > allowed
        some = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        reason = f"{len(names)}, {allowed} allowed" + (f": {some}" if names else "")
        verdict = Verdict.FAIL if fails else Verdict.PASS
        yield Check(Kind.CLIPS, verdict, reason, what, effect=len(names), margin=allowed, n=len(names))


def _shown(value: float, check: Check) -> str:
    unit = check.unit if check.unit not in ("", "1", "0/1") else ""
    return f"{value:.{check.decimals + 1}g} {unit}".strip() if value else "0"
