"""The tables of the ledger, and how an older run directory's come up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from avbench.errors import UsageError

# Each step makes the next version out of the one before it; a step that has been released never changes.
_STEPS = (
    """
CREATE TABLE facts (kind TEXT, name TEXT, position INTEGER, json TEXT, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE prompts (
    suite TEXT, prompt_id TEXT, position INTEGER, subset TEXT, json TEXT, PRIMARY KEY (suite, prompt_id));
CREATE TABLE clips (
    id INTEGER PRIMARY KEY, model TEXT, suite TEXT, prompt_id TEXT, seed INTEGER,
    path BLOB, state TEXT DEFAULT 'asked', reason TEXT DEFAULT '', notes TEXT DEFAULT '[]',
    fingerprint TEXT DEFAULT '', sha256 TEXT DEFAULT '', size INTEGER DEFAULT 0, modified INTEGER DEFAULT 0,
    UNIQUE (model, suite, prompt_id, seed));
CREATE TABLE evaluations (clip INTEGER, metric TEXT, key TEXT, state TEXT, PRIMARY KEY (clip, metric)) WITHOUT ROWID;
CREATE TABLE scores (
    clip INTEGER, part TEXT, position INTEGER, metric TEXT, backend TEXT, value REAL, status TEXT, reason TEXT,
    PRIMARY KEY (clip, part, metric)) WITHOUT ROWID;
INSERT INTO counters VALUES ('revision', 0), ('exported', -1);
""",
    """
CREATE TABLE details (clip INTEGER, part TEXT, metric TEXT, json TEXT, UNIQUE (clip, part, metric));
""",
    # A set's scores are gone as soon as what they were pooled from changes, whichever statement changes it.
    """
CREATE TABLE materials (clip INTEGER, part TEXT, status TEXT, reason TEXT, data BLOB, PRIMARY KEY (clip, part));
CREATE TABLE set_scores (
    part TEXT, model TEXT, suite TEXT, subset TEXT, position INTEGER, metric TEXT, key TEXT, backend TEXT,
    value REAL, ci_low REAL, ci_high REAL, n INTEGER, status TEXT, reason TEXT,
    PRIMARY KEY (part, model, suite, subset, metric)) WITHOUT ROWID;
CREATE TRIGGER material_came AFTER INSERT ON materials BEGIN
    DELETE FROM set_scores WHERE part = new.part
        AND (model, suite) = (SELECT model, suite FROM clips WHERE id = new.clip);
END;
CREATE TRIGGER material_went AFTER DELETE ON materials BEGIN
    DELETE FROM set_scores WHERE part = old.part
        AND (model, suite) = (SELECT model, suite FROM clips WHERE id = old.clip);
END;
""",
)
VERSION = len(_STEPS)


def connect(path: Path) -> sqlite3.Connection:
    """The ledger's database for writing: made, or brought up to date, in one transaction.

    Raises UsageError for what is no ledger, or one of a newer avbench.
    """
    try:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")  # keeps integrity; a power cut may lose the last transactions
        version = version_of(db)
        if version < VERSION:
            db.executescript(f"BEGIN; {''.join(_STEPS[version:])} PRAGMA user_version = {VERSION}; COMMIT;")
    except sqlite3.Error as error:
        raise UsageError(f"{path}: {error}; start over with --fresh or another --out") from None
    if version > VERSION:
        raise UsageError(
            f"{path} was written by another version of avbench, a newer one (ledger {version}, known: {VERSION}); "
            "upgrade avbench, start over with --fresh, or use another --out"
        )
    return db


def version_of(db: sqlite3.Connection) -> int:
    """The version of a ledger's tables; 0 for an empty database."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)
