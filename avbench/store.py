"""Reading a run directory: its clips, its prompts and its scores, also while a run is writing.

`scores.sqlite` is the source of truth; `avbench.ledger` writes it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avbench._schema import version_of
from avbench.details import unpack
from avbench.errors import UsageError
from avbench.identity import digests
from avbench.records import Clip, Detail, Prompt
from avbench.suites import prompt_from_json

if TYPE_CHECKING:
    import pandas as pd

DATABASE, SCORES, SET_SCORES = "scores.sqlite", "scores.parquet", "set_scores.parquet"
COLUMNS = ("model", "suite", "subset", "prompt_id", "seed", "metric", "backend", "value", "status", "reason")
SET_COLUMNS = ("model", "suite", "subset", "metric", "backend", "value", "ci_low", "ci_high", "n", "status", "reason")


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip as the ledger knows it. `state` is asked, done or failed; the file facts are empty until it is done.

    `notes` are what the decoder had to say.
    """

    id: int
    clip: Clip
    notes: tuple[str, ...]
    state: str
    reason: str
    fingerprint: str
    sha256: str
    size: int
    modified: int


def is_run(path: Path) -> bool:
    """Whether a folder is a run directory."""
    return (path / DATABASE).is_file()


def load_scores(run_dir: Path) -> pd.DataFrame:
    """One row a score, with the columns of `COLUMNS`; from scores.parquet where it is up to date, else the ledger.

    Reads only, also while a run is writing. Raises UsageError when the folder holds neither.
    """
    import pandas as pd

    export, database = run_dir / SCORES, run_dir / DATABASE
    if not database.is_file():
        if not export.is_file():
            raise UsageError(f"{run_dir} is not a run directory: it has neither {DATABASE} nor {SCORES}")
        return _exported(export)
    with reading(database) as db:
        counters = dict(db.execute("SELECT name, value FROM counters").fetchall())
        if export.is_file() and counters["exported"] == counters["revision"]:
            return _exported(export)
        frame = pd.DataFrame(list(rows_of(db)), columns=list(COLUMNS))
        return frame.astype(dict.fromkeys(COLUMNS, "str") | {"seed": "int64", "value": "float64"})


def load_set_scores(run_dir: Path) -> pd.DataFrame:
    """One row a set statistic, with the columns of `SET_COLUMNS`; read as `load_scores` reads."""
    import pandas as pd

    export, database = run_dir / SET_SCORES, run_dir / DATABASE
    if not database.is_file():
        return _exported(export) if export.is_file() else pd.DataFrame(columns=list(SET_COLUMNS))
    with reading(database) as db:
        frame = pd.DataFrame(list(set_rows_of(db)) if version_of(db) > 2 else [], columns=list(SET_COLUMNS))
        numbers = dict.fromkeys(("value", "ci_low", "ci_high"), "float64")
        return frame.astype(dict.fromkeys(SET_COLUMNS, "str") | {"n": "int64"} | numbers)


def _exported(path: Path) -> pd.DataFrame:
    import pandas as pd

    with path.open("rb") as file:  # pyarrow takes no path that is not UTF-8
        return pd.read_parquet(file)


def load_prompts(run_dir: Path) -> list[Prompt]:
    """The prompts of a run, suite by suite in order. Raises UsageError when the folder has no ledger."""
    if not is_run(run_dir):
        raise UsageError(f"{run_dir} is not a run directory: it has no {DATABASE}")
    with reading(run_dir / DATABASE) as db:
        return _prompts(db)


def load_weights(run_dir: Path) -> dict[str, str]:
    """Of each metric with files of weights the digests of those that scored here; UsageError where is no ledger."""
    if not is_run(run_dir):
        raise UsageError(f"{run_dir} is not a run directory: it has no {DATABASE}")
    known: dict[str, list[str]] = {}
    with reading(run_dir / DATABASE) as db:
        for metric, key in db.execute("SELECT DISTINCT metric, key FROM evaluations ORDER BY metric, key"):
            known.setdefault(metric, []).append(key)
    return {metric: files for metric, keys in known.items() if (files := digests(keys))}


def load_clips(run_dir: Path) -> list[Clip]:
    """The clips of a run, made or not. Raises UsageError when the folder has no ledger."""
    return [entry.clip for entry in load_entries(run_dir)]


def load_entries(run_dir: Path) -> list[Entry]:
    """What a run knows of its clips, by model, suite and prompt. Raises UsageError when the folder has no ledger."""
    if not is_run(run_dir):
        raise UsageError(f"{run_dir} is not a run directory: it has no {DATABASE}")
    with reading(run_dir / DATABASE) as db:
        return entries_of(db, run_dir.resolve())


