"""The nouns of avbench: frozen records that every part reads and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # the records are listed and printed without loading numpy
    import numpy as np
    from numpy.typing import NDArray

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


@dataclass(frozen=True, slots=True)
class SpeechLine:
    """One line of a transcript: who says what in which language (ISO 639-1, `en` or `zh`)."""

    text: str
    language: str = "en"
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One test item. The three texts stay separate; each adapter renders them into its model's own grammar.

    `seconds` is the length asked for. `tags` are `key:value` words (`event:bell`, `difficulty:easy`).
    Reference files are absolute paths.
    """

    id: str
    suite: str = ""
    video_caption: str = ""
    audio_caption: str = ""
    speech: tuple[SpeechLine, ...] = ()
    reference_image: Path | None = None
    reference_audio: Path | None = None
    reference_video: Path | None = None
    seconds: float = 4.04
    off_screen: bool = False
    tags: tuple[str, ...] = ()

    def tag(self, key: str) -> str | None:
        """The value of the first tag `key:value`, or None."""
        return next((tag[len(key) + 1 :] for tag in self.tags if tag.startswith(key + ":")), None)


@dataclass(frozen=True, slots=True)
class Suite:
    """A named, ordered, versioned set of prompts; `digest` is the SHA-256 of their canonical JSON."""

    name: str
    version: str
    digest: str
    prompts: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a generator makes: `frames` (T, H, W, 3) uint8 RGB at `fps`; `audio` (S,) or (S, C) float32 in [-1, 1].

    `audio` may be empty (shape (0,)): the clip is then written without an audio stream. `maps` are heat maps of the
    making, one a frame, (T, h, w) from 0 up over the whole picture, where diagnostics were asked for.
    """

    frames: NDArray[np.uint8]
    fps: Fraction
    audio: NDArray[np.float32]
    sample_rate: int
    maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Clip:
    """One media file and where it came from. `seed` is the seed index (0, 1, …), not the sampling seed."""

    path: Path
    prompt: Prompt
    model: str
    seed: int = 0


class Status(StrEnum):
    """What became of a score. Only `OK` carries a value; the others carry a reason and are counted."""

    OK = "ok"
    NOT_APPLICABLE = "not_applicable"
    UNSCORED = "unscored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Score:
    """One number about one clip, or the reason why there is none. `value` is None unless `status` is `ok`.

    `detail` holds the facts behind it (a transcript, the counts of edits, a curve) for whoever asks why. The ledger
    keeps it (`store.load_details`); scores.parquet does not.
    """

    metric: str
    backend: str
    value: float | None
    status: Status = Status.OK
    reason: str = ""
    detail: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class SetScore:
    """One number about a set of clips with its 95 % interval, or the reason why there is none.

    `n` is how many clips it rests on. `low` and `high` are None where no interval can be given.
    """

    metric: str
    backend: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    status: Status = Status.OK
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """The facts behind one score, and whose score it is."""

    model: str
    suite: str
    prompt_id: str
    seed: int
    metric: str
    backend: str
    facts: Mapping[str, JSON]


class Direction(StrEnum):
    """Which way is better. `ZERO` means the nearer to zero the better (signed offsets); `NONE` has no better."""

    UP = "up"
    DOWN = "down"
    ZERO = "zero"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Column:
    """One leaderboard column: what the number is, where it is defined, and how to read it."""

    name: str
    unit: str
    direction: Direction
    low: float
    high: float
    summary: str
    source: str
    guard: bool = False
    decimals: int = 3
