"""Names and reasons made to break out of their cell, in the forms that others' software reads."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.leaderboard import Cell, Leaderboard, Row
from avbench.parts import Report, TextReport
from avbench.registry import load
from avbench.reports.csv import harmless
from avbench.reports.latex import escape as latex
from avbench.reports.markdown import escape as markdown


def rendered(form: str, board: Leaderboard) -> str:
    part = load(Report, form)()
    assert isinstance(part, TextReport)
    return part.render(board)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r\n@", " ="])
def test_no_text_field_of_the_csv_is_a_formula(start: str, hostile: Leaderboard) -> None:
    row = replace(hostile.rows[0], model=start + "1+1")
    text = rendered("csv", replace(hostile, rows=(row,)))
    assert text.count("\n") == 2 and "\r" not in text
    assert next(csv.DictReader(io.StringIO(text)))["model"].startswith("'")


def test_negative_numbers_stay_numbers_in_the_csv(hostile: Leaderboard) -> None:
    got = next(csv.DictReader(io.StringIO(rendered("csv", hostile))))
    assert float(got["mean"]) == -1.5
    assert got["reason"].startswith("'=cmd")
    assert harmless(-1.5) == -1.5 and harmless("a=b") == "a=b" and harmless(None) is None


def test_json_keeps_hostile_text_as_it_is(hostile: Leaderboard) -> None:
    assert json.loads(rendered("json", hostile))["rows"][0]["model"] == hostile.rows[0].model


def test_json_refuses_what_is_not_strict(board: Leaderboard) -> None:
    row = Row("a", "speech", "", (Cell(float("nan"), scored=1), Cell(), Cell()), (Cell(),))
    with pytest.raises(ValueError, match="not JSON compliant"):
        rendered("json", replace(board, rows=(row,)))


def test_a_hostile_name_is_one_cell_of_one_markdown_row(hostile: Leaderboard) -> None:
    text = rendered("markdown", hostile)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 3
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in table)
    assert "<script" not in text and not re.search(r"(?<!\\)[`\[]", text)
    assert [line for line in text.splitlines() if line.startswith("#")] == [text.splitlines()[0]]


def test_a_hostile_name_is_one_cell_of_one_latex_row(hostile: Leaderboard) -> None:
    text = rendered("latex", hostile)
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")].splitlines()[1:]
    assert len(body) == 1
    assert len(re.findall(r"(?<!\\)&", body[0])) == 1
    assert r"\input" not in body[0] and r"\$x\$" in body[0]
    assert all(line.startswith(("%", "\\", "model", "=cmd")) or not line for line in text.splitlines())


@settings(deadline=None)
@given(st.text())
def test_latex_text_has_no_command_of_the_users(text: str) -> None:
    assert "\n" not in latex(text) and "\r" not in latex(text)
    bare = re.sub(r"\\text[a-z]+\{\}|\\[{}$&#%_]|\$\\[a-z]+\$|\{[][]\}|-\{\}", "", latex(text))
    assert not set(bare) & set("\\{}$&#%_^~")


@settings(deadline=None)
@given(st.text())
def test_markdown_text_has_no_bare_syntax(text: str) -> None:
    bare = re.sub(r"\\[\\`*_{}\[\]#|~@]", "", markdown(text))
    assert not set(bare) & set("\\`*_{}[]#|~@<>\n\r")
