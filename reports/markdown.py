"""The leaderboard as Markdown tables (GitHub flavour)."""

from __future__ import annotations

import re

from avbench.leaderboard import Leaderboard, Mark
from avbench.parts import TextReport

from ._grid import Entry, Grid, grids, lines, published_grids, published_notes
from ._text import one_line


class Markdown(TextReport):
    """Best bold, second best underlined; whatever a model or a reason is called, it stays text."""

    summary = "GitHub-flavoured Markdown, best bold, second best underlined"
    suffix = ".md"

    def render(self, board: Leaderboard) -> str:
        blocks = [
            *map(_grid, grids(board)),
            _list(lines(board)),
            *map(_grid, published_grids(board)),
            _list(published_notes(board)),
        ]
        return "\n\n".join(filter(None, blocks)) + "\n"


def _grid(grid: Grid) -> str:
    rows = [
        [escape(grid.corner), *map(escape, grid.header)],
        ["---", *("---:" for _ in grid.header)],
        *([escape(label), *map(_entry, entries)] for label, entries in grid.rows),
    ]
    return f"### {escape(grid.title)}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _entry(entry: Entry) -> str:
    text = escape(entry.text)
    return {Mark.BEST: f"**{text}**", Mark.SECOND: f"<ins>{text}</ins>", Mark.TIED: f"{text} ≈", Mark.NONE: text}[
        entry.mark
    ]


def _list(notes: list[str]) -> str:
    return "\n".join(f"- {escape(note)}" for note in notes)


def escape(text: str) -> str:
    """Text as Markdown text: no table cell, code, link, HTML, mention or line of its own can start in it."""
    safe = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~@])", r"\\\1", safe)
