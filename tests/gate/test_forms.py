"""The forms of a verdict: nothing in them can break out of its place, and all say the same."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avbench.gate import github, junit, table
from avbench.gate.records import Check, Gate, Kind, Verdict
from avbench.records import Direction

HOSTILE = "a|b `c` <script>x</script> [l](javascript:y)\n## \x1b[31m\x00 %0A::error::no, @you: 100%\r\n\ufffe ]]>"
WORSE = Check(
    Kind.METRIC,
    Verdict.FAIL,
    "worse by more than the margin of 0.05",
    name="sharp",
    model="m",
    suite="s",
    backend="signal",
    direction=Direction.UP,
    baseline=0.5,
    candidate=0.3,
    margin=0.05,
    effect=-0.2,
    low=-0.25,
    high=-0.15,
    p=0.0001,
    p_adjusted=0.0004,
    mde=0.07,
    n=30,
)
OPEN = replace(WORSE, name="wer", verdict=Verdict.INCONCLUSIVE, reason="the prompts do not tell", high=math.inf)
FINE = replace(WORSE, name="lag", verdict=Verdict.PASS, reason="no prompt has changed")
GATE = Gate("new", "old", "gate.toml", 0.05, (WORSE, OPEN, FINE), ("a note",))


def hostile() -> Gate:
    check = replace(WORSE, name=HOSTILE, model=HOSTILE, reason=HOSTILE, unit=HOSTILE, backend=HOSTILE)
    return replace(GATE, checks=(check,), candidate=HOSTILE, notes=(HOSTILE,))


def hostile_and_open() -> Gate:
    return replace(GATE, checks=(*hostile().checks, *GATE.checks), notes=(HOSTILE,))


def test_the_terminal_says_which_metric_and_why() -> None:
    text = table.render(GATE)
    assert text.splitlines()[-1] == "FAIL: new against old: sharp [signal]"
    row = next(line for line in text.splitlines() if line.startswith("FAIL") and "sharp" in line)
    assert " ".join(row.split()) == "FAIL sharp [signal] ↑ 0.500 0.300 -0.200 [-0.250, -0.150] 0.050 0.0004 0.070 30"
    assert "FAIL m · s · sharp [signal]: worse by more than the margin of 0.05" in text and "∞" in text
    assert "\x1b" not in table.render(hostile())


def test_junit_counts_and_names_what_fails() -> None:
    (suite,) = ElementTree.fromstring(junit.render(GATE))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    failed = [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None]
    assert failed == ["sharp [signal]"]
    (strict,) = ElementTree.fromstring(junit.render(GATE, strict=True))
    assert (strict.get("failures"), strict.get("skipped")) == ("2", "0")


# What Jenkins' junit-10.xsd allows of what is written: an element's attributes and children.
JUNIT = {
    "testsuites": ("name time tests failures disabled errors", "testsuite"),
    "testsuite": (
        "name tests failures errors group time skipped timestamp hostname id package file log url version",
        "properties testcase system-out system-err",
    ),
    "testcase": ("name assertions time classname status class file line group", "skipped error failure system-out"),
    "failure": ("type message", ""),
    "skipped": ("type message", ""),
    "system-out": ("", ""),
}


@pytest.mark.parametrize("strict", [False, True])
def test_junit_is_what_jenkins_schema_allows(strict: bool) -> None:
    root = ElementTree.fromstring(junit.render(hostile_and_open(), strict=strict))
    for element in root.iter():
        attributes, children = (set(words.split()) for words in JUNIT[element.tag])
        assert set(element.keys()) <= attributes and {child.tag for child in element} <= children, element.tag
    counts = [len(list(root.iter(tag))) for tag in ("testcase", "failure", "skipped")]
    suite = root[0]
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == [str(count) for count in counts]
    assert all(case.get("name") and case.get("classname") for case in root.iter("testcase"))


def test_hostile_names_stay_text_in_xml() -> None:
    root = ElementTree.fromstring(junit.render(hostile()))
    (case,) = root.iter("testcase")
    assert "<script>" in str(case.get("name")) and [child.tag for child in case] == ["failure", "system-out"]


@given(st.text())
def test_whatever_the_text_the_xml_can_be_read(text: str) -> None:
    gate = replace(GATE, checks=(replace(WORSE, reason=text, model=text),), notes=(text,))
    ElementTree.fromstring(junit.render(gate))


def test_hostile_names_stay_text_in_a_job_summary() -> None:
    page = github.summary(hostile())
    assert "<script" not in page and "\x1b" not in page and "\x00" not in page
    assert next(line for line in page.splitlines() if line.startswith("#")).startswith("## ❌ avbench gate")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 3 and len({line.replace("\\|", "").count("|") for line in rows}) == 1


def test_a_summary_stays_below_githubs_limit() -> None:
    many = replace(GATE, checks=tuple(replace(WORSE, name=f"m{i}" * 400) for i in range(700)))
    page = github.summary(many)
    assert len(page.encode()) < 1024**2 and page.endswith("(cut: too large for a summary)\n")


def test_annotations_are_one_line_each_escaped_and_at_most_ten_a_kind() -> None:
    (command,) = github.commands(hostile())
    title, message = command.removeprefix("::error title=").split("::", 1)
    assert "\n" not in command and "\r" not in command
    assert ":" not in title and "," not in title and "%250A" in message
    lines = github.commands(replace(GATE, checks=(WORSE,) * 25 + (OPEN,)))
    assert sum(line.startswith("::error ") for line in lines) == 10 and "and 16 checks more" in lines[9]
    assert lines[10].startswith("::warning ")


@pytest.mark.parametrize(
    ("checks", "verdict"), [((WORSE, OPEN), "fail"), ((FINE, OPEN), "inconclusive"), ((FINE,), "pass"), ((), "pass")]
)
def test_the_worst_check_decides(checks: tuple[Check, ...], verdict: str) -> None:
    assert replace(GATE, checks=checks).verdict == verdict
