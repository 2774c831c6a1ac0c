"""Which models of a table are told apart: the places of each in every column, and the marks that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avbench.records import Direction
from avbench.statistics.ranks import Places, places


class Mark(StrEnum):
    """How a cell stands among the models of its suite and group.

    `BEST` and `SECOND` hold the first and the second place alone, told apart from every other; `TIED` may be the best
    and is not told apart from another that may be.
    """

    BEST = "best"
    SECOND = "second"
    TIED = "tied"
    NONE = ""


def mark(place: Places | None, rivals: int) -> Mark:
    """The mark of a place among `rivals` models that have one."""
    if place is None or rivals < 2:
        return Mark.NONE
    if (place.best, place.worst) in ((1, 1), (2, 2)):
        return Mark.BEST if place.best == 1 else Mark.SECOND
    return Mark.TIED if place.best == 1 else Mark.NONE


def rank(
    keys: pd.DataFrame,
    directions: Mapping[tuple[str, str], Direction],
    cell: NDArray[np.int64],
    prompt: NDArray[np.int64],
    value: NDArray[np.float64],
) -> dict[int, tuple[Places, Mark]]:
    """The place and mark of each cell that is one of several in its column; cells are numbered as the rows of `keys`.

    Args:
        keys: columns suite, group, model, metric, backend.
        directions: (metric, backend) to which way is better; columns without one are not ranked.
        cell, prompt, value: the cell's number, the prompt's number and the value of each score, (n,).
    """
    clusters, inverse, counts = np.unique(
        cell * (prompt.max(initial=0) + 1) + prompt, return_inverse=True, return_counts=True
    )
    average = np.bincount(inverse, value, minlength=len(clusters)) / counts
    owner, item = np.divmod(clusters, prompt.max(initial=0) + 1)
    bounds = np.searchsorted(owner, np.arange(len(keys) + 1))
    found: dict[int, tuple[Places, Mark]] = {}
    for _, column in keys.groupby(["suite", "group", "metric", "backend"], sort=False, observed=True):
        first = column.iloc[0]
        direction = directions.get((first["metric"], first["backend"]), Direction.NONE)
        if direction is Direction.NONE or len(column) < 2:
            continue
        numbers = column.index.to_numpy()
        spans = [slice(bounds[i], bounds[i + 1]) for i in numbers]
        rows = np.unique(np.concatenate([item[span] for span in spans]))
        table = np.full((len(rows), len(numbers)), np.nan)
        for j, span in enumerate(spans):
            table[np.searchsorted(rows, item[span]), j] = average[span]
        stand = places(_badness(table, direction))
        rivals = sum(place is not None for place in stand)
        found |= {int(i): (p, mark(p, rivals)) for i, p in zip(numbers, stand, strict=True) if p and rivals > 1}
    return found


def _badness(table: NDArray[np.float64], direction: Direction) -> NDArray[np.float64]:
    """Values (prompts, models) whose mean is the lower the better: of signed offsets the mean's distance from zero."""
    if direction is Direction.ZERO:
        with np.errstate(invalid="ignore"):
            return np.asarray(table * np.sign(np.nansum(table, axis=0)))
    return -table if direction is Direction.UP else table
