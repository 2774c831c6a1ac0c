"""The leaderboard as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from avbench.leaderboard import Leaderboard
from avbench.parts import TextReport

from ._tidy import tidy, tidy_published


class Json(TextReport):
    """Strict JSON: a number that is missing is null, and NaN cannot occur."""

    summary = "strict JSON: one row a number, measures described"
    suffix = ".json"

    def render(self, board: Leaderboard) -> str:
        content = {
            "by": board.by,
            "measures": [asdict(measure) for measure in (*board.measures, *board.guards)],
            "rows": list(tidy(board)),
            "published": list(tidy_published(board)),
            "notes": board.notes,
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
