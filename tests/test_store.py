from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.clips import identify
from avbench.details import LIMIT, pack, unpack
from avbench.errors import UsageError
from avbench.export import export
from avbench.ledger import DONE, FAILED, Ledger
from avbench.materials import Left
from avbench.records import JSON, Clip, Detail, Prompt, Score, SetScore, Status, Suite
from avbench.redact import _secrets
from avbench.store import COLUMNS, Entry, load_clips, load_details, load_prompts, load_scores

METRIC = {"columns": [{"name": "a"}, {"name": "b"}], "backend": "signal", "version": "1"}


def suite(*ids: str, caption: str = "x") -> Suite:
    return Suite("s", "1", "", tuple(Prompt(id, "s", caption) for id in ids))


def filled(run: Path, *ids: str) -> Ledger:
    """A ledger with a written clip for each prompt, and scores of the first."""
    ledger = Ledger(run)
    ledger.put_fact("metric", "m", METRIC)
    asked = suite(*ids)
    ledger.put_prompts(asked, set(ids))
    ledger.ask(Clip(run.resolve() / f"{prompt.id}.mp4", prompt, "model") for prompt in asked.prompts)
    for entry in ledger.entries("model", "s"):
        entry.clip.path.write_text(entry.clip.prompt.id)
        ledger.put_clip(entry.id, identify(entry.clip.path), "settings")
    first = ledger.entries("model", "s")[0]
    ledger.put_scores(first.id, {"m": ("key", [Score("a", "signal", 1.5), Score("b", "signal", 1 / 3)])})
    return ledger


def test_scores_come_back_to_the_bit(tmp_path: Path) -> None:
    with filled(tmp_path, "p", "q") as ledger:
        first, second = ledger.entries("model", "s")
        failure = Score("a", "signal", None, Status.FAILED, "broke \udcff")
        ledger.put_scores(second.id, {"m": ("key", [failure, Score("b", "signal", 5e-324)])})
        assert ledger.lacking("model", "s", ["m"]) == [second.id]  # what failed is tried again
        assert ledger.lacking("model", "s", ["m", "n"]) == [first.id, second.id]
        assert ledger.done_with(first.id) == {"m"} and not ledger.done_with(second.id)
        export(ledger)
    found = load_scores(tmp_path)
    assert tuple(found.columns) == COLUMNS
    assert list(found.value[[0, 1, 3]]) == [1.5, 1 / 3, 5e-324] and found.value.isna()[2]
    assert found.reason[2] == "broke \\udcff"
    (tmp_path / "scores.parquet").unlink()
    assert load_scores(tmp_path).equals(found)


def test_an_export_has_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avbench.export._ROWS", 2)
    with filled(tmp_path, "p") as ledger:
        (entry, *_) = ledger.entries("model", "s")
        ledger.put_scores(entry.id, {"m": ("key", [Score("a", "signal", 1), Score("b", "", 2), Score("c", "", 3)])})
        export(ledger)
        rows = list(ledger.rows())
    assert len(rows) == 3
    found = load_scores(tmp_path)
    (tmp_path / "scores.parquet").unlink()
    assert load_scores(tmp_path).equals(found) and len(found) == 3


def test_a_clip_that_was_not_made_has_failed_every_metric(tmp_path: Path) -> None:
    with filled(tmp_path, "p") as ledger:
        (entry,) = ledger.entries("model", "s")
        ledger.put_failure(entry.id, "crash")
        assert ledger.entries("model", "s")[0].state == FAILED
        assert [row[5:] for row in ledger.rows()] == [
            ("a", "signal", None, "failed", "no clip: crash"),
            ("b", "signal", None, "failed", "no clip: crash"),
        ]
        assert ledger.tally().failed == 1


def test_another_content_prompt_or_version_drops_the_scores(tmp_path: Path) -> None:
    with filled(tmp_path, "p", "q") as ledger:
        entry = ledger.entries("model", "s")[0]
        ledger.put_clip(entry.id, identify(entry.clip.path), "settings")
        assert len(list(ledger.rows())) == 2  # the same content again
        assert ledger.drop_outdated("m", "key") == 0 and len(list(ledger.rows())) == 2
        entry.clip.path.write_text("other")
        changed, gone = ledger.check_files("model", "s")
        assert [e.id for e in changed] == [entry.id] and not gone and not list(ledger.rows())

        ledger.put_scores(entry.id, {"m": ("key", [Score("a", "signal", 1.0)])})
        assert ledger.put_prompts(suite("p", "q"), {"p"}) == 0 and list(ledger.rows())
        assert ledger.put_prompts(suite("p", "q", caption="y"), {"p"}) == 2 and not list(ledger.rows())

        ledger.put_scores(entry.id, {"m": ("key", [Score("a", "signal", 1.0)])})
        assert ledger.drop_outdated("m", "new key") == 1 and not list(ledger.rows())
        assert not ledger.done_with(entry.id)


