"""The voice without espeak-ng: letters to phonemes by a few rules, phonemes to sound by three formants. Crude."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from avbench.world.speakers import Speaker
from avbench.world.truth import Phone

RATE = 16000
_VOWELS = {  # espeak mnemonic: formants in Hz (Peterson and Barney 1952)
    "a": (700, 1150, 2500), "E": (530, 1840, 2480), "I": (390, 1990, 2550), "i:": (280, 2250, 2890),
    "0": (730, 1090, 2440), "oU": (460, 850, 2400), "u:": (310, 870, 2250), "V": (640, 1190, 2390),
    "@": (500, 1400, 2400),
    "eI": (450, 2050, 2600), "aI": (640, 1500, 2500), "aU": (660, 1050, 2450), "O:": (570, 840, 2410),
    "y": (290, 1900, 2300),
}  # fmt: skip
_NOISES = {
    "s": 5200,
    "z": 5200,
    "S": 3000,
    "tS": 3000,
    "dZ": 3000,
    "f": 6000,
    "v": 6000,
    "T": 6000,
    "h": 1500,
    "x": 1800,
}
_LETTERS = (
    ("tion", "S @ n"), ("igh", "aI"), ("sh", "S"), ("ch", "tS"), ("th", "T"), ("ph", "f"), ("ck", "k"), ("ng", "N"),
    ("qu", "k w"), ("ee", "i:"), ("ea", "i:"), ("oo", "u:"), ("ou", "aU"), ("ow", "oU"), ("ai", "eI"), ("ay", "eI"),
    ("oa", "oU"), ("oi", "O: I"), ("er", "@ r"), ("ar", "a r"), ("or", "O: r"), ("wh", "w"), ("kn", "n"),
    ("x", "k s"),
    ("a", "a"), ("e", "E"), ("i", "I"), ("o", "0"), ("u", "V"), ("y", "i:"), ("c", "k"), ("j", "dZ"), ("q", "k"),
)  # fmt: skip
_INITIALS = ("", "b", "p", "m", "f", "d", "t", "n", "l", "k", "h", "x", "tS", "S", "s", "dZ")
_FINALS = ("a", "oU", "@", "i:", "u:", "y", "aI", "eI", "aU", "a n", "@ n", "a N", "I N", "u: N")


def speak_formant(
    text: str, language: str, speaker: Speaker, rate: int, limit: float, seed: int
) -> tuple[NDArray[np.float32], tuple[tuple[int, float], ...], tuple[Phone, ...]]:
    """Samples at 16 kHz, (text position, second) of each word, and phonemes. English letters follow a few rules;

    a Chinese character gets a fixed but invented syllable of its own, since no dictionary ships here.
    """
    plan: list[tuple[int, list[str]]] = [
        (m.start(), _spell(m.group().lower())) for m in re.finditer(r"[一-鿿]|[^\W一-鿿_]+", text)
    ]
    lengths = [0.5 * (len(p) + 1) for _, p in plan]
    unit = min(0.085 * 165 / rate * 2, limit / max(sum(lengths), 1e-9))
    at, marks, phones = 0.0, [], []
    for position, symbols in plan:
        marks.append((position, at))
        for symbol in symbols:
            span = unit * (0.62 if symbol in _VOWELS else 0.4)
            phones.append(Phone(symbol, at, at + span))
            at += span
        phones.append(Phone("_", at, at + 0.3 * unit))
        at += 0.3 * unit
    return _sing(tuple(phones), speaker, at, seed), tuple(marks), tuple(phones)


def _spell(word: str) -> list[str]:
    if len(word) == 1 and "一" <= word <= "鿿":
        code = ord(word)
        return [p for p in (_INITIALS[code % 16], *_FINALS[(code // 16) % 14].split()) if p]
    symbols: list[str] = []
    word = re.sub(r"(?<=[^aeiou])e$", "", word) or word
    while word:
        letters, sounds = next(((g, s) for g, s in _LETTERS if word.startswith(g)), (word[0], word[0]))
        symbols += sounds.split()
        word = word[len(letters) :]
    return symbols


def _sing(phones: tuple[Phone, ...], speaker: Speaker, seconds: float, seed: int) -> NDArray[np.float32]:
    total = int(seconds * RATE) + RATE // 10
    rng = np.random.default_rng((seed, 0xF0))
    t = np.arange(total) / RATE
    f0 = speaker.f0 * (1.08 - 0.16 * t / max(seconds, 0.1)) * (1 + 0.03 * np.sin(2 * np.pi * 2.3 * t))
    phase = np.cumsum(f0) / RATE
    buzz = lfilter([1], [1, -0.94], np.diff(np.floor(phase), prepend=0))
    hiss = rng.standard_normal(total)
    out = np.zeros(total)
    for phone in phones:
        a, b = int(phone.start * RATE), min(total, int(phone.end * RATE) + 160)
        if phone.symbol == "_" or b - a < 64:
            continue
        fade = np.minimum(1, np.minimum(np.arange(b - a), np.arange(b - a)[::-1]) / 160)
        if phone.symbol in _VOWELS:
            piece = _resonate(buzz[a:b], _VOWELS[phone.symbol], 1.16 if speaker.woman else 1.0)
        elif phone.symbol in _NOISES:
            piece = 0.25 * _resonate(hiss[a:b], (_NOISES[phone.symbol],), 1.0)
        elif phone.symbol[0] in "ptkbdg":
            fade[: (b - a) * 2 // 3] = 0
            piece = 0.3 * _resonate(hiss[a:b], (2500,), 1.0)
        else:
            piece = 0.5 * _resonate(buzz[a:b], (280, 1200, 2400), 1.0)
        out[a:b] += fade * piece
    return (0.2 * out / max(1e-9, float(np.abs(out).max()))).astype(np.float32)


def _resonate(x: NDArray[np.float64], formants: tuple[int, ...], scale: float) -> NDArray[np.float64]:
    """A sum of second-order resonators, each of unit root mean square, falling 6 dB from formant to formant."""
    out = np.zeros_like(x)
    for i, hz in enumerate(formants):
        radius = np.exp(-np.pi * (70 + 40 * i) / RATE)
        y = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * hz * scale / RATE), radius**2], x)
        out += 0.5**i * y / (np.sqrt(np.mean(y**2)) + 1e-9)
    return out