def load_details(run_dir: Path, metric: str = "") -> Iterator[Detail]:
    """The facts behind the scores of a run, or of one column of it, clip by clip in the order of scores.parquet.

    Read as they are asked for, also while a run writes: what it writes after the first one was read does not show. The
    database stays open until the iterator is used up or closed. Raises UsageError when the folder has no ledger.
    """
    if not is_run(run_dir):
        raise UsageError(f"{run_dir} is not a run directory: it has no {DATABASE}")
    with reading(run_dir / DATABASE) as db:
        if version_of(db) < 2:  # an older avbench kept none
            return
        db.execute("BEGIN")  # both queries see the same state
        for row, *score in db.execute(  # sorts without the facts, which may be large
            "SELECT details.rowid, model, suite, prompt_id, seed, metric, backend FROM details"
            " JOIN scores USING (clip, part, metric) JOIN clips ON clip = clips.id"
            " JOIN prompts USING (suite, prompt_id)"
            " WHERE ?1 IN ('', metric) ORDER BY model, suite, prompts.position, prompt_id, seed, part, scores.position",
            (metric,),
        ):
            (text,) = db.execute("SELECT json FROM details WHERE rowid = ?", (row,)).fetchone()
            yield Detail(*(*score, unpack(text)))


def entries_of(db: sqlite3.Connection, run_dir: Path, where: str = "", values: tuple[str, ...] = ()) -> list[Entry]:
    rows = db.execute(
        "SELECT suite, prompt_id, json, path, model, seed, notes,"
        " clips.id, state, reason, fingerprint, sha256, size, modified"
        f" FROM clips JOIN prompts USING (suite, prompt_id) {where} ORDER BY model, suite, position, seed",
        values,
    )
    prompts: dict[tuple[str, str], Prompt] = {}
    entries = []
    for suite, prompt_id, text, path, model, seed, notes, id, *facts in rows:
        if (suite, prompt_id) not in prompts:
            prompts[suite, prompt_id] = prompt_from_json(text)
        clip = Clip(run_dir / os.fsdecode(path), prompts[suite, prompt_id], model, seed)
        entries.append(Entry(id, clip, tuple(json.loads(notes)), *facts))
    return entries


def rows_of(db: sqlite3.Connection) -> sqlite3.Cursor:
    columns = [
        (name, position, column["name"], fact["backend"])
        for name, fact in ((name, json.loads(text)) for name, text in _facts(db, "metric"))
        for position, column in enumerate(fact["columns"])
    ]
    return db.execute(
        "SELECT model, suite, subset, prompt_id, seed, metric, backend, value, status, score.reason FROM ("
        " SELECT clip, part, position AS place, metric, backend, value, status, scores.reason FROM scores"
        " UNION ALL"  # a clip that could not be made has failed every metric that the run asks for
        " SELECT clips.id, column.value ->> 0, column.value ->> 1, column.value ->> 2, column.value ->> 3,"
        "  NULL, 'failed', 'no clip: ' || clips.reason FROM clips, json_each(?) AS column WHERE state = 'failed'"
        ") AS score JOIN clips ON score.clip = clips.id JOIN prompts USING (suite, prompt_id)"
        " ORDER BY model, suite, prompts.position, prompt_id, seed, part, place",
        (json.dumps(columns),),
    )


def set_rows_of(db: sqlite3.Connection) -> sqlite3.Cursor:
    return db.execute(f"SELECT {', '.join(SET_COLUMNS)} FROM set_scores ORDER BY model, suite, subset, part, position")


def _facts(db: sqlite3.Connection, kind: str) -> list[tuple[str, str]]:
    return db.execute("SELECT name, json FROM facts WHERE kind = ? ORDER BY position", (kind,)).fetchall()


def _prompts(db: sqlite3.Connection) -> list[Prompt]:
    return [prompt_from_json(text) for (text,) in db.execute("SELECT json FROM prompts ORDER BY suite, position")]


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to a ledger, also in a folder that cannot be written (where SQLite would make files)."""
    uri = path.resolve().as_uri()
    try:
        db = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None)
        try:
            db.execute("SELECT 1 FROM counters")
        except sqlite3.OperationalError:
            db.close()
            db = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
        yield db
    except sqlite3.Error as error:
        raise UsageError(f"{path}: {error}") from None
    finally:
        db.close()
