"""What judges were asked and answered, and what it cost: one file for all runs and processes of this user.

An answer that is in it is not paid for twice; the cap counts every call of the last 24 hours, whoever made it, so that
neither more workers nor starting again spend more.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from avbench.cache import SWITCH
from avbench.errors import Unscored
from avbench.weights import home

from ._judge_settings import CALLS, DOLLARS, Settings

DAY = 24 * 3600.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, at REAL NOT NULL, model TEXT NOT NULL, usd REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_at ON calls (at);
CREATE TABLE IF NOT EXISTS answers (name TEXT PRIMARY KEY, at REAL NOT NULL, model TEXT NOT NULL, reply TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer: when it came (seconds since 1970), the model that it says it is from, and its text."""

    at: float
    model: str
    reply: str


class Book:
    """The file at `path`. Answers are neither read nor written where `keeps` is off; costs always are."""

    def __init__(self, path: Path, keeps: bool = True) -> None:
        self.path, self._keeps = path, keeps

    def find(self, name: str) -> Kept | None:
        """The answer of that name."""
        if not self._keeps:
            return None
        with self._open() as db:
            row = db.execute("SELECT at, model, reply FROM answers WHERE name = ?", (name,)).fetchone()
        return Kept(*row) if row else None

    def keep(self, name: str, kept: Kept) -> None:
        if self._keeps:
            with self._open() as db, db:
                db.execute(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (name, kept.at, kept.model, kept.reply)
                )

    def reserve(self, asked: Settings, usd: float) -> int:
        """Book a call of about `usd` before it is made. Raises Unscored where it would exceed what may be spent."""
        now = time.time()
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            with db:
                calls, spent = db.execute(
                    "SELECT count(*), coalesce(sum(usd), 0) FROM calls WHERE at > ?", (now - DAY,)
                ).fetchone()
                if calls >= asked.calls:
                    raise Unscored(f"needs a higher cost cap: {asked.calls} calls of the judge in 24 hours ({CALLS})")
                if asked.dollars is not None and spent + usd > asked.dollars:
                    raise Unscored(f"needs a higher cost cap: {asked.dollars:g} USD in 24 hours ({DOLLARS})")
                cursor = db.execute("INSERT INTO calls (at, model, usd) VALUES (?, ?, ?)", (now, asked.model, usd))
                return int(cursor.lastrowid or 0)

    def settle(self, call: int, usd: float) -> None:
        """What a booked call really cost."""
        with self._open() as db, db:
            db.execute("UPDATE calls SET usd = ? WHERE id = ?", (usd, call))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as db:
                db.executescript(_SCHEMA)
                yield db
        except (sqlite3.Error, OSError) as error:
            raise Unscored(f"needs {self.path}, where what the judge costs is kept: {error}") from None


def book() -> Book:
    """The book beside the cache of features: $AVBENCH_CACHE is its folder; with `off`, answers are not kept."""
    where = os.environ.get(SWITCH, "")
    off = where.lower() == "off"
    folder = Path(where).expanduser() if where and not off else home().parent
    return Book(folder / "judge.sqlite", keeps=not off)
