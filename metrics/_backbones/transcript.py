"""What a recogniser heard, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text, and how sure the recogniser is: of its worst window, or of the whole. They gate nothing.

    `no_speech_probability` is None where a recogniser has no such answer.
    """

    text: str
    language: str
    log_probability: float
    no_speech_probability: float | None = None


class Heard(Protocol):
    """A clip's sound, transcribed on demand."""

    def transcript(self, language: str) -> Transcript:
        """What is said in `language` (`en`, `zh` …). Raises Unscored without the recogniser's weights or packages."""
        ...
