"""How espeak-ng says a text, as phonemes: asked of the library itself, without a sound."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from avbench.errors import UsageError
from avbench.world import speech

TONES = {"55": 1, "35": 2, "214": 3, "51": 4, "11": 5}
_speaking: dict[str, str] = {}  # the library keeps its voice; to set it anew takes longer than to ask
_STRESS = "',%="
_TONE = re.compile(rf"({'|'.join(TONES)})$")


@dataclass(frozen=True, slots=True)
class Said:
    """A word, or a few that are said as one: its phonemes, and the tone (0: none) of the syllable that each is in."""

    phones: tuple[str, ...]
    tones: tuple[int, ...]

    @classmethod
    def together(cls, parts: Iterable[Said]) -> Said:
        """Said without a pause."""
        parts = tuple(parts)
        return cls(tuple(p for part in parts for p in part.phones), tuple(t for part in parts for t in part.tones))


def phonemes(text: str, voice: str) -> list[Said]:
    """The words of a text as `voice` of espeak-ng says them in this context, without stress."""
    library = _library()
    if _speaking.get("voice") != voice:
        library.espeak_SetVoiceByName(voice.encode())
        _speaking["voice"] = voice
    rest, clauses = ctypes.c_char_p(text.encode()), []
    while rest.value is not None:
        clauses.append(library.espeak_TextToPhonemes(ctypes.byref(rest), 1, ord("_") << 8).decode())
    return [said for clause in clauses for group in clause.split() if (said := _said(group, voice)).phones]


def _said(group: str, voice: str) -> Said:
    phones, tone = [], 0
    for piece in group.replace("|", "").split("_"):
        symbol = piece.lstrip(_STRESS)
        if voice == "cmn" and (match := _TONE.search(symbol)):
            tone, symbol = TONES[match.group()], symbol[: match.start()]
        if symbol and not symbol.startswith("("):
            phones.append(symbol)
    return Said(tuple(phones), (tone,) * len(phones))


@cache
def _library() -> ctypes.CDLL:
    found = speech.library()
    if found is None:
        raise UsageError("the recogniser trains on the voices of espeak-ng: pip install 'avbench[world]'")
    library = ctypes.CDLL(found[0])
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    if library.espeak_Initialize(2, 0, found[1].encode() or None, 1) <= 0:
        raise UsageError(f"espeak-ng {found[0]} cannot be started; install it anew")
    return library
