"""What a gate needs of a run: its scores and what they are scores of; also as a small file that lives in git."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from avbench import __version__
from avbench.errors import UsageError
from avbench.files import write_atomically
from avbench.leaderboard import Measure
from avbench.plan import fingerprint
from avbench.records import Prompt, Status
from avbench.results import measure_of, run_info, weights_of
from avbench.set_snapshot import SetSnapshot, of_file, of_run, to_file
from avbench.store import is_run, load_prompts, load_scores
from avbench.suites import prompt_to_json

SCHEMA = 1
DIGITS = 9  # what is kept of a number: more differs between machines and processors
LETTERS = {Status.NOT_APPLICABLE: "n", Status.UNSCORED: "u", Status.FAILED: "f"}
PROSE = ("summary", "source")  # of a column: says nothing that a gate asks
KEYS = ["model", "suite", "prompt_id", "seed"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The scores of a run and what makes them comparable.

    `scores` has the columns model, suite, prompt_id, seed, metric, backend, value, status. `measures` say what the
    columns are; `protocols` gives (metric, backend) a digest that changes when its numbers may, `weights` those of the
    files that made them where there are any and they are known; `suites` has the digests of the suites and `prompts`
    those of (suite, prompt id), empty where the run does not keep its prompts. `sets` is what clips left for statistics
    of sets, whose columns `protocols` and `weights` know as well.
    """

    name: str
    scores: pd.DataFrame
    measures: tuple[Measure, ...]
    protocols: Mapping[tuple[str, str], str]
    suites: Mapping[str, str]
    prompts: Mapping[tuple[str, str], str]
    state: str = "done"
    sets: SetSnapshot = field(default_factory=SetSnapshot)
    weights: Mapping[tuple[str, str], str] = field(default_factory=dict)


def read(path: Path) -> Snapshot:
    """The snapshot of a run's folder, or the one in a baseline file. Raises UsageError."""
    return _of_run(path) if path.is_dir() else _of_file(path)


def _of_run(folder: Path) -> Snapshot:
    info = run_info(folder)
    scores = load_scores(folder)[[*KEYS, "metric", "backend", "value", "status"]]
    value = scores["value"].to_numpy(np.float64, na_value=np.nan)
    keys = {name: str(fact.get("key", "")) for name, fact in info.get("metrics", {}).items()}
    there = set(scores[["metric", "backend"]].drop_duplicates().itertuples(index=False, name=None))
    columns = [c for c in info["columns"] if (c["name"], c["backend"]) in there]
    pooled = [c for c in info["columns"] if c.get("of_set")]
    return Snapshot(
        name=str(folder),
        scores=scores.assign(value=[_rounded(number) for number in value]),
        measures=tuple(map(measure_of, columns)),
        protocols={(c["name"], c["backend"]): keys.get(c.get("part", ""), "") for c in (*columns, *pooled)},
        suites={name: fact["digest"] for name, fact in info.get("suites", {}).items()},
        prompts={(p.suite, p.id): _digest(p) for p in load_prompts(folder)} if is_run(folder) else {},
        state=str(info.get("state", "done")),
        sets=of_run(folder, info),
        weights=weights_of(folder, info),
    )


def _digest(prompt: Prompt) -> str:
    """Of what is asked; references lie elsewhere on other machines."""
    return fingerprint(
        prompt_to_json(replace(prompt, reference_image=None, reference_audio=None, reference_video=None))
    )[:8]


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def save(snapshot: Snapshot, path: Path) -> None:
    """Write the snapshot as JSON with one line a clip, so that a change of a score is a change of a line."""
    keys = [(measure.column.name, measure.backend) for measure in snapshot.measures]
    place = {key: i for i, key in enumerate(keys)}
    clips: dict[tuple[Any, ...], list[float | str | None]] = {}
    for *clip, metric, backend, value, status in snapshot.scores.itertuples(index=False, name=None):
        cells = clips.setdefault(tuple(clip), [None] * len(keys))
        cells[place[metric, backend]] = LETTERS.get(status, value if np.isfinite(value) else "u")
    asked = {clip[1:3] for clip in clips}
    head: dict[str, object] = {
        "schema": SCHEMA,
        "made_by": f"avbench {__version__}",
        "suites": dict(snapshot.suites),
        "columns": [_described(snapshot, measure) for measure in snapshot.measures],
        "prompts": [[*key, digest] for key, digest in snapshot.prompts.items() if key in asked],
        "clips": [[*clip, *cells] for clip, cells in clips.items()],
    }
    if sets := snapshot.sets.measures:
        parts = snapshot.sets.parts
        head["set_columns"] = [_described(snapshot, m) | {"part": parts[m.column.name, m.backend]} for m in sets]
        head |= to_file(snapshot.sets, sorted({clip[:2] for clip in clips}))
    lines = [f"{json.dumps(key)}: {_lines(value)}" for key, value in head.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def _described(snapshot: Snapshot, measure: Measure) -> dict[str, Any]:
    """The measure as `measure_of` reads it, without prose, and the digests of its protocol and its weights."""
    key = measure.column.name, measure.backend
    return (
        {k: v for k, v in dataclasses.asdict(measure.column).items() if k not in PROSE}
        | {"backend": measure.backend, "version": measure.version}
        | ({"of_set": True} if measure.of_set else {})
        | {"protocol": snapshot.protocols[key]}
        | ({"weights": snapshot.weights[key]} if key in snapshot.weights else {})
    )


def _lines(value: object) -> str:
    if not isinstance(value, list):
        return _json(value)
    return "[\n" + ",\n".join(map(_json, value)) + "\n]"


def _json(value: object) -> str:
    if isinstance(value, dict):
        value = {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in value.items()}
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _of_file(path: Path) -> Snapshot:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}; name a run's folder or a file that `avbench gate --save` wrote"
        ) from None
    except ValueError as error:
        raise UsageError(
            f"{path}: not a baseline file ({error}); name a run's folder or a file that `avbench gate --save` wrote"
        ) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise UsageError(
            f"{path}: not a baseline file of schema {SCHEMA}; write it anew with `avbench gate RUN --save {path}`"
        )
    try:
        return _parsed(str(path), content)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(
            f"{path}: a damaged baseline file ({error!r}); write it anew with `avbench gate RUN --save`"
        ) from None


def _parsed(name: str, content: Mapping[str, Any]) -> Snapshot:
    measures = tuple(measure_of({**dict.fromkeys(PROSE, ""), **column}) for column in content["columns"])
    words = {letter: status.value for status, letter in LETTERS.items()}
    rows = []
    for model, suite, prompt, seed, *cells in content["clips"]:
        for measure, cell in zip(measures, cells, strict=True):
            if cell is not None:
                there = not isinstance(cell, str)
                value, status = (float(cell), Status.OK.value) if there else (np.nan, words[cell])
                rows.append((model, suite, prompt, int(seed), measure.column.name, measure.backend, value, status))
    described = [*content["columns"], *content.get("set_columns", ())]
    return Snapshot(
        name=name,
        scores=pd.DataFrame(rows, columns=[*KEYS, "metric", "backend", "value", "status"]),
        measures=measures,
        protocols={(c["name"], c["backend"]): c["protocol"] for c in described},
        suites=dict(content["suites"]),
        prompts={(suite, prompt): digest for suite, prompt, digest in content["prompts"]},
        sets=of_file(content),
        weights={(c["name"], c["backend"]): c["weights"] for c in described if "weights" in c},
    )
