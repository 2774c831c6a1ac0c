"""Speech with exact word and phoneme times: espeak-ng where there is one, else the built-in formant voice."""

from __future__ import annotations

import ctypes.util
import json
import logging
import re
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from avbench.world import espeak
from avbench.world.formant import speak_formant
from avbench.world.speakers import SPEAKERS, Speaker
from avbench.world.truth import Phone, Word

RATE = 16000
LOUDNESS = 0.085  # root mean square of the spoken part
TAIL = 0.12  # seconds of silence kept after the last word
CLOSURE = 0.07  # longest stop closure, seconds
STOPS = ("p", "b", "t", "d", "k", "g")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Utterance:
    """`audio` (S,) float32 at 16 kHz, the words and phonemes in it, and the `engine` that spoke."""

    audio: NDArray[np.float32]
    words: tuple[Word, ...]
    phones: tuple[Phone, ...]
    engine: str


@dataclass(frozen=True, slots=True)
class Raw:
    """What an engine says: samples at 16 kHz; `marks` (position in the text, second); `phones` back to back."""

    audio: NDArray[np.float32]
    marks: tuple[tuple[int, float], ...]
    phones: tuple[Phone, ...]


def say(text: str, language: str, speaker: Speaker, seed: int, seconds: float) -> Utterance:
    """`text` in `speaker`'s voice, exactly `seconds` long; spoken faster than usual where it would not fit.

    Words that do not fit even at the fastest rate are cut off and absent from `words`. The same arguments give the
    same samples. `language` is `en` or `zh`; without espeak-ng a crude formant voice speaks (`engine` says which).
    """
    rng = np.random.default_rng((seed, 0x5BEE))
    start = float(rng.uniform(0.12, 0.28))
    limit = max(0.5, seconds - start - TAIL)
    rate = int(speaker.rate * rng.uniform(0.94, 1.06))
    found = library()
    if found:
        raw, engine = _espeak(found, text, language, speaker, rate, limit), "espeak-ng"
    else:
        raw, engine = Raw(*speak_formant(text, language, speaker, rate, limit, seed)), "formant"
    total = round(seconds * RATE)
    offset = round(start * RATE)
    audio = np.zeros(total, np.float32)
    piece = raw.audio[: total - offset]
    audio[offset : offset + len(piece)] = piece
    if raw.phones and raw.phones[-1].end > seconds - start:  # cut off: fade so that the cut does not click
        audio[-320:] *= np.linspace(1, 0, 320, dtype=np.float32)
    spoken = audio[np.abs(audio) > 1e-3]
    if spoken.size:
        audio *= min(LOUDNESS / float(np.sqrt(np.mean(spoken**2))), 0.9 / float(np.abs(audio).max()))
    phones = tuple(Phone(p.symbol, p.start + start, min(p.end + start, seconds)) for p in raw.phones)
    phones = tuple(p for p in phones if p.start < seconds)
    marks = tuple((at, when + start) for at, when in raw.marks)
    return Utterance(audio, tuple(w for w in _words(text, marks, phones) if w.end <= seconds), phones, engine)


@cache
def library() -> tuple[str, str] | None:
    """Path of libespeak-ng and of its data (empty: its own default): the `world` extra's wheel, else the system's."""
    try:
        import espeakng_loader
    except ImportError:
        path = ctypes.util.find_library("espeak-ng")
        if path is None:
            log.warning(
                "no espeak-ng: English is spoken and read by the crude rules of a built-in formant voice "
                "(pip install 'avbench[world]')"
            )
            return None
        return path, ""
    return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())


def engine() -> str:
    """What speaks here, and says how English is read: `espeak-ng`, or the `formants` that stand in without it."""
    return "espeak-ng" if library() else "formants"


def phonemes(text: str) -> tuple[str, ...]:
    """How an American says English `text`: espeak-ng's mnemonics, and `_` for a pause between two of them.

    Without espeak-ng they are those of the formant voice.
    """
    found, speaker, limit = library(), SPEAKERS["ana"], float("inf")
    if found:
        raw = _espeak(found, text, "en", speaker, speaker.rate, limit)
    else:
        raw = Raw(*speak_formant(text, "en", speaker, speaker.rate, limit, seed=0))
    symbols = [phone.symbol for phone in raw.phones]
    while symbols and symbols[-1] == "_":
        symbols.pop()
    return tuple(symbols)


