"""The verdict for a terminal, and the words that all forms of it share."""

from __future__ import annotations

import math
import os
import sys
import textwrap
from collections.abc import Sequence

from avbench.gate.records import Check, Gate, Kind, Verdict
from avbench.records import Direction
from avbench.text import number, one_line

HEADER = ("verdict", "check", "baseline", "candidate", "change", "margin", "p", "seen", "n")
ARROW = {Direction.UP: "↑", Direction.DOWN: "↓", Direction.ZERO: "→0", Direction.NONE: "="}
STYLE = {Verdict.PASS: "\x1b[32m", Verdict.FAIL: "\x1b[1;31m", Verdict.INCONCLUSIVE: "\x1b[33m", Verdict.INFO: ""}
RESET = "\x1b[0m"
ABSENT = "–"


def render(gate: Gate, width: int = 100) -> str:
    """Checks as aligned rows, what fails or is open in words, and the verdict last."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    blocks = []
    for title, checks in sections(gate):
        blocks.append(f"{one_line(title)}\n{_rows(checks, colour)}" if title else _rows(checks, colour))
    said = [*reasons(gate), *advice(gate), *gate.notes, legend(gate)]
    blocks.append("\n".join(textwrap.fill(one_line(line), width, subsequent_indent="  ") for line in said))
    blocks.append(_styled(one_line(headline(gate)), gate.verdict, colour))
    return "\n\n".join(blocks) + "\n"


def sections(gate: Gate) -> list[tuple[str, list[Check]]]:
    """The checks worth a row by model and suite: those of metrics, and whatever has changed."""
    found: dict[str, list[Check]] = {}
    for check in gate.checks:
        changed = check.verdict is not Verdict.PASS or check.effect != 0
        if check.kind is Kind.METRIC or (check.kind is not Kind.ADVISORY and changed):
            found.setdefault(" · ".join(filter(None, (check.model, check.suite))), []).append(check)
    return list(found.items())


def cells(check: Check) -> tuple[str, ...]:
    """The texts of a row, one a column of `HEADER`."""
    if check.kind is Kind.CLIPS:
        return (check.verdict.upper(), check.name, "", "", str(check.n), f"{check.margin:.0f}", "", "", "")
    d = check.decimals
    change = f"{_signed(check.effect, d)} [{_signed(check.low, d)}, {_signed(check.high, d)}]"
    unit = f" ({check.unit})" if check.unit not in ("", "1") else ""
    return (
        check.verdict.upper(),
        f"{check.subject}{unit} {ARROW[check.direction]}",
        _number(check.baseline, d),
        _number(check.candidate, d),
        change,
        _number(check.margin, d),
        f"{check.p_adjusted:.2g}",
        _number(check.mde, d),
        str(check.n),
    )


def headline(gate: Gate) -> str:
    """The verdict in one line, naming what fails or is open."""
    named = dict.fromkeys(c.subject for c in gate.of(gate.verdict)) if gate.verdict is not Verdict.PASS else {}
    names = list(named)[:4] + ([f"{len(named) - 4} more"] if len(named) > 4 else [])
    return f"{gate.verdict.upper()}: {gate.candidate} against {gate.baseline}" + (f": {', '.join(names)}" * bool(names))


def reasons(gate: Gate) -> list[str]:
    """Why each check that does not pass does not; the same reason of several is said once."""
    said: dict[tuple[str, str], list[str]] = {}
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        for check in gate.of(verdict):
            said.setdefault((verdict.upper(), check.reason), []).append(check.title or check.name)
    return [f"{verdict} {', '.join(titles)}: {reason}" for (verdict, reason), titles in said.items()]


def advice(gate: Gate) -> list[str]:
    """What is worse and does not decide."""
    worse = [check for check in gate.checks if check.kind is Kind.ADVISORY and check.reason.startswith("worse")]
    return [f"worse, and decides nothing: {c.title} {_signed(c.effect, c.decimals)}, {c.reason}" for c in worse]


def legend(gate: Gate) -> str:
    """How to read the columns."""
    return (
        f"Change: candidate minus baseline on n prompts in common, with its {100 * gate.level:.0f} % interval; →0: of "
        "the distance from zero; =: either way is worse. p: one-sided for worse, adjusted by Holm. Seen: the change "
        f"that such a gate finds in 80 of 100 cases. Rules: {gate.config}."
    )


def _rows(checks: Sequence[Check], colour: bool) -> str:
    table = [HEADER, *(tuple(map(one_line, cells(check))) for check in checks)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for i, row in enumerate(table):
        aligned = [c.ljust(w) if j < 2 else c.rjust(w) for j, (c, w) in enumerate(zip(row, widths, strict=True))]
        line = "  ".join(aligned).rstrip()
        if i:
            verdict = checks[i - 1].verdict
            line = _styled(aligned[0], verdict, colour) + line[len(aligned[0]) :]
        lines.append(line)
    lines.insert(1, "─" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)


def _styled(text: str, verdict: Verdict, colour: bool) -> str:
    return f"{STYLE[verdict]}{text}{RESET}" if colour and STYLE[verdict] else text


def _number(value: float, decimals: int) -> str:
    return number(value, decimals) if math.isfinite(value) else ABSENT if math.isnan(value) else "∞"


def _signed(value: float, decimals: int) -> str:
    sign = "+" if round(value, decimals) > 0 else "-" * (value == -math.inf)
    return sign + _number(value, decimals) if not math.isnan(value) else ABSENT
