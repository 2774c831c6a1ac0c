"""Runs to one table of scores: what a report and a gate read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from avbench.errors import UsageError
from avbench.leaderboard import Measure
from avbench.records import Column, Direction, Prompt, SpeechLine


@dataclass(frozen=True, slots=True)
class Results:
    """The scores of one or several runs (see `build` for the columns), their measures and their prompts."""

    scores: pd.DataFrame
    measures: tuple[Measure, ...]
    prompts: tuple[Prompt, ...]


def latest_run(root: Path = Path("runs")) -> Path:
    """The run under `root` that was written last. Raises UsageError when there is none."""
    runs = [path.parent for path in root.glob("*/run.json")]
    if not runs:
        raise UsageError(f"no run under {root}/: name a run's folder, or make one with `avbench run`")
    return max(runs, key=lambda run: (run / "run.json").stat().st_mtime)


def read(runs: Sequence[Path]) -> Results:
    """All scores of `runs`. Scores of different runs are never averaged together.

    Where two runs hold the same model on the same suite, the model's name gets the run's folder behind it, so that each
    run keeps its own row. Raises UsageError for a folder that is no run, and for runs that cannot be compared: the
    same suite with other prompts, or the same measure with another protocol version.
    """
    folders = list(dict.fromkeys(run.resolve() for run in runs))
    names = _names(folders)
    infos = [_info(folder) for folder in folders]
    suites: dict[str, tuple[str, str]] = {}
    measures: dict[tuple[str, str], tuple[Measure, str]] = {}
    for name, info in zip(names, infos, strict=True):
        for suite, digest in _digests(info).items():
            digest_before, run_before = suites.setdefault(suite, (digest, name))
            if digest_before != digest:
                raise UsageError(
                    f"runs {run_before} and {name} used different prompts of suite {suite!r} "
                    f"(digests {digest_before[:12]} and {digest[:12]}): report them one by one"
                )
        for measure in _measures(info):
            key = measure.column.name, measure.backend
            before, run_before = measures.setdefault(key, (measure, name))
            if before.version != measure.version:
                raise UsageError(
                    f"runs {run_before} and {name} scored {key[0]} ({key[1]}) by protocol versions "
                    f"{before.version} and {measure.version}: score one of them anew, or report them one by one"
                )
    tables = [_scores(folder) for folder in folders]
    return Results(
        scores=_combined(tables, names),
        measures=tuple(measure for measure, _ in measures.values()),
        prompts=tuple({(p.suite, p.id): p for folder in folders for p in _prompts(folder)}.values()),
    )


def _combined(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    if len(tables) == 1:
        return tables[0]
    rows = [set(table[["model", "suite"]].drop_duplicates().itertuples(index=False, name=None)) for table in tables]
    shared = {model for (model, _), n in Counter(row for run in rows for row in run).items() if n > 1}
    labelled = [
        table.assign(
            model=table["model"].map({m: f"{m} @ {name}" if m in shared else m for m in table["model"].unique()})
        )
        for table, name in zip(tables, names, strict=True)
    ]
    return pd.concat(labelled, ignore_index=True)


def _names(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell the runs apart."""
    for depth in range(1, max((len(folder.parts) for folder in folders), default=1)):
        names = [str(Path(*folder.parts[-depth:])) for folder in folders]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


# The layout of a run folder, in one place.


def _info(run: Path) -> dict[str, Any]:
    path = run / "run.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{run} is no run: it has no run.json") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    if not isinstance(info, dict) or "columns" not in info:
        raise UsageError(f"{path} has no field `columns`; score the clips again with `avbench score`")
    return info


def _scores(run: Path) -> pd.DataFrame:
    path = run / "scores.parquet"
    if not path.is_file():
        raise UsageError(f"{run} has no scores.parquet; run the same `avbench run` again to finish it")
    return pd.read_parquet(path)


def _digests(info: dict[str, Any]) -> dict[str, str]:
    return {name: suite["digest"] for name, suite in info.get("suites", {}).items()}


def _measures(info: dict[str, Any]) -> list[Measure]:
    fields = Column.__dataclass_fields__.keys()
    return [
        Measure(
            Column(**{**{f: row[f] for f in fields if f in row}, "direction": Direction(row["direction"])}),
            row["backend"],
            row["version"],
        )
        for row in info["columns"]
    ]


def _prompts(run: Path) -> list[Prompt]:
    path = run / "prompts.jsonl"
    if not path.is_file():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Prompt(
            id=row["id"],
            suite=row["suite"],
            speech=tuple(SpeechLine(line["text"], line["language"]) for line in row.get("speech", ())),
            tags=tuple(row.get("tags", ())),
        )
        for row in rows
    ]
