"""Runs to one table of scores: what a report and a gate read."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from avbench.errors import UsageError
from avbench.identity import unlike
from avbench.leaderboard import Measure
from avbench.lock import held
from avbench.records import Column, Direction, Prompt
from avbench.store import is_run, load_prompts, load_scores, load_set_scores, load_weights

WHOSE = ["model", "suite"]


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was read: its folder, the shortest name that tells it from the others, and its run.json.

    `labels` are its models' names in the scores that the runs make together.
    """

    folder: Path
    name: str
    info: Mapping[str, Any]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """The scores of one or several runs (`leaderboard.build` names the columns) and what they measure.

    `sets` are the statistics of sets (`store.SET_COLUMNS`). `runs` are what was read, `notes` say which of them are not
    finished.
    """

    scores: pd.DataFrame
    sets: pd.DataFrame
    measures: tuple[Measure, ...]
    notes: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()


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
    same suite with other prompts, or the same measure with another protocol version or other weights.
    """
    folders = list(dict.fromkeys(run.resolve() for run in runs))
    infos = dict(zip(_names(folders), map(run_info, folders), strict=True))
    _refuse_other_prompts(infos)
    _refuse_other_weights(dict(zip(infos, map(weights_of, folders, infos.values()), strict=True)))
    tables, sets = [load_scores(folder) for folder in folders], [load_set_scores(folder) for folder in folders]
    labels = _labels([pd.concat([t[WHOSE], s[WHOSE]]) for t, s in zip(tables, sets, strict=True)], list(infos))
    return Results(
        scores=_combined(tables, labels),
        sets=_combined(sets, labels),
        measures=_common_measures(infos),
        notes=tuple(
            f"{name}: this run is {info['state']}; the numbers are of what was scored so far"
            for name, info in infos.items()
            if info.get("state", "done") != "done"
        ),
        runs=tuple(map(Run, folders, infos, infos.values(), labels)),
    )


def read_prompts(runs: Sequence[Path]) -> list[Prompt]:
    """The prompts of all runs, each once. Raises UsageError for a folder that is no run."""
    return list({(prompt.suite, prompt.id): prompt for run in runs for prompt in load_prompts(run)}.values())


def _labels(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> list[dict[str, str]]:
    """What each run's models are called: a model that two runs hold on the same suite gets the run's name."""
    rows = [set(table[WHOSE].drop_duplicates().itertuples(index=False, name=None)) for table in tables]
    shared = {model for (model, _), n in Counter(row for run in rows for row in run).items() if n > 1}
    return [
        {m: f"{m} @ {name}" if m in shared else m for m in table["model"].unique()}
        for table, name in zip(tables, names, strict=True)
    ]


def _combined(tables: Sequence[pd.DataFrame], labels: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    if len(tables) == 1:
        return tables[0]
    labelled = [t.assign(model=t["model"].map(names)) for t, names in zip(tables, labels, strict=True)]
    return pd.concat(labelled, ignore_index=True)


def _names(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell the runs apart."""
    for depth in range(1, max((len(folder.parts) for folder in folders), default=1)):
        names = [str(Path(*folder.parts[-depth:])) for folder in folders]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def run_info(run: Path) -> dict[str, Any]:
    """The run.json of a run that got as far as knowing its columns. Raises UsageError."""
    path = run / "run.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{run} is no run: it has no run.json") from None
    except NotADirectoryError:
        raise UsageError(f"{run} is a file and no run: name the folder that `avbench run` wrote") from None
    except (ValueError, OSError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not isinstance(info, dict) or "columns" not in info:
        raise UsageError(
            f"{path} does not name its columns: the run was cut off; give the same command again to finish it"
        )
    if info.get("state") == "running" and not held(run):
        info["state"] = "killed"  # it could not say so itself
    return info


def weights_of(run: Path, info: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """The digests of the weights behind each (column, backend) of a run, as far as they are known; `info` is run.json.

    A folder without a ledger, such as a job's artifact, has them in run.json.
    """
    known = load_weights(run) if is_run(run) else info.get("scored_with", {})
    parts = ((column["name"], column["backend"], column.get("part", "")) for column in info["columns"])
    return {(name, backend): known[part] for name, backend, part in parts if part in known}


def _refuse_other_prompts(infos: Mapping[str, dict[str, Any]]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for run, info in infos.items():
        for suite, fact in info.get("suites", {}).items():
            digest, first = seen.setdefault(suite, (fact["digest"], run))
            if digest != fact["digest"]:
                raise UsageError(
                    f"runs {first} and {run} used different prompts of suite {suite!r} "
                    f"(digests {digest[:12]} and {fact['digest'][:12]}): report them one by one"
                )


def _refuse_other_weights(runs: Mapping[str, Mapping[tuple[str, str], str]]) -> None:
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for run, weights in runs.items():
        for key, files in weights.items():
            known, first = seen.setdefault(key, (files, run))
            if differing := unlike(known, files):
                raise UsageError(
                    f"runs {first} and {run} scored {key[0]} ({key[1]}) with other weights "
                    f"(digests {' and '.join(differing)}): score one of them anew, or report them one by one"
                )


def _common_measures(infos: Mapping[str, dict[str, Any]]) -> tuple[Measure, ...]:
    seen: dict[tuple[str, str], tuple[Measure, str]] = {}
    for run, info in infos.items():
        for measure in map(measure_of, info["columns"]):
            name, backend = measure.column.name, measure.backend
            known, first = seen.setdefault((name, backend), (measure, run))
            if known.version != measure.version:
                raise UsageError(
                    f"runs {first} and {run} scored {name} ({backend}) by protocol versions {known.version} and "
                    f"{measure.version}: score one of them anew, or report them one by one"
                )
    return tuple(measure for measure, _ in seen.values())


def measure_of(row: Mapping[str, Any]) -> Measure:
    """The measure that a row of run.json's `columns` describes."""
    fields = {field.name: row[field.name] for field in dataclasses.fields(Column) if field.name in row}
    column = Column(**fields | {"direction": Direction(row["direction"])})
    return Measure(column, row["backend"], row["version"], row.get("of_set", False))
