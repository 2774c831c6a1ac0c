"""What became of a run, in counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why scores are missing: how many of a metric's column (or of the clips themselves, '') have this reason."""

    metric: str
    status: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Clips by state, scores by status, why scores are missing, and how many clips or set statistics have failed.

    `scored`: the columns that have a number of anything.
    """

    clips: Mapping[str, int]
    statuses: Mapping[str, int]
    reasons: tuple[Reason, ...]
    failed: int
    scored: tuple[str, ...] = ()


def count(db: sqlite3.Connection) -> Tally:
    """Of a whole ledger."""
    clips = dict(db.execute("SELECT state, count(*) FROM clips GROUP BY state").fetchall())
    statuses = dict(
        db.execute(
            "SELECT status, count(*) FROM (SELECT status FROM scores UNION ALL SELECT status FROM set_scores)"
            " GROUP BY status"
        ).fetchall()
    )
    reasons = db.execute(
        "SELECT metric, status, reason, count(*) FROM scores WHERE status != 'ok' GROUP BY 1, 2, 3"
        " UNION ALL SELECT metric, status, reason, count(*) FROM set_scores WHERE status != 'ok' GROUP BY 1, 2, 3"
        " UNION ALL SELECT '', 'failed', reason, count(*) FROM clips WHERE state = 'failed' GROUP BY reason"
        " ORDER BY 4 DESC, 1, 2, 3"
    )
    ok = "SELECT metric FROM scores WHERE status = 'ok' UNION SELECT metric FROM set_scores WHERE status = 'ok'"
    scored = tuple(name for (name,) in db.execute(f"{ok} ORDER BY 1"))
    (failed,) = db.execute(
        "SELECT count(*) + (SELECT count(*) FROM set_scores WHERE status = 'failed')"
        " FROM clips WHERE state = 'failed'"
        " OR id IN (SELECT clip FROM scores WHERE status = 'failed')"
        " OR id IN (SELECT clip FROM materials WHERE status = 'failed')"
    ).fetchone()
    return Tally(clips, statuses, tuple(Reason(*row) for row in reasons), failed, scored)
