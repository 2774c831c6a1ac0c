"""What was found as text: a line a promise that a metric must keep, one for all faults that it ignores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from avbench.validation.responses import Promise, Response, Validated, Verdict

TITLES = ("column", "fault", "promise", "clips", "told from", "by AUC", "rho", "ranking", "AUC", "verdict")
WORST = (Verdict.BROKEN, Verdict.UNCLEAR, Verdict.UNTESTED, Verdict.KEPT)


def render(found: Iterable[Validated]) -> str:
    """The table: `told from` and `by AUC` are the smallest strengths told apart at 95 %, the last figures those of the
    strongest fault.
    """
    rows = [row for one in found for row in _rows(one)]
    widths = [max(map(len, cells)) for cells in zip(TITLES, *rows, strict=True)]
    lines = [TITLES, tuple("─" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _rows(one: Validated) -> list[tuple[str, ...]]:
    name = f"{one.declared.column.name} [{one.declared.backend}]"
    due = [r for r in one.responses if r.promise not in (Promise.NOTHING, Promise.IGNORES)]
    ignored = [r for r in one.responses if r.promise is Promise.IGNORES]
    rows = [_due(name, response) for response in due]
    if ignored:
        rows.append(_ignored(name, ignored))
    rows += [_due(name, response) for response in ignored if response.verdict is Verdict.BROKEN]
    return rows


def _due(name: str, response: Response) -> tuple[str, ...]:
    top = max(response.points, key=lambda point: point.level.strength)
    return (
        name,
        response.fault.value,
        response.promise.value,
        str(top.asked),
        _strength(response.by_ranking),
        _strength(response.by_auc),
        _two(response.rho.value),
        _two(top.ranking.value),
        _two(top.auc.value),
        response.verdict.value,
    )


def _ignored(name: str, ignored: Sequence[Response]) -> tuple[str, ...]:
    """All that a column ignores, by the fault that moves it most."""
    tested = [r for r in ignored if r.verdict is not Verdict.UNTESTED]
    verdict = min((r.verdict for r in tested or ignored), key=WORST.index)
    aucs = [(abs(p.auc.value - 0.5), p.auc.value, r.fault.value, p.asked) for r in tested for p in r.points]
    _, auc, fault, clips = max(aucs, default=(0.0, math.nan, "", 0))
    which = f"{len(ignored)} faults" + (f", most {fault}" if auc != 0.5 and fault else "")
    return (name, which, "ignores", str(clips), "", "", "", "", _two(auc), verdict.value)


def _strength(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _two(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"
