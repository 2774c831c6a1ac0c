"""The leaderboard as CSV: one row a model, suite, group and measure, in full precision."""

from __future__ import annotations

import csv
import io

from avbench.leaderboard import Leaderboard
from avbench.parts import TextReport

from ._text import one_line
from ._tidy import tidy, tidy_published

OURS = ("model", "suite", "group", "metric", "backend", "version", "unit", "direction", "guard", "of_set")
NUMBERS = ("mean", "ci_low", "ci_high", "scored", "asked", "not_applicable", "unscored", "failed", "not_finite")
PAPERS = ("source", "table", "benchmark", "subset", "note")
FIELDS = (*OURS, *NUMBERS, "reason", "mark", "rank_best", "rank_worst", *PAPERS)


class Csv(TextReport):
    """Opens safely in a spreadsheet: text that would be read as a formula gets an apostrophe in front."""

    summary = "CSV, one row a number, full precision"
    suffix = ".csv"

    def render(self, board: Leaderboard) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
        writer.writeheader()
        for row in (*tidy(board), *tidy_published(board)):
            writer.writerow({field: harmless(value) for field, value in row.items()})
        return text.getvalue()


def harmless(value: str | float | None) -> str | float | None:
    """Text on one line that no spreadsheet runs (OWASP, CSV injection); numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return "'" + text if text.lstrip().startswith(("=", "+", "-", "@")) else text
