r"""The leaderboard as LaTeX tables (needs \usepackage{booktabs})."""

from __future__ import annotations

from avbench.leaderboard import Leaderboard, Mark
from avbench.parts import TextReport

from ._grid import Entry, Grid, grids, lines, published_grids, published_notes
from ._text import one_line

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after \\ a bracket would be read as its argument
    "]": "{]}",
    "-": "-{}",  # no ligature makes a dash of two
    "±": r"$\pm$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\to$",
    "·": r"$\cdot$",
    "–": "--",
    "≈": r"$\approx$",
}


class Latex(TextReport):
    r"""One booktabs tabular a block, best \textbf, second best \underline; the notes are comments below."""

    summary = r"LaTeX booktabs, best \textbf, second best \underline"
    suffix = ".tex"

    def render(self, board: Leaderboard) -> str:
        blocks = [
            r"% needs \usepackage{booktabs}",
            *map(_grid, grids(board)),
            _comments(lines(board)),
            *map(_grid, published_grids(board)),
            _comments(published_notes(board)),
        ]
        return "\n\n".join(filter(None, blocks)) + "\n"


def _grid(grid: Grid) -> str:
    head = [escape(grid.corner), *map(escape, grid.header)]
    body = [[escape(label), *map(_entry, entries)] for label, entries in grid.rows]
    return "\n".join(
        [
            f"% {one_line(grid.title)}",
            r"\begin{tabular}{l" + "r" * len(grid.header) + "}",
            r"\toprule",
            f"{' & '.join(head)} \\\\",
            r"\midrule",
            *(f"{' & '.join(row)} \\\\" for row in body),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _entry(entry: Entry) -> str:
    minus = entry.text.startswith("-")
    text = "$-$" * minus + escape(entry.text[minus:])
    marked = {Mark.BEST: rf"\textbf{{{text}}}", Mark.SECOND: rf"\underline{{{text}}}", Mark.TIED: rf"{text} $\approx$"}
    return marked.get(entry.mark, text)


def _comments(notes: list[str]) -> str:
    return "\n".join(f"% {one_line(note)}" for note in notes)


def escape(text: str) -> str:
    """Text that LaTeX sets as it is written and never runs."""
    return "".join(SPECIAL.get(c, c) for c in one_line(text))
