"""The ledger of a run directory: what was asked, what became of it, every score, written as it happens.

Every change of state is one transaction, so a run may be killed anywhere. Invariant: evaluations and scores belong to
the clip's present content, its present prompt, and the metric's present version and weights; a change of one of these
deletes them in the transaction that records the change.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from avbench import lock
from avbench._schema import connect
from avbench.clips import FileFacts, identify, stamp
from avbench.details import pack
from avbench.errors import UsageError
from avbench.identity import outdated
from avbench.materials import Left
from avbench.records import Clip, Score, SetScore, Status, Suite
from avbench.redact import clean
from avbench.store import DATABASE, SCORES, SET_SCORES, Entry, entries_of, is_run, rows_of, set_rows_of
from avbench.suites import prompt_to_json
from avbench.tally import Tally, count

ASKED, DONE, FAILED = "asked", "done", "failed"
_PAGE = 500  # clips in memory at a time
_CLIPS_OF = "FROM clips JOIN prompts USING (suite, prompt_id) WHERE model = ? AND suite = ?"
NEEDS = "needs "  # how the reason begins where weights or an extra are missing


class Ledger:
    """The writer's side; holds the run directory's lock until it is closed. Only one process can have one."""

    def __init__(self, run_dir: Path, *, fresh: bool = False) -> None:
        """Open or create; `fresh` first deletes what a run has left here.

        Raises UsageError when another run writes here, or the folder cannot be written.
        """
        self.run_dir = run_dir.resolve()
        try:
            self.run_dir.mkdir(parents=True, exist_ok=True)
            self._lock = lock.take(self.run_dir)
        except OSError as error:
            raise UsageError(f"cannot write to {run_dir}: {error.strerror}; choose another --out") from None
        try:
            if fresh and is_run(self.run_dir):
                _clear(self.run_dir)
            self._db = connect(self.run_dir / DATABASE)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        self._db.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction; counts as a change that the next export must show."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("UPDATE counters SET value = value + 1 WHERE name = 'revision'")

    # What is asked

    def put_fact(self, kind: str, name: str, fact: Mapping[str, object]) -> None:
        """Remember what is in force under a name: a suite's digest, a generator's settings, a metric's columns."""
        with self._change() as db:
            db.execute(
                "INSERT INTO facts VALUES (?, ?, (SELECT count(*) FROM facts), ?)"
                " ON CONFLICT DO UPDATE SET json = excluded.json",
                (kind, name, clean(json.dumps(fact))),
            )

    def facts(self, kind: str) -> dict[str, dict[str, object]]:
        """What `put_fact` stored of a kind, in the order of first mention."""
        rows = self._db.execute("SELECT name, json FROM facts WHERE kind = ? ORDER BY position", (kind,))
        return {name: json.loads(text) for name, text in rows}

    def put_prompts(self, suite: Suite, asked: Collection[str]) -> int:
        """Store the prompts that are asked for, or were, as the suite has them now.

        The scores of clips whose prompt has changed are dropped. Returns how many prompts have changed.
        """
        rows = self._db.execute("SELECT prompt_id, json FROM prompts WHERE suite = ?", (suite.name,))
        known: dict[str, str] = dict(rows.fetchall())
        changed = 0
        with self._change() as db:
            for position, prompt in enumerate(suite.prompts):
                if prompt.id not in asked and prompt.id not in known:
                    continue
                text = prompt_to_json(prompt)
                if known.get(prompt.id, text) != text:
                    changed += 1
                    self._drop_scores("suite = ? AND prompt_id = ?", (suite.name, prompt.id))
                db.execute(
                    "INSERT OR REPLACE INTO prompts VALUES (?, ?, ?, ?, ?)",
                    (suite.name, prompt.id, position, prompt.tag("subset") or "", text),
                )
        return changed

    def ask(self, clips: Iterable[Clip]) -> None:
        """Add clips that are to be made or scored; those already there stay as they are, but for their path."""
        with self._change() as db:
            db.executemany(
                "INSERT INTO clips (model, suite, prompt_id, seed, path) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET path = excluded.path",
                ((c.model, c.prompt.suite, c.prompt.id, c.seed, os.fsencode(self._inside(c.path))) for c in clips),
            )

    def reset(self, ids: Iterable[int]) -> None:
        """Ask for clips anew: what was made under other settings counts no more."""
        with self._change() as db:
            for id in ids:
                self._drop_scores("id = ?", (id,))
                db.execute("UPDATE clips SET state='asked', reason='', fingerprint='', sha256='' WHERE id=?", (id,))

    def forget(self, ids: Iterable[int]) -> None:
        """Take clips out of the run: they are asked for no more."""
        with self._change() as db:
            for id in ids:
                self._drop_scores("id = ?", (id,))
                db.execute("DELETE FROM clips WHERE id = ?", (id,))
            db.execute("DELETE FROM prompts WHERE (suite, prompt_id) NOT IN (SELECT suite, prompt_id FROM clips)")

    # What became of it

    def entries(self, model: str, suite: str) -> list[Entry]:
        """The clips of one model and suite, in the order of the prompts and seeds."""
        return list(self.each(self.ids(model, suite)))

    def ids(self, model: str, suite: str) -> list[int]:
        """The same clips by id, which takes little memory."""
        rows = self._db.execute(f"SELECT clips.id {_CLIPS_OF} ORDER BY position, prompt_id, seed", (model, suite))
        return [id for (id,) in rows]

    def each(self, ids: Sequence[int]) -> Iterator[Entry]:
        """Clips by id, in that order, as they are when they are reached: read by the page, which bounds memory."""
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            where = "WHERE clips.id IN (SELECT value FROM json_each(?))"
            found = {entry.id: entry for entry in entries_of(self._db, self.run_dir, where, (json.dumps(page),))}
            yield from (found[id] for id in page if id in found)

    def check_files(self, model: str, suite: str) -> tuple[list[Entry], list[Entry]]:
        """The done clips whose file has changed (their scores are dropped), and those whose file is gone."""
        changed, gone = [], []
        for entry in self.each(self.ids(model, suite)):
            if entry.state != DONE:
                continue
            try:
                if stamp(entry.clip.path) == (entry.size, entry.modified):
                    continue
                file = identify(entry.clip.path)
            except OSError:
                gone.append(entry)
                continue
            if file.sha256 != entry.sha256:
                changed.append(entry)
            self.put_clip(entry.id, file, entry.fingerprint)
        return changed, gone

    def put_clip(self, id: int, file: FileFacts, fingerprint: str = "") -> None:
        """The clip is there. Scores of another content are dropped."""
        with self._change() as db:
            self._drop_scores("id = ? AND sha256 NOT IN ('', ?)", (id, file.sha256))
            db.execute(
                "UPDATE clips SET state='done', reason='', fingerprint=?, sha256=?, size=?, modified=? WHERE id=?",
                (fingerprint, file.sha256, file.size, file.modified, id),
            )

    def put_failure(self, id: int, reason: str) -> None:
        """The clip could not be made."""
        with self._change() as db:
            self._drop_scores("id = ?", (id,))
            db.execute(
                "UPDATE clips SET state='failed', reason=?, sha256='', fingerprint='' WHERE id=?", (clean(reason), id)
            )

    def put_scores(
        self,
        id: int,
        scores: Mapping[str, tuple[str, Sequence[Score]]],
        notes: Sequence[str] = (),
        left: Mapping[str, Left] | None = None,
    ) -> None:
        """Scores of one clip: metric name to (the metric's identity, its columns in order).

        `notes` are the decoder's, `left` is what the clip leaves for the set metrics among them.
        """
        left = left or {}
        with self._change() as db:
            db.execute("UPDATE clips SET notes = ? WHERE id = ?", (clean(json.dumps(notes)), id))
            for part, (key, columns) in scores.items():
                material = [left[part]] if part in left else []
                found: list[Score | Left] = [*columns, *material]
                state = FAILED if any(map(_is_open, found)) else DONE
                db.execute("INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?, ?)", (id, part, key, state))
                for table in ("scores", "details", "materials"):
                    db.execute(f"DELETE FROM {table} WHERE clip = ? AND part = ?", (id, part))
                db.executemany(
                    "INSERT INTO materials VALUES (?, ?, ?, ?, ?)",
                    [(id, part, m.status.value, clean(m.reason), m.data) for m in material],
                )
                db.executemany(
                    "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        (
                            id,
                            part,
                            position,
                            score.metric,
                            score.backend,
                            score.value,
                            score.status.value,
                            clean(score.reason),
                        )
                        for position, score in enumerate(columns)
                    ),
                )
                details = [(id, part, score.metric, pack(score.detail)) for score in columns if score.detail]
                db.executemany("INSERT INTO details VALUES (?, ?, ?, ?)", details)

    def lacking(self, model: str, suite: str, metrics: Collection[str]) -> list[int]:
        """Ids of the clips, but for those that could not be made, with which one of these metrics is not done."""
        rows = self._db.execute(
            "SELECT clips.id, (SELECT count(*) FROM evaluations AS e WHERE e.clip = clips.id AND e.state = 'done'"
            f" AND e.metric IN (SELECT value FROM json_each(?))) AS done {_CLIPS_OF} AND state != 'failed'"
            " ORDER BY position, prompt_id, seed",
            (json.dumps(list(metrics)), model, suite),
        )
        return [id for id, done in rows if done < len(metrics)]

    def done_with(self, id: int) -> set[str]:
        """The metrics that are done with a clip. Failed ones are not: the same command tries them again."""
        rows = self._db.execute("SELECT metric FROM evaluations WHERE clip = ? AND state = 'done'", (id,))
        return {metric for (metric,) in rows}

    def drop_outdated(self, metric: str, key: str) -> int:
        """Delete what another version of a metric, or one with other weights, has scored; `key` is its `identity`.

        Returns how many clips that were.
        """
        with self._change() as db:
            known = [was for (was,) in db.execute("SELECT DISTINCT key FROM evaluations WHERE metric = ?", (metric,))]
            old = json.dumps([was for was in known if outdated(was, key)])
            where = "metric = ?1 AND key IN (SELECT value FROM json_each(?2))"
            for table in ("scores", "details", "materials"):
                db.execute(
                    f"DELETE FROM {table} WHERE part = ?1 AND clip IN (SELECT clip FROM evaluations WHERE {where})",
                    (metric, old),
                )
            return db.execute(f"DELETE FROM evaluations WHERE {where}", (metric, old)).rowcount

    def unpooled(self, part: str, key: str, model: str, suite: str) -> list[str]:
        """The subsets of a model and suite ('' is the whole) that this version of a set metric has no score of."""
        return [
            subset
            for (subset,) in self._db.execute(
                "SELECT '' UNION SELECT subset FROM clips JOIN prompts USING (suite, prompt_id)"
                " WHERE model = ?3 AND suite = ?4 EXCEPT"
                " SELECT subset FROM set_scores WHERE part = ?1 AND key = ?2 AND model = ?3 AND suite = ?4"
                " AND status != 'failed' ORDER BY 1",
                (part, key, model, suite),
            )
        ]

    def put_set_scores(
        self, part: str, key: str, model: str, suite: str, subset: str, scores: Sequence[SetScore]
    ) -> None:
        """The scores of one set by one metric, in the order of its set columns."""
        with self._change() as db:
            place = (part, model, suite, subset)
            db.execute("DELETE FROM set_scores WHERE (part, model, suite, subset) = (?, ?, ?, ?)", place)
            db.executemany(
                "INSERT INTO set_scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (*place, position, s.metric, key, s.backend, s.value, s.low, s.high, s.n, s.status, clean(s.reason))
                    for position, s in enumerate(scores)
                ],
            )

    def tally(self) -> Tally:
        """Counts over the whole run directory."""
        return count(self._db)

    def rows(self) -> sqlite3.Cursor:
        """All scores so far, a row (see `COLUMNS`) each, in an order that does not depend on how the work was done."""
        return rows_of(self._db)

    def set_rows(self) -> sqlite3.Cursor:
        """All set scores so far, a row (see `SET_COLUMNS`) each."""
        return set_rows_of(self._db)

    def mark_exported(self) -> None:
        """The exports now show all that the ledger holds."""
        with self._db:
            self._db.execute(
                "UPDATE counters SET value = (SELECT value FROM counters WHERE name='revision') WHERE name='exported'"
            )

    def _drop_scores(self, where: str, values: tuple[object, ...]) -> None:
        for table in ("scores", "details", "materials", "evaluations"):
            self._db.execute(f"DELETE FROM {table} WHERE clip IN (SELECT id FROM clips WHERE {where})", values)

    def _inside(self, path: Path) -> Path:
        """Relative where the clip lies in the run directory, so that the directory can be moved."""
        return path.relative_to(self.run_dir) if path.is_relative_to(self.run_dir) else path


def _is_open(score: Score | Left) -> bool:
    """Whether the same command should try again: after a failure, and once missing weights may have come."""
    return score.status is Status.FAILED or (score.status is Status.UNSCORED and score.reason.startswith(NEEDS))


def _clear(run_dir: Path) -> None:
    """Delete a run directory's files, by name; what a user has put beside them stays."""
    for folder in ("clips", "report", "statistics"):
        shutil.rmtree(run_dir / folder, ignore_errors=True)
    for name in (SCORES, SET_SCORES, "run.json", f"{DATABASE}-wal", f"{DATABASE}-shm", DATABASE):
        (run_dir / name).unlink(missing_ok=True)
