"""The exports of a run directory: scores.parquet and set_scores.parquet."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from avbench.files import write_atomically
from avbench.ledger import Ledger
from avbench.store import COLUMNS, SCORES, SET_COLUMNS, SET_SCORES

NUMBERS = {"seed": "int64", "n": "int64", "value": "float64", "ci_low": "float64", "ci_high": "float64"}


def export(ledger: Ledger) -> None:
    """Write what the ledger holds. Raises UsageError when the folder cannot be written."""
    scores, sets = _table(COLUMNS, ledger.rows()), _table(SET_COLUMNS, ledger.set_rows())
    for name, table in ((SCORES, scores), (SET_SCORES, sets)):
        write_atomically(ledger.run_dir / name, partial(_write, table))
    ledger.mark_exported()


def _write(table: Any, path: Path) -> None:
    import pyarrow.parquet

    with path.open("wb") as file:  # pyarrow takes no path that is not UTF-8
        pyarrow.parquet.write_table(table, file)


def _table(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> Any:
    import pyarrow

    cells = zip(*rows, strict=True) if rows else ((),) * len(columns)
    types = [pyarrow.type_for_alias(NUMBERS.get(name, "string")) for name in columns]
    arrays = [pyarrow.array(cell, kind) for cell, kind in zip(cells, types, strict=True)]
    return pyarrow.table(arrays, names=list(columns))
