"""The page of one prompt: every model's clip side by side, and all that is known of each."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avbench.evidence import Exhibit
from avbench.leaderboard import Measure
from avbench.records import Prompt

from .board import Model
from .facts import Facts, cues, webvtt
from .heat import Heat
from .look import Look
from .plots import Axis, Line, axis, line, wave
from .scores import Label, Scores, Value, badness

BROKEN = 1.0  # a guard's value when it strikes


@dataclass(frozen=True, slots=True)
class SyncPlot:
    """A face's SyncNet curves: mean distance by offset, and distance by time."""

    text: str
    across: Axis
    along: Axis
    curve: Line
    at: float
    windows: Line | None
    windows_along: Axis | None


@dataclass(frozen=True, slots=True)
class Player:
    """One clip as the page shows it. Without `source` there is none, and `reason` says why."""

    model: Model
    seed: int
    run: str
    source: str
    poster: str
    captions: str
    language: str
    look: Look
    reason: str
    notes: tuple[str, ...]
    flags: tuple[str, ...]
    wave: str
    facts: Facts
    syncs: tuple[SyncPlot, ...]
    settings: str
    heats: tuple[tuple[Heat, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One measure: a value a player; `best` marks the best of the page's clips of one seed."""

    label: Label
    values: tuple[tuple[Value | None, str, bool], ...]


@dataclass(frozen=True, slots=True)
class PromptPage:
    """All of a prompt's page. `seconds` is the longest clip: the time axis that players and waveforms share."""

    prompt: Prompt
    players: tuple[Player, ...]
    seeds: tuple[int, ...]
    rows: tuple[ScoreRow, ...]
    guards: tuple[ScoreRow, ...]
    seconds: float
    fps: float
    axis: Axis

    @property
    def struck(self) -> tuple[ScoreRow, ...]:
        """The guards that a clip sets off, or that could not be told."""
        return tuple(row for row in self.guards if any(text != "no" for value, text, _ in row.values if value))


def prompt_page(
    prompt: Prompt,
    players: Sequence[Player],
    measures: Sequence[Measure],
    scores: Scores,
) -> PromptPage:
    """Put the clips of one prompt together."""
    found = [dict(scores.of(key(player.model.name, prompt, player.seed))) for player in players]
    rows = [
        _row(place, measure, players, found)
        for place, measure in enumerate(measures)
        if any(place in of for of in found)
    ]
    seconds = max((player.look.seconds for player in players), default=0.0) or prompt.seconds
    return PromptPage(
        prompt=prompt,
        players=tuple(players),
        seeds=tuple(sorted({player.seed for player in players})),
        rows=tuple(row for row in rows if not row.label.guard),
        guards=tuple(row for row in rows if row.label.guard),
        seconds=round(seconds, 3),
        fps=max((player.look.fps for player in players), default=0.0) or 25.0,
        axis=Axis(0.0, seconds, _seconds(seconds)),
    )


def player(
    exhibit: Exhibit,
    model: Model,
    found: Look,
    facts: Facts,
    *,
    source: str,
    poster: str,
    seconds: float,
    flags: Sequence[str],
    heats: Sequence[tuple[Heat, str]] = (),
) -> Player:
    """One clip with its media's addresses; `seconds` is the page's time axis."""
    entry, prompt = exhibit.entry, exhibit.entry.clip.prompt
    settings = exhibit.run.info.get("models", {}).get(entry.clip.model, {})
    reason = entry.reason or ("" if source else "this clip was not made")
    return Player(
        model=model,
        seed=entry.clip.seed,
        run=exhibit.run.name,
        source=source,
        poster=poster,
        captions=_captions(prompt, facts, found),
        language=prompt.speech[0].language if prompt.speech else "en",
        look=found,
        reason="" if source else reason,
        notes=(*entry.notes, *([found.why] if found.why else [])),
        flags=tuple(flags),
        wave=wave(found, seconds),
        facts=facts,
        syncs=tuple(_sync(facts, i, seconds) for i in range(len(facts.tracks))),
        settings=json.dumps(settings, ensure_ascii=False, indent=1) if settings else "",
        heats=tuple(heats),
    )


def struck(of: Mapping[int, Value], measures: Sequence[Measure]) -> list[str]:
    """The names of the guards that a clip sets off."""
    return [m.column.name for i, m in enumerate(measures) if m.column.guard and i in of and of[i].number == BROKEN]


def key(model: str, prompt: Prompt, seed: int) -> tuple[str, str, str, int]:
    return model, prompt.suite, prompt.id, seed


def _row(place: int, measure: Measure, players: Sequence[Player], found: Sequence[Mapping[int, Value]]) -> ScoreRow:
    label = Label.of(measure)
    ranks: dict[int, list[float]] = {}
    for player, of in zip(players, found, strict=True):
        if (value := of.get(place)) and value.number is not None:
            rank = badness(round(value.number, label.decimals), measure.column.direction)
            ranks.setdefault(player.seed, []).extend([] if rank is None else [rank])
    values = []
    for player, of in zip(players, found, strict=True):
        value = of.get(place)
        text, best = "", False
        if value is not None and value.number is not None:
            text = ("yes" if value.number == BROKEN else "no") if label.guard else label.shown(value.number)
            rank = badness(round(value.number, label.decimals), measure.column.direction)
            rivals = ranks.get(player.seed, [])
            best = not label.guard and rank is not None and len(set(rivals)) > 1 and rank == min(rivals)
        values.append((value, text, best))
    return ScoreRow(label, tuple(values))


def _captions(prompt: Prompt, facts: Facts, found: Look) -> str:
    """The prompt's lines as WebVTT in a data: address, for a page from a disk may not load a caption file."""
    lines = [f"{line.speaker}: {line.text}" if line.speaker else line.text for line in prompt.speech]
    if not lines:
        return ""
    text = webvtt(cues(lines, facts.segments, found.seconds or prompt.seconds))
    return "data:text/vtt;base64," + base64.b64encode(text.encode("utf-8")).decode("ascii")


def _sync(facts: Facts, index: int, seconds: float) -> SyncPlot:
    track = facts.tracks[index]
    across = axis(track.offsets)
    along = axis(track.curve)
    of_windows = axis(track.distances) if track.distances else None
    return SyncPlot(
        text=track.text,
        across=across,
        along=along,
        curve=line("", across, along, track.offsets, track.curve),
        at=across.place(track.offset),
        windows=line("", Axis(0.0, seconds, ()), of_windows, track.times, track.distances) if of_windows else None,
        windows_along=of_windows,
    )


def _seconds(seconds: float) -> tuple[tuple[float, float], ...]:
    """Ticks at whole parts of the clip's length."""
    step = next(s for s in (0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300) if seconds / s <= 8 or s == 300)
    return tuple((round(100 * i * step / seconds, 2), i * step) for i in range(int(seconds / step) + 1))