def test_the_facts_behind_scores_live_and_die_with_them(tmp_path: Path) -> None:
    facts: dict[str, JSON] = {"heard": "a \u201cb\udcff", "counts": [1, 2.5, None], "inner": {"yes": True}}
    with filled(tmp_path, "p", "q") as ledger:
        entry = ledger.entries("model", "s")[1]
        scores = [Score("a", "signal", 1.0, detail=facts), Score("b", "signal", None, Status.FAILED, "x", {"n": 2})]
        ledger.put_scores(entry.id, {"m": ("key", scores)})
        found = list(load_details(tmp_path))  # while the run still holds its lock
        kept = {**facts, "heard": "a \u201cb\\udcff"}
        assert found == [
            Detail("model", "s", "q", 0, "a", "signal", kept),
            Detail("model", "s", "q", 0, "b", "signal", {"n": 2}),
        ]
        assert list(load_details(tmp_path, "b")) == found[1:]
        reading = load_details(tmp_path)
        assert next(reading) == found[0]
        ledger.put_scores(entry.id, {"m": ("key", [Score("a", "signal", 1.0), Score("b", "signal", 2.0)])})
        assert list(reading) == found[1:] and not list(load_details(tmp_path))

        ledger.put_scores(entry.id, {"m": ("key", scores)})
        assert ledger.drop_outdated("m", "new key") == 2 and not list(load_details(tmp_path))
        ledger.put_scores(entry.id, {"m": ("key", scores)})
        ledger.reset([entry.id])
        assert not list(load_details(tmp_path))
    with pytest.raises(UsageError, match="not a run directory"):
        list(load_details(tmp_path / "other"))


def test_facts_are_bounded_and_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = '12345678"\\'
    monkeypatch.setenv("TOY_API_KEY", secret)
    monkeypatch.setenv("TOY_TOKEN", "12345678")
    _secrets.cache_clear()
    facts: dict[str, JSON] = {"log": [f"sent {secret}", "https://user:pass@host/x"], "next": "a@b", "value": 0.12345678}
    assert unpack(pack(facts)) == {"log": ["sent [TOY_API_KEY]", "https://host/x"], "next": "a@b", "value": 0.12345678}
    _secrets.cache_clear()
    assert unpack(pack({"much": "x" * LIMIT})) == {"too_large": LIMIT + len('{"much":""}')}
    for wrong in (float("nan"), np.float32(1), object()):
        with pytest.raises((TypeError, ValueError)):
            pack({"value": wrong})  # type: ignore[dict-item]


def test_a_ledger_of_an_older_avbench_is_brought_up_to_date(tmp_path: Path) -> None:
    filled(tmp_path, "p").close()
    with sqlite3.connect(tmp_path / "scores.sqlite") as db:
        db.executescript("DROP TABLE details; DROP TABLE materials; DROP TABLE set_scores; PRAGMA user_version = 1")
    db.close()
    assert len(load_scores(tmp_path)) == 2 and not list(load_details(tmp_path))  # reading changes nothing
    with Ledger(tmp_path) as ledger:
        assert len(list(ledger.rows())) == 2
        (entry,) = ledger.entries("model", "s")
        ledger.put_scores(entry.id, {"m": ("key", [Score("a", "signal", 1.0, detail={"x": 1})])})
    assert [detail.facts for detail in load_details(tmp_path)] == [{"x": 1}]


def test_clips_are_read_by_the_page_as_they_are_when_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avbench.ledger._PAGE", 2)
    names = [f"p{number}" for number in range(5)]
    with filled(tmp_path, *names) as ledger:
        ids = ledger.ids("model", "s")
        assert [entry.clip.prompt.id for entry in ledger.each(ids[::-1])] == names[::-1]
        reading = ledger.each(ids)
        assert next(reading).state == DONE
        ledger.reset(ids[1:3])  # of the page in memory, and of one that is not
        ledger.forget(ids[3:4])
        assert [(entry.clip.prompt.id, entry.state) for entry in reading] == [
            ("p1", DONE),
            ("p2", "asked"),
            ("p4", DONE),
        ]


