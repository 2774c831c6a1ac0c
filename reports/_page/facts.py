"""The facts behind scores, by their shape: transcripts compared word by word, lip-sync curves, speech segments.

Which metric wrote them does not matter; what has none of these shapes is shown as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from avbench.records import Detail

FPS = 25  # of lip-sync windows and tracks
LONGEST = 4000  # characters of facts that are shown as they are
TOKENS = 1500  # of a transcript that are compared; difflib takes quadratic time


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a comparison: `same`, `missing` (asked, not heard) or `extra` (heard, not asked)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was asked against what was heard, as the text handling of one metric (or of several) reads them."""

    metric: str
    handling: str
    pieces: tuple[Piece, ...]

    def with_other(self, other: Transcript) -> Transcript:
        """The same comparison, said of both."""
        return Transcript(f"{self.metric}, {other.metric}", f"{self.handling}, {other.handling}", self.pieces)


@dataclass(frozen=True, slots=True)
class SyncTrack:
    """One face's lip sync: mean distance by offset in frames, and the distance of each window by seconds."""

    offsets: tuple[float, ...]
    curve: tuple[float, ...]
    offset: float
    times: tuple[float, ...]
    distances: tuple[float, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts about one clip."""

    transcripts: tuple[Transcript, ...] = ()
    tracks: tuple[SyncTrack, ...] = ()
    segments: tuple[tuple[float, float], ...] = ()
    heard: str = ""
    rest: tuple[tuple[str, str], ...] = ()


def sort_out(details: Iterable[Detail]) -> Facts:
    """Sort the facts of one clip by their shape."""
    transcripts: list[Transcript] = []
    tracks: list[SyncTrack] = []
    segments: list[tuple[float, float]] = []
    rest: list[tuple[str, str]] = []
    heard = ""
    for detail in details:
        facts = dict(detail.facts)
        where = f"{detail.metric} [{detail.backend}]"
        if isinstance(facts.get("heard"), str):
            heard = heard or str(facts["heard"])
        if isinstance(facts.get("reference"), str) and isinstance(facts.get("hypothesis"), str):
            pieces = compare(str(facts.pop("reference")), str(facts.pop("hypothesis")))
            transcript = Transcript(where, str(facts.pop("text_handling", "")), pieces)
            if transcripts and transcripts[-1].pieces == pieces:  # words and characters of one text
                transcript = transcripts.pop().with_other(transcript)
            transcripts.append(transcript)
        tracks += [track for track in map(_track, _list(facts.get("tracks"))) if track]
        if spans := [span for span in map(_span, _list(facts.get("segments"))) if span]:
            segments = segments or spans
        if text := _shown(facts):
            rest.append((where, text))
    return Facts(tuple(transcripts), tuple(tracks), tuple(segments), heard, tuple(rest))


def compare(reference: str, hypothesis: str) -> tuple[Piece, ...]:
    """Word by word; letter by letter where a text has no spaces to speak of (Chinese)."""
    letters = " " not in reference.strip() and len(reference) > 1 and not reference.isascii()
    asked, said = (list(t) if letters else t.split() for t in (reference, hypothesis))
    glue = "" if letters else " "
    asked, said = asked[:TOKENS], said[:TOKENS]
    pieces: list[Piece] = []
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, asked, said, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", glue.join(asked[a0:a1])))
            continue
        pieces += [Piece("missing", glue.join(asked[a0:a1]))] * (a1 > a0)
        pieces += [Piece("extra", glue.join(said[b0:b1]))] * (b1 > b0)
    return tuple(pieces)


def cues(lines: Sequence[str], spans: Sequence[tuple[float, float]], seconds: float) -> list[tuple[float, float, str]]:
    """When each line is shown: the time from the first to the last span (else all), shared by the lines' lengths."""
    start, end = (spans[0][0], spans[-1][1]) if spans else (0.0, seconds)
    total = sum(map(len, lines)) or 1
    edges = [start]
    for line in lines:
        edges.append(edges[-1] + (end - start) * len(line) / total)
    return [(a, b, line) for (a, b), line in zip(pairwise(edges), lines, strict=True)]


def webvtt(shown: Iterable[tuple[float, float, str]]) -> str:
    """WebVTT captions; the text can neither end a cue nor open a tag."""
    blocks = []
    for start, end, text in shown:
        safe = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
        blocks.append(f"{_stamp(start)} --> {_stamp(end)}\n{safe}\n")
    return "WEBVTT\n\n" + "\n".join(blocks)


def _stamp(seconds: float) -> str:
    millis = round(seconds * 1000)
    return f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02}.{millis % 1000:03}"


def _track(found: object) -> SyncTrack | None:
    if not isinstance(found, Mapping):
        return None
    curve, distances = (_numbers(found.get(name)) for name in ("curve", "distances"))
    if not curve or not isinstance(found.get("offset"), int | float):
        return None
    reach = len(curve) // 2
    start = float(found.get("start", 0)) / FPS
    named = ("offset", "distance", "confidence", "windows", "detections")
    text = ", ".join(f"{name} {found[name]:.4g}" for name in named if isinstance(found.get(name), int | float))
    return SyncTrack(
        offsets=tuple(float(reach - i) for i in range(len(curve))),
        curve=curve,
        offset=float(found["offset"]),
        times=tuple(start + i / FPS for i in range(len(distances))),
        distances=distances,
        text=text,
    )


def _span(found: object) -> tuple[float, float] | None:
    numbers = _numbers(found)
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _numbers(found: object) -> tuple[float, ...]:
    items = _list(found)
    return tuple(float(item) for item in items if isinstance(item, int | float)) if items else ()


def _list(found: object) -> list[object]:
    return list(found) if isinstance(found, list | tuple) else []


def _shown(facts: Mapping[str, object]) -> str:
    """What has no picture of its own, as JSON; long lists are cut."""
    plain = {key: value for key, value in facts.items() if key not in ("tracks", "segments")}
    text = json.dumps(plain, ensure_ascii=False, indent=1) if plain else ""
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"
