"""The exports of a run directory: scores.parquet and set_scores.parquet."""

from __future__ import annotations

from typing import Any

from avbench.files import write_atomically
from avbench.ledger import Ledger
from avbench.store import COLUMNS, SCORES, SET_SCORES

SET_COLUMNS = ("model", "suite", "subset", "metric", "backend", "value", "ci_low", "ci_high", "n", "status", "reason")
NUMBERS = {"seed": "int64", "n": "int64", "value": "float64", "ci_low": "float64", "ci_high": "float64"}


def export(ledger: Ledger) -> None:
    """Write what the ledger holds. Raises UsageError when the folder cannot be written."""
    import pyarrow.parquet

    scores, sets = _table(COLUMNS, ledger.rows()), _table(SET_COLUMNS, [])
    write_atomically(ledger.run_dir / SCORES, lambda path: pyarrow.parquet.write_table(scores, path))
    write_atomically(ledger.run_dir / SET_SCORES, lambda path: pyarrow.parquet.write_table(sets, path))
    ledger.mark_exported()


def _table(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> Any:
    import pyarrow

    cells = zip(*rows, strict=True) if rows else ((),) * len(columns)
    types = [pyarrow.type_for_alias(NUMBERS.get(name, "string")) for name in columns]
    arrays = [pyarrow.array(cell, kind) for cell, kind in zip(cells, types, strict=True)]
    return pyarrow.table(arrays, names=list(columns))