def utter(calls: Sequence[Mapping[str, object]]) -> list[Raw]:
    """What espeak-ng says to calls of `espeak.speak`, one after the other in one fresh process.

    The samples of an utterance depend on those before it. Raises RuntimeError when espeak-ng fails.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", espeak.__file__],
        input=json.dumps(calls, sort_keys=True).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"espeak-ng failed: {done.stderr.decode(errors='replace').strip()[-500:]}")
    said, at = [], 0
    while at < len(done.stdout):
        head, sound = struct.unpack_from("<II", done.stdout, at)
        begin = at + 8 + head
        said.append(_raw(json.loads(done.stdout[at + 8 : begin]), done.stdout[begin : begin + sound]))
        at = begin + sound
    return said


def _raw(head: Mapping[str, Any], sound: bytes) -> Raw:
    samples = np.frombuffer(sound, np.int16).astype(np.float32) / 32768
    hz = int(head["rate"])
    common = int(np.gcd(hz, RATE))
    audio = resample_poly(samples, RATE // common, hz // common).astype(np.float32)
    starts = [at / hz for _, at in head["words"]]
    return Raw(
        audio, tuple((p, at / hz) for p, at in head["words"]), _phones(head["phones"], hz, starts, len(samples) / hz)
    )


def tokens(text: str) -> list[tuple[int, str]]:
    """(position, word) of the words of a text without punctuation; each Chinese character is a word."""
    pattern = r"[一-鿿]|[^\W一-鿿_]+(?:['’\-.,:][^\W一-鿿_]+)*"
    return [(m.start(), m.group()) for m in re.finditer(pattern, text)]


def _espeak(found: tuple[str, str], text: str, language: str, speaker: Speaker, rate: int, limit: float) -> Raw:
    bases = (
        ["cmn", "zh"] if language == "zh" else {"en-gb": ["en-gb-x-rp", "en"], "en-us": ["en-us", "en"]}[speaker.accent]
    )
    call = {
        "library": found[0],
        "data": found[1],
        "voices": [f"{base}+{speaker.variant}" for base in bases] + bases,
        "pitch": speaker.pitch,
        "range": speaker.pitch_range,
        "rate": rate,
        "limit": limit,
        "text": text,
    }
    return utter([call])[0]


def _phones(events: list[tuple[str, int]], hz: int, starts: list[float], end: float) -> tuple[Phone, ...]:
    """Phonemes back to back. espeak-ng reports a stop at its burst: its silent closure is taken from what precedes."""
    marks = [(symbol, at / hz) for symbol, at in events if not (symbol.startswith("(") or symbol in ("_|", "_"))]
    times: list[float] = []
    for i, (symbol, at) in enumerate(marks):
        if symbol.lstrip("',%=").startswith(STOPS) and i:
            before = marks[i - 1][1]
            at = max([at - CLOSURE, before + 0.45 * (at - before), *(s for s in starts if before < s <= at)])
        times.append(at)
    return tuple(
        Phone("_" if symbol.startswith("_") else symbol.lstrip("',%="), start, stop)
        for (symbol, _), start, stop in zip(marks, times, [*times[1:], end], strict=True)
        if stop > start
    )


def _words(text: str, marks: tuple[tuple[int, float], ...], phones: tuple[Phone, ...]) -> tuple[Word, ...]:
    """One Word a token. espeak-ng may report several words in a token (numbers) or join tokens (`of the`)."""
    found = tokens(text)
    if not found or not phones:
        return ()
    last = max((p.end for p in phones if p.symbol != "_"), default=phones[-1].end)
    begins: list[float | None] = []
    for i, (at, _) in enumerate(found):
        until = found[i + 1][0] if i + 1 < len(found) else len(text) + 1
        begins.append(min((when for place, when in marks if at <= place < until), default=None))
    known = [i for i, b in enumerate(begins) if b is not None]
    if not known:
        return ()
    xs = [found[i][0] for i in known] + [len(text)]
    ys = [b for b in begins if b is not None] + [last]
    filled = np.interp([at for at, _ in found], xs, ys)
    words = []
    for i, (_, word) in enumerate(found):
        stop = float(filled[i + 1]) if i + 1 < len(found) else last
        inside = [p.end for p in phones if p.symbol != "_" and filled[i] - 1e-6 <= p.start < stop - 1e-6]
        words.append(Word(word, float(filled[i]), min(stop, max(inside, default=stop))))
    return tuple(words)
