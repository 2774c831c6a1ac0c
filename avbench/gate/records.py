"""What a gate finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from avbench.records import Direction


class Verdict(StrEnum):
    """What a check says; docs/gate.md has the rule. `INFO` decides nothing."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    INFO = "info"


class Kind(StrEnum):
    """What a check is about."""

    METRIC = "metric"
    GUARD = "guard"
    COVERAGE = "coverage"
    CLIPS = "clips"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the verdict, about one measure of one model on one suite (or about the clips themselves).

    `effect` is candidate minus baseline over `n` prompts in common, `low` to `high` its interval, in the metric's
    unit (signed offsets: their distances from zero). `p` is one-sided for "worse", `p_adjusted` over all that decides
    (Holm; for advisory checks Benjamini-Hochberg). `mde` is the change that would be seen in 80 of 100 such gates.
    Numbers that there are not are NaN.
    """

    kind: Kind
    verdict: Verdict
    reason: str
    name: str
    model: str = ""
    suite: str = ""
    backend: str = ""
    unit: str = ""
    direction: Direction = Direction.NONE
    decimals: int = 3
    baseline: float = math.nan
    candidate: float = math.nan
    margin: float = math.nan
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    p_adjusted: float = math.nan
    mde: float = math.nan
    n: int = 0
    method: str = ""

    @property
    def title(self) -> str:
        """What is checked, in words."""
        return " · ".join(filter(None, (self.model, self.suite, self.subject)))

    @property
    def subject(self) -> str:
        """The metric with its backend and what of it is looked at."""
        kind = "" if self.kind in (Kind.METRIC, Kind.ADVISORY, Kind.CLIPS) else f"{self.kind} "
        return f"{kind}{self.name}" + (f" [{self.backend}]" if self.backend else "")


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict on a candidate, with all checks. `level` is that of the intervals, `notes` what else to know."""

    candidate: str
    baseline: str
    config: str
    alpha: float
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()

    @property
    def level(self) -> float:
        return 1 - 2 * self.alpha

    @property
    def verdict(self) -> Verdict:
        """FAIL where any check fails, else INCONCLUSIVE where any is, else PASS."""
        found = {check.verdict for check in self.checks}
        return next((v for v in (Verdict.FAIL, Verdict.INCONCLUSIVE) if v in found), Verdict.PASS)

    def of(self, *verdicts: Verdict) -> tuple[Check, ...]:
        """The checks of these verdicts."""
        return tuple(check for check in self.checks if check.verdict in verdicts)
