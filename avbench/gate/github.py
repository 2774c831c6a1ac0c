"""The verdict for GitHub: a job summary in Markdown, and annotations."""

from __future__ import annotations

from avbench.gate.records import Gate, Kind, Verdict
from avbench.gate.table import HEADER, advice, cells, headline, legend, reasons, sections
from avbench.text import markdown, one_line

ICON = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔", Verdict.INFO: ""}
MOST = 10  # annotations of a kind that GitHub shows a step
LARGEST = 1_000_000  # bytes; a job summary may have 1 MiB


def summary(gate: Gate) -> str:
    """The job summary: headline, tables, reasons. Whatever a model or a prompt is called, it stays text."""
    blocks = [f"## {ICON[gate.verdict]} avbench gate: {markdown(headline(gate))}"]
    for title, checks in sections(gate):
        head = f"### {markdown(title)}\n\n" if title else ""
        rows = [HEADER, tuple("---" if i < 2 else "---:" for i in range(len(HEADER)))]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        lines += [f"| {' | '.join(map(markdown, cells(check)))} |" for check in checks]
        blocks.append(head + "\n".join(lines))
    blocks.append("\n".join(f"- {markdown(line)}" for line in [*reasons(gate), *advice(gate), *gate.notes]))
    blocks.append(f"<sub>{markdown(legend(gate))}</sub>")
    text = "\n\n".join(filter(None, blocks)) + "\n"
    if len(text.encode()) <= LARGEST:
        return text
    return text.encode()[:LARGEST].decode(errors="ignore").rpartition("\n")[0] + "\n\n(cut: too large for a summary)\n"


def commands(gate: Gate) -> list[str]:
    """Annotations: an error a failing check, a warning an inconclusive one; at most ten of each, as GitHub shows."""
    lines = []
    for verdict, command in ((Verdict.FAIL, "error"), (Verdict.INCONCLUSIVE, "warning")):
        checks = [check for check in gate.of(verdict) if check.kind is not Kind.ADVISORY]
        shown = checks if len(checks) <= MOST else checks[: MOST - 1]
        lines += [_command(command, f"avbench gate: {check.title or check.name}", check.reason) for check in shown]
        if len(checks) > len(shown):
            lines.append(_command(command, "avbench gate", f"and {len(checks) - len(shown)} checks more"))
    return lines


def _command(name: str, title: str, message: str) -> str:
    title = one_line(title).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{name} title={title}::{one_line(message).replace('%', '%25')}"
