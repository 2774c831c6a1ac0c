"""The verdict as JUnit XML, the form that CI systems show as test results."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from avbench.gate.records import Check, Gate, Kind, Verdict
from avbench.gate.table import HEADER, cells, headline

# What XML 1.0 cannot hold, escaped or not.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(gate: Gate, *, strict: bool = False) -> str:
    """One test case a deciding check. Inconclusive ones are skipped tests, or failures where `strict`."""
    checks = [check for check in gate.checks if check.kind is not Kind.ADVISORY]
    failing = {Verdict.FAIL, Verdict.INCONCLUSIVE} if strict else {Verdict.FAIL}
    failures = sum(check.verdict in failing for check in checks)
    skipped = sum(check.verdict is Verdict.INCONCLUSIVE for check in checks) * (not strict)
    counts = {"tests": str(len(checks)), "failures": str(failures), "errors": "0"}
    root = ElementTree.Element("testsuites", {"name": "avbench gate", **counts})
    some = {"name": clean(headline(gate)), **counts, "skipped": str(skipped)}  # Jenkins' schema has it here alone
    suite = ElementTree.SubElement(root, "testsuite", some)
    for check in checks:
        _case(suite, check, failing)
    if gate.notes:
        ElementTree.SubElement(suite, "system-out").text = clean("\n".join(gate.notes))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, check: Check, failing: set[Verdict]) -> None:
    where = ".".join(filter(None, ("gate", check.model, check.suite)))
    case = ElementTree.SubElement(suite, "testcase", {"classname": clean(where), "name": clean(check.subject)})
    figures = ", ".join(f"{name} {text}" for name, text in zip(HEADER[2:], cells(check)[2:], strict=True) if text)
    if check.verdict in failing:
        kind = {"type": check.verdict.value, "message": clean(check.reason)}
        ElementTree.SubElement(case, "failure", kind).text = clean(figures)
    elif check.verdict is Verdict.INCONCLUSIVE:
        ElementTree.SubElement(case, "skipped", {"message": clean(f"inconclusive: {check.reason}")})
    ElementTree.SubElement(case, "system-out").text = clean(f"{check.reason}; {figures}")


def clean(text: str) -> str:
    """The text without the characters that XML cannot hold at all; markup is escaped when it is written."""
    return FORBIDDEN.sub("�", text)