def test_reset_and_forget(tmp_path: Path) -> None:
    with filled(tmp_path, "p", "q") as ledger:
        first, second = ledger.entries("model", "s")
        ledger.reset([first.id])
        assert [entry.state for entry in ledger.entries("model", "s")] == ["asked", DONE] and not list(ledger.rows())
        ledger.forget([second.id])
    assert [clip.prompt.id for clip in load_clips(tmp_path)] == ["p"]
    assert [prompt.id for prompt in load_prompts(tmp_path)] == ["p"]


def test_one_writer_and_any_reader(tmp_path: Path) -> None:
    with filled(tmp_path, "p"):
        with pytest.raises(UsageError, match="another run"):
            Ledger(tmp_path)
        assert len(load_scores(tmp_path)) == 2
    Ledger(tmp_path).close()


def test_fresh_deletes_only_what_a_run_has_made(tmp_path: Path) -> None:
    filled(tmp_path, "p").close()
    (tmp_path / "clips").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    with Ledger(tmp_path, fresh=True) as ledger:
        assert ledger.entries("model", "s") == []
    assert not (tmp_path / "clips").exists() and (tmp_path / "notes.txt").exists()
    (tmp_path / "other" / "clips").mkdir(parents=True)
    Ledger(tmp_path / "other", fresh=True).close()
    assert (tmp_path / "other" / "clips").exists()  # it was no run directory


def test_strangers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run directory"):
        load_scores(tmp_path)
    (tmp_path / "scores.sqlite").write_text("no database at all, but long enough to be taken for one" * 20)
    for attempt in (Ledger, load_scores, load_prompts):
        with pytest.raises(UsageError, match="not a database"):
            attempt(tmp_path)
    Ledger(tmp_path, fresh=True).close()
    with sqlite3.connect(tmp_path / "scores.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(UsageError, match="another version of avbench"):
        Ledger(tmp_path)


def test_a_fault_at_any_statement_leaves_a_whole_ledger(tmp_path: Path) -> None:
    """Each transaction is made to fail at its n-th statement, for every n: all of it is done, or none of it."""
    failed = 0
    for n in range(1, 60):
        run = tmp_path / str(n)
        with filled(run, "p", "q") as ledger:
            before = snapshot(ledger)
            entry = ledger.entries("model", "s")[1]
            ledger._db = Faulty(ledger._db, n)  # type: ignore[assignment]
            seen = [before]
            try:
                for step in changes(ledger, entry):
                    step()
                    seen.append(snapshot(ledger))
            except sqlite3.OperationalError:
                failed += 1
            ledger._db = ledger._db.real  # type: ignore[attr-defined]
            assert snapshot(ledger) == seen[-1]
    assert failed > 10


def changes(ledger: Ledger, entry: Entry) -> list[Callable[[], None]]:
    scores = [Score("a", "signal", 1.0, detail={"x": 1}), Score("b", "signal", 2.0)]
    return [
        lambda: ledger.put_clip(entry.id, identify(entry.clip.path), "new"),
        lambda: ledger.put_scores(entry.id, {"m": ("key", scores)}, left={"m": Left(b"x")}),
        lambda: ledger.put_set_scores("m", "key", "model", "s", "", [SetScore("c", "signal", 1.0, n=1)]),
        lambda: ledger.put_failure(entry.id, "crash"),
    ]


class Faulty:
    """A connection whose n-th change finds the disk full."""

    def __init__(self, real: sqlite3.Connection, n: int) -> None:
        self.real, self.left = real, n

    def _count(self, statement: str) -> None:
        if not statement.startswith("SELECT"):
            self.left -= 1
        if self.left == 0:
            raise sqlite3.OperationalError("database or disk is full")

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        self._count(statement)
        return self.real.execute(statement, *values)

    def executemany(self, statement: str, *values: Any) -> sqlite3.Cursor:
        self._count(statement)
        return self.real.executemany(statement, *values)

    def __enter__(self) -> sqlite3.Connection:
        return self.real.__enter__()

    def __exit__(self, *error: Any) -> bool:
        return self.real.__exit__(*error)


def snapshot(ledger: Ledger) -> str:
    real = getattr(ledger._db, "real", ledger._db)
    tables = ("clips", "evaluations", "scores", "details", "materials", "set_scores", "counters")
    return repr([real.execute(f"SELECT * FROM {table}").fetchall() for table in tables])
