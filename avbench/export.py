"""The exports of a run directory: scores.parquet and set_scores.parquet."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

from avbench.files import write_atomically
from avbench.ledger import Ledger
from avbench.store import COLUMNS, SCORES, SET_COLUMNS, SET_SCORES

NUMBERS = {"seed": "int64", "n": "int64", "value": "float64", "ci_low": "float64", "ci_high": "float64"}
_ROWS = 2_000  # in memory at a time


def export(ledger: Ledger) -> None:
    """Write what the ledger holds. Raises UsageError when the folder cannot be written."""
    for name, columns, rows in ((SCORES, COLUMNS, ledger.rows()), (SET_SCORES, SET_COLUMNS, ledger.set_rows())):
        write_atomically(ledger.run_dir / name, partial(_write, columns, rows))
    ledger.mark_exported()


def _write(columns: tuple[str, ...], rows: sqlite3.Cursor, path: Path) -> None:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    schema = pyarrow.schema([(name, pyarrow.type_for_alias(NUMBERS.get(name, "string"))) for name in columns])
    with path.open("wb") as file, ParquetWriter(file, schema) as writer:  # pyarrow takes no path that is not UTF-8
        while page := rows.fetchmany(_ROWS):
            cells = zip(*page, strict=True)
            arrays = [pyarrow.array(cell, kind) for cell, kind in zip(cells, schema.types, strict=True)]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
