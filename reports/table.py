"""The leaderboard for a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence

from avbench.leaderboard import Leaderboard, Mark
from avbench.parts import TextReport

from ._grid import Entry, Grid, grids, lines, published_grids, published_notes
from ._text import one_line

STARS = {Mark.BEST: "**", Mark.SECOND: "*", Mark.TIED: "≈", Mark.NONE: ""}
STYLE = {Mark.BEST: "\x1b[1m", Mark.SECOND: "\x1b[4m", Mark.TIED: "", Mark.NONE: ""}
RESET = "\x1b[0m"


class Table(TextReport):
    """Fits the terminal's width (100 where there is none); marks are stars, and bold or underlined in colour."""

    summary = "terminal table, best **, second best *, not told apart ≈"
    suffix = ".txt"

    def render(self, board: Leaderboard) -> str:
        width = shutil.get_terminal_size((100, 24)).columns
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        blocks = [_grid(grid, width, colour) for grid in grids(board)]
        blocks.append(_notes(lines(board), width))
        blocks += [_grid(grid, width, colour) for grid in published_grids(board)]
        blocks.append(_notes(published_notes(board), width))
        return "\n\n".join(filter(None, blocks)) + "\n"


def _grid(grid: Grid, width: int, colour: bool) -> str:
    """The grid as aligned text; columns that do not fit go to further blocks below, each with the row labels."""
    labels = [one_line(grid.corner), *(one_line(label) for label, _ in grid.rows)]
    columns = [_column(head, [entries[i] for _, entries in grid.rows]) for i, head in enumerate(grid.header)]
    first = max(map(cells_wide, labels))
    blocks: list[list[list[Entry]]] = [[]]
    used = first
    for column in columns:
        wide = 2 + max(cells_wide(entry.text) for entry in column)
        if blocks[-1] and used + wide > width:
            blocks.append([])
            used = first
        blocks[-1].append(column)
        used += wide
    return one_line(grid.title) + "\n" + "\n\n".join(_block(labels, block, colour) for block in blocks)


def _column(head: str, entries: list[Entry]) -> list[Entry]:
    """The column's cells with their stars; blanks keep the numbers of a starred column aligned."""
    stars = max(len(STARS[entry.mark]) for entry in entries)
    starred = [Entry(one_line(e.text) + STARS[e.mark].ljust(stars), e.mark) for e in entries]
    return [Entry(one_line(head)), *starred]


def _block(labels: list[str], columns: list[list[Entry]], colour: bool) -> str:
    first = max(map(cells_wide, labels))
    widths = [max(cells_wide(entry.text) for entry in column) for column in columns]
    text = []
    for i, label in enumerate(labels):
        cells = [_pad(column[i], wide, colour) for column, wide in zip(columns, widths, strict=True)]
        text.append("  ".join([label + " " * (first - cells_wide(label)), *cells]).rstrip())
        if i == 0:
            text.append("─" * (first + sum(widths) + 2 * len(widths)))
    return "\n".join(text)


def _pad(entry: Entry, wide: int, colour: bool) -> str:
    styled = f"{STYLE[entry.mark]}{entry.text}{RESET}" if colour and STYLE[entry.mark] else entry.text
    return " " * (wide - cells_wide(entry.text)) + styled


def _notes(notes: Sequence[str], width: int) -> str:
    return "\n".join(
        textwrap.fill(one_line(note), width, subsequent_indent="  ", break_on_hyphens=False) for note in notes
    )


def cells_wide(text: str) -> int:
    """Terminal cells of a text: East Asian wide characters take two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
