"""The leaderboard as Hugging Face `.eval_results/*.yaml` entries, for a model's repository."""

from __future__ import annotations

import json
from collections.abc import Iterator

from avbench.leaderboard import Cell, Leaderboard, Measure, Row, number
from avbench.parts import TextReport

from ._text import one_line


class EvalResults(TextReport):
    """One entry a number: dataset, task, value, and in the notes what the number is worth. One model a file.

    The dataset id is `avbench/SUITE`: write the id of the dataset that the Hub knows in its place. The format is the
    one of huggingface_hub's EvalResultEntry (huggingface.co/docs/hub/eval-results).
    """

    summary = "Hugging Face .eval_results YAML, one entry a number"
    suffix = ".yaml"

    def render(self, board: Leaderboard) -> str:
        models = list(dict.fromkeys(row.model for row in board.rows))
        head = "# .eval_results/avbench.yaml of the model's repository on the Hub\n"
        if len(models) > 1:
            head += "# several models: keep the entries of one, the repository's own\n"
        return head + "".join(f"# model: {one_line(model)}\n" + "".join(_entries(board, model)) for model in models)


def _entries(board: Leaderboard, model: str) -> Iterator[str]:
    for row in board.rows:
        if row.model == model:
            measured = zip((*board.measures, *board.guards), (*row.cells, *row.guards), strict=True)
            yield from (_entry(row, measure, cell) for measure, cell in measured if cell.mean is not None)


def _entry(row: Row, measure: Measure, cell: Cell) -> str:
    task = "/".join(filter(None, (row.group, measure.column.name)))
    return (
        f"- dataset:\n    id: {_quoted(f'avbench/{row.suite}')}\n    task_id: {_quoted(task)}\n"
        f"  value: {cell.mean!r}\n  notes: {_quoted(_notes(measure, cell))}\n"
    )


def _notes(measure: Measure, cell: Cell) -> str:
    decimals = measure.column.decimals + 1
    interval = ""
    if cell.low is not None and cell.high is not None:
        interval = f", 95 % interval {number(cell.low, decimals)} to {number(cell.high, decimals)}"
    return (
        f"avbench, backend {measure.backend}, protocol {measure.version}{interval}, "
        f"{cell.scored} of {cell.asked} clips scored, better: {measure.column.direction.value}"
    )


def _quoted(text: str) -> str:
    """A YAML string that can be nothing else: YAML reads JSON's strings."""
    return json.dumps(one_line(text))
