"""The exports of a run directory: scores.parquet and set_scores.parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avbench.files import write_atomically
from avbench.store import SCORES, SET_SCORES, Ledger

if TYPE_CHECKING:
    import pandas as pd

SET_COLUMNS = {
    "model": "str", "suite": "str", "subset": "str", "metric": "str", "backend": "str", "value": "float64",
    "ci_low": "float64", "ci_high": "float64", "n": "int64", "status": "str", "reason": "str",
}  # fmt: skip


def export(ledger: Ledger) -> pd.DataFrame:
    """Write what the ledger holds; return the scores. Raises UsageError when the folder cannot be written."""
    import pandas as pd

    scores = ledger.frame()
    sets = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in SET_COLUMNS.items()})
    write_atomically(ledger.run_dir / SCORES, lambda path: scores.to_parquet(path, index=False))
    write_atomically(ledger.run_dir / SET_SCORES, lambda path: sets.to_parquet(path, index=False))
    ledger.mark_exported()
    return scores
