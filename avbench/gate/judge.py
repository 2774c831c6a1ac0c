"""From pairs to a verdict: non-inferiority by a margin, with Holm over everything that decides.

FAIL: the interval of the harm reaches beyond the margin and a one-sided test says "worse" (adjusted p below alpha).
PASS: the interval of the harm ends before the margin, or no prompt has changed at all. Else INCONCLUSIVE.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from avbench.gate.config import Config
from avbench.gate.questions import Question, advisory, deciding, of_sets, skipped
from avbench.gate.records import Check, Gate, Kind, Verdict
from avbench.pairs import Comparison, compare
from avbench.records import Direction
from avbench.set_pairs import pair_sets
from avbench.snapshot import Snapshot
from avbench.statistics.intervals import Interval
from avbench.statistics.multiplicity import benjamini_hochberg, holm
from avbench.statistics.paired import effects
from avbench.statistics.proportions import difference, mcnemar

ADVISED = 0.1  # Benjamini-Hochberg's q of what is called worse without deciding
SHOWN = 3


def judge(baseline: Snapshot, candidate: Snapshot, config: Config) -> Gate:
    """Gate a candidate. Raises UsageError for runs that cannot be compared or rules about what is not there."""
    found = compare(baseline, candidate)
    measures = (*baseline.measures, *baseline.sets.measures)
    rules = config.rules_for(dict.fromkeys(measure.column.name for measure in measures))
    clips = list(deciding(found.pairs, rules, config))
    pairs = list(pair_sets(baseline, candidate, found, rules))
    sets, without = of_sets(pairs, rules, config, others=len(clips))
    questions, others = [*clips, *sets], list(advisory(found.pairs, rules))
    checks = _effects([*questions, *others], config)
    for_all = holm([check.p for check in checks[: len(questions)]])
    for_each = benjamini_hochberg([check.p for check in checks[len(questions) :]])
    decided = [
        *_clips(found, config),
        *(_decided(q, c, float(p), config) for q, c, p in zip(questions, checks, for_all, strict=False)),
        *(_advised(c, float(p)) for c, p in zip(checks[len(questions) :], for_each, strict=True)),
    ]
    notes = list(found.notes)
    if without := list(dict.fromkeys([*skipped(found.pairs, rules), *without])):
        notes.append(f"no number in either run, and so not decided: {', '.join(without)}")
    if found.extra:
        notes.append(f"{found.extra} clips of the candidate are not in the baseline and are left out")
    return Gate(candidate.name, baseline.name, config.source, config.alpha, tuple(decided), tuple(notes))


def _effects(questions: Sequence[Question], config: Config) -> list[Check]:
    """The checks with their numbers."""
    level = 1 - 2 * config.alpha
    found = effects([q.harm for q in questions], level=level, resamples=config.resamples, seed=config.seed)
    checks = []
    for question, clipwise in zip(questions, found, strict=True):
        effect = question.effect or clipwise
        p = effect.p if question.two_sided else effect.p_greater
        interval, method = effect.interval, effect.method if question.effect else f"sign-flip, {effect.method}"
        if question.flags:
            p, interval = mcnemar(question.flags, "greater"), difference(question.flags, level)
            method = "McNemar, Newcombe"
        if not question.changed:
            interval = Interval(0.0, 0.0) if effect.n else Interval(math.nan, math.nan)
        sign = -1.0 if question.check.direction is Direction.UP else 1.0
        low, high = sorted((sign * interval.low, sign * interval.high))
        mean = sign * effect.mean + 0.0  # no negative zero
        numbers = replace(question.check, effect=mean, low=low + 0.0, high=high + 0.0)
        n = effect.n or question.check.n
        checks.append(replace(numbers, p=p, mde=effect.mde, n=n, method=method))
    return checks


def _decided(question: Question, check: Check, p: float, config: Config) -> Check:
    check = replace(check, p_adjusted=p)
    if check.kind is not Kind.METRIC and check.n and not question.changed:
        return replace(check, verdict=Verdict.PASS, reason="no clip has changed")
    if question.refused and (question.effect is None or question.changed):
        return replace(check, verdict=Verdict.INCONCLUSIVE, reason=question.refused)
    if check.n < config.minimum_prompts:
        prompts = "1 prompt" if check.n == 1 else f"{check.n} prompts"
        reason = f"{prompts} in common, {config.minimum_prompts} needed for a verdict"
        return replace(check, verdict=Verdict.INCONCLUSIVE, reason=reason)
    if not question.changed:
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
