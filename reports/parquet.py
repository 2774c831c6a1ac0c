"""The leaderboard as Parquet: the rows of the CSV form with their types."""

from __future__ import annotations

import io

from avbench.leaderboard import Leaderboard
from avbench.parts import BytesReport

from ._tidy import tidy, tidy_published
from .csv import FIELDS

WHOLE = ("scored", "asked", "not_applicable", "unscored", "failed", "not_finite", "rank_best", "rank_worst")


class Parquet(BytesReport):
    """For pandas, polars, DuckDB: one row a number, full precision, text as it is."""

    summary = "Parquet, one row a number, for data frames (needs --out)"
    suffix = ".parquet"

    def encode(self, board: Leaderboard) -> bytes:
        import pyarrow
        import pyarrow.parquet

        rows = [*tidy(board), *tidy_published(board)]
        kinds = dict.fromkeys(("mean", "ci_low", "ci_high"), pyarrow.float64()) | dict.fromkeys(WHOLE, pyarrow.int64())
        kinds |= dict.fromkeys(("guard", "of_set"), pyarrow.bool_())
        schema = pyarrow.schema([(field, kinds.get(field, pyarrow.string())) for field in FIELDS])
        file = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema), file)
        return file.getvalue()
