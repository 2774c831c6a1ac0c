"""The terminal table: width, colour, and text that must not move the cursor."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from avbench.leaderboard import Leaderboard, Mark
from avbench.parts import Report, TextReport
from avbench.registry import load
from avbench.statistics.ranks import Places


def rendered(board: Leaderboard) -> str:
    part = load(Report, "table")()
    assert isinstance(part, TextReport)
    return part.render(board)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_many_models_wrap_into_blocks_that_fit(width: int, board: Leaderboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    many = replace(board, rows=tuple(replace(board.rows[0], model=f"model-{i}") for i in range(3)))
    text = rendered(many)
    assert max(map(len, text.splitlines())) <= width
    headers = [line.removeprefix("metric") for line in text.splitlines() if line.startswith("metric ")]
    assert " ".join(headers).split() == ["model-0", "model-1", "model-2"]


def test_more_models_than_measures_stand_as_rows(board: Leaderboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    many = replace(board, rows=tuple(replace(board.rows[0], model=f"model-{i}") for i in range(9)))
    lines = rendered(many).splitlines()
    assert lines[1].startswith("model  ") and "av_align" in lines[1]
    assert lines[3].startswith("model-0  ")


def test_colour_only_on_a_terminal_that_wants_it(board: Leaderboard, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = rendered(board)
    assert "\x1b" not in plain
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = rendered(board)
    assert "\x1b[1m0.500 ±0.250 2/2**\x1b[0m" in coloured and "\x1b[4m0.250 ±0.125 2/2*" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert rendered(board) == plain


def test_hostile_names_stay_on_their_line(hostile: Leaderboard) -> None:
    text = rendered(hostile)
    assert "\x1b" not in text
    assert text.splitlines()[3].startswith("=cmd|")
    assert "\n##" not in text


def test_wide_characters_keep_the_columns_aligned(board: Leaderboard) -> None:
    chinese = replace(board, rows=(replace(board.rows[0], model="模型"), board.rows[1]))
    header, rule, first, *_ = rendered(chinese).splitlines()[1:]
    assert len(header) + 2 == len(rule) == len(first)  # two characters of two cells each


def test_what_is_not_told_apart_is_marked_with_the_places_left_open(
    board: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    tied = replace(board.rows[0].cells[0], mark=Mark.TIED, place=Places(1, 2))
    last = replace(board.rows[0].cells[0], mark=Mark.NONE, place=Places(3, 3))
    cells = [(cell, *board.rows[0].cells[1:]) for cell in (tied, tied, last)]
    rows = tuple(replace(board.rows[0], model=f"m{i}", cells=row) for i, row in enumerate(cells))
    three = replace(board, rows=rows)
    assert "0.500 ±0.250 #1–2 2/2≈" in rendered(three) and "0.500 ±0.250 #3 2/2" in rendered(three)
    latex = load(Report, "latex")()
    assert isinstance(latex, TextReport) and r"\#1--2 2/2 $\approx$" in latex.render(three)
