"""How much of a metric's spread is the sampling seed's: a sentence a row whose prompts have several."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from avbench.leaderboard import Leaderboard, Row, grouped
from avbench.records import Prompt, Status
from avbench.statistics.seeds import components
from avbench.text import number


def seed_notes(board: Leaderboard, scores: pd.DataFrame, prompts: Iterable[Prompt] = ()) -> tuple[str, ...]:
    """Both components of each metric's spread, as standard deviations in its unit; `prompts` as for `build`."""
    if scores["seed"].nunique() < 2:
        return ()
    table = grouped(scores, board.by, prompts)
    table = table[(table["status"] == Status.OK) & np.isfinite(table["value"].astype(float))]
    return tuple(note for row in board.rows if (note := _note(board, row, table)))


def _note(board: Leaderboard, row: Row, table: pd.DataFrame) -> str:
    own = table[(table["model"] == row.model) & (table["suite"] == row.suite) & (table["group"] == row.group)]
    said, seeds = [], 0.0
    for measure in board.measures:
        values = own[(own["metric"] == measure.column.name) & (own["backend"] == measure.backend)]
        try:
            found = components(values["value"].to_numpy(np.float64), pd.factorize(values["prompt_id"])[0])
        except ValueError:  # a single prompt, or no prompt with two seeds
            continue
        sizes = (number(variance**0.5, measure.column.decimals) for variance in (found.within, found.between))
        said.append(f"{measure.column.name} {' / '.join(sizes)}")
        seeds = max(seeds, found.seeds)
    where = " · ".join(filter(None, (row.model, row.suite, row.group)))
    return f"{where}: spread (sd) of seeds / of prompts, {seeds:.3g} seeds a prompt: {', '.join(said)}" if said else ""
