"""The first page: verdict, leaderboard, prompts, distributions, and where it all comes from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from avbench.evidence import Evidence
from avbench.leaderboard import Measure
from avbench.records import Direction, Prompt
from avbench.results import Run

from .board import Distribution, Model, Section, distributions, sections
from .prompt import PromptPage
from .scores import Label, Value
from .slots import Slots


@dataclass(frozen=True, slots=True)
class PromptRow:
    """A prompt in the table: `text` is what is searched, `flags` count guards, `missing` scores that ought to be."""

    prompt: Prompt
    page: str
    poster: str
    text: str
    languages: str
    flags: int
    missing: int
    failed: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of one model's clips and of the scores asked of them."""

    model: Model
    made: int
    asked: int
    failed: int
    statuses: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Source:
    """A run as a page names it: the facts worth a line, and run.json as it is."""

    name: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What stands below the leaderboard in words, and the papers' tables with theirs (`reports/_grid.py`)."""

    notes: tuple[str, ...]
    published: tuple[Any, ...]
    published_notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexPage:
    models: tuple[Model, ...]
    sections: tuple[Section, ...]
    told: Told
    coverage: tuple[Coverage, ...]
    rows: tuple[PromptRow, ...]
    suites: tuple[str, ...]
    tags: tuple[tuple[str, int], ...]
    first: Label
    measures: tuple[Label, ...]
    data: str
    distributions: tuple[Distribution, ...]
    slots: Slots
    sources: tuple[Source, ...]


def index_page(
    evidence: Evidence,
    models: Mapping[str, Model],
    measures: Sequence[Measure],
    pages: Sequence[tuple[PromptPage, str, str]],
    slots: Slots,
    told: Told,
) -> IndexPage:
    """Put the first page together; `pages` are each prompt's page, its address and its picture's."""
    board, scores = evidence.board, evidence.results.scores
    known = dict(models)
    labels = tuple(map(Label.of, measures))
    means = [_means(page, known) for page, *_ in pages]
    first = _telling(evidence.board.measures, means)
    tags = Counter(tag for page, *_ in pages for tag in dict.fromkeys(page.prompt.tags))
    return IndexPage(
        models=tuple(models.values()),
        sections=tuple(sections(board, known, scores)),
        told=told,
        coverage=tuple(_coverage(evidence, model) for model in models.values()),
        rows=tuple(
            _prompt_row(page, address, poster, of.get(first, {}), first, models)
            for (page, address, poster), of in zip(pages, means, strict=True)
        ),
        suites=tuple(dict.fromkeys(page.prompt.suite for page, *_ in pages)),
        tags=tuple(sorted(tags.items())),
        first=first,
        measures=labels,
        data=_data(labels, models, means),
        distributions=tuple(distributions(board, known, scores)),
        slots=slots,
        sources=tuple(map(_source, evidence.results.runs)),
    )


def _means(page: PromptPage, models: Mapping[str, Model]) -> dict[Label, dict[str, float | str]]:
    """The mean over seeds of each measure and model, or the letter of the first reason why there is none."""
    found: dict[Label, dict[str, float | str]] = {}
    for row in (*page.rows, *page.guards):
        of: dict[str, list[Value]] = {}
        for player, (value, *_) in zip(page.players, row.values, strict=True):
            if value is not None:
                of.setdefault(player.model.name, []).append(value)
        found[row.label] = {model: _mean(values, row.label.decimals) for model, values in of.items()}
    return found


def _telling(measures: Sequence[Measure], means: Sequence[Mapping[Label, Mapping[str, float | str]]]) -> Label:
    """The first measure with a better and a worse that does not say the same of all clips; else the first at all."""
    for measure in measures:
        label = Label.of(measure)
        said = {value for of in means for value in of.get(label, {}).values() if isinstance(value, float)}
        if measure.column.direction is not Direction.NONE and len(said) > 1:
            return label
    return Label.of(measures[0])


def _mean(values: Sequence[Value], decimals: int) -> float | str:
    numbers = [value.number for value in values if value.number is not None]
    return round(sum(numbers) / len(numbers), decimals + 1) if numbers else values[0].letter


def _data(
    labels: Sequence[Label], models: Mapping[str, Model], means: Sequence[Mapping[Label, Mapping[str, float | str]]]
) -> str:
    """What the script sorts by, as JSON that can end no script element."""
    data = {
        "measures": [asdict(label) for label in labels],
        "models": list(models),
        "values": [[[of.get(label, {}).get(m) for m in models] for of in means] for label in labels],
    }
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _prompt_row(
    page: PromptPage,
    address: str,
    poster: str,
    values: Mapping[str, float | str],
    label: Label,
    models: Mapping[str, Model],
) -> PromptRow:
    prompt = page.prompt
    said = [line.text for line in prompt.speech]
    words = {"n": "not applicable", "u": "unscored", "f": "failed", "": ""}
    shown = (values.get(model, "") for model in models)
    found = [value for row in (*page.rows, *page.guards) for value, *_ in row.values if value is not None]
    return PromptRow(
        prompt=prompt,
        page=address,
        poster=poster,
        text=" ".join([prompt.id, prompt.suite, *said, prompt.video_caption, prompt.audio_caption, *prompt.tags]),
        languages=" ".join(dict.fromkeys(line.language for line in prompt.speech)),
        flags=sum(len(player.flags) for player in page.players),
        missing=sum(value.letter in ("u", "f") for value in found),
        failed=sum(not player.source for player in page.players),
        values=tuple(words[v] if isinstance(v, str) else label.shown(v) for v in shown),
    )


def _coverage(evidence: Evidence, model: Model) -> Coverage:
    entries = [exhibit.entry for exhibit in evidence.exhibits if exhibit.model == model.name]
    scores = evidence.results.scores
    counts = scores.loc[scores["model"] == model.name, "status"].value_counts()
    return Coverage(
        model,
        made=sum(entry.state == "done" for entry in entries),
        asked=len(entries),
        failed=sum(entry.state == "failed" for entry in entries),
        statuses={str(status): int(count) for status, count in counts.items()},
    )


def _source(run: Run) -> Source:
    info = run.info
    git, hardware = (_mapping(info.get(name)) for name in ("git", "hardware"))
    commit = str(git.get("commit", ""))[:12] + (" with changes" if git.get("dirty") else "")
    gpus = hardware.get("gpus") or []
    facts = {
        "state": info.get("state"),
        "command": " ".join(map(str, info.get("command", []))),
        "started": info.get("started"),
        "finished": info.get("finished"),
        "avbench": " ".join(filter(None, [str(info.get("avbench", "")), f"commit {commit}" if commit else ""])),
        "python": info.get("python"),
        "platform": info.get("platform"),
        "hardware": ", ".join(
            filter(None, [str(hardware.get("cpu", "")), f"{hardware.get('cores', '?')} cores", *map(str, gpus)])
        ),
        "suites": "; ".join(
            f"{name} version {suite.get('version')} ({str(suite.get('digest', ''))[:12]})"
            for name, suite in _mapping(info.get("suites")).items()
        ),
    }
    for name, model in _mapping(info.get("models")).items():
        facts[f"model {name}"] = _told(_mapping(model))
    return Source(run.name, tuple((name, str(value)) for name, value in facts.items() if value))


def _told(model: Mapping[str, Any]) -> str:
    """A model's record in words: its version, its settings, and how it was run."""
    flat = {"version": model.get("version"), **_mapping(model.get("settings")), **model}
    flat.pop("settings", None)
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in flat.items()
        if value is not None
    )


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
