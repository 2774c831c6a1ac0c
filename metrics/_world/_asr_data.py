"""The recogniser's training set: voices of espeak-ng that no speaker on trial has, and the world's noises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from torch import Tensor

from avbench.errors import UsageError
from avbench.world import speech
from avbench.world.place import ECHO
from avbench.world.plan import Plan, swell
from avbench.world.sayings import draw
from avbench.world.sound import level
from avbench.world.sources import KINDS

from .._backbones.world_text import LANGUAGES
from ._asr_espeak import Said, phonemes
from ._render import Arrays, build

RATE = 16_000
SECONDS = 4.6  # longest utterance
SLOT = 320  # samples to a slot, for which the recogniser says phoneme and tone
TAPE = 8  # utterances spoken by one process
TEXT = 200  # bytes kept of a text
MANDARIN = 0.45
WORDLESS = 0.05  # share of a batch in which nobody speaks
HELD_OUT = ("f2", "f3", "m5")  # the voices of the speakers that no scorer is trained on
VOICES = (
    "f1", "f1", "f4", "f4", "f5", "f5", "m1", "m1", "m2", "m2", "m3", "m3", "m4", "m6", "m7", "m7", "m8", "m8",
    "Andy", "Annie", "Alicia", "Gene", "Michael", "adam", "belinda", "benjamin", "caleb", "david", "ed", "john",
    "linda", "max", "quincy", "rob", "shelby", "steph",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Utterance:
    """`audio` (S,) int16 at 16 kHz; `phones` and `tones` (N,), one a slot, 0 where nothing is said or has no tone."""

    audio: NDArray[np.int16]
    phones: NDArray[np.int64]
    tones: NDArray[np.int64]
    language: int
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Sound (B, S) float32 with `lengths` (B,) in samples, `languages` (B,); phones and tones (B, N), -1 in padding."""

    sound: Tensor
    lengths: Tensor
    languages: Tensor
    phones: Tensor
    tones: Tensor


class Dataset:
    """All utterances and noises, on disk; the last `held_out` utterances are kept for the probe."""

    def __init__(
        self, folder: Path, utterances: int, noises: int, held_out: int, seed: int, symbols: Sequence[str]
    ) -> None:
        tapes = build(folder / "speech", -(-utterances // TAPE), partial(say, seed=seed))
        self.noises = build(folder / "noise", noises, partial(make_noise, seed=seed))["sound"]
        self._columns = {name: [row for tape in rows for row in tape] for name, rows in tapes.items()}
        self.sizes = [int(row) for row in self._columns["length"]]
        codes = {symbol_code(symbol): i for i, symbol in enumerate(symbols) if i}
        self._codes = np.array([0, *sorted(codes)], np.uint32)
        self._ids = np.array([0, *(codes[code] for code in sorted(codes))])
        usable = [i for i, size in enumerate(self.sizes) if size]
        self.held_out = usable[-held_out:]
        self.by_length = sorted(usable[:-held_out], key=lambda i: self.sizes[i])

    def __getitem__(self, i: int) -> Utterance:
        size = self.sizes[i]
        slots = -(-size // SLOT)
        column = {name: rows[i] for name, rows in self._columns.items()}
        found = np.searchsorted(self._codes, column["phones"][:slots]).clip(max=len(self._codes) - 1)
        known = self._codes[found] == column["phones"][:slots]
        return Utterance(
            audio=column["audio"][:size],
            phones=np.where(known, self._ids[found], -1),  # not learned: a phoneme that the lexicon lacks
            tones=column["tones"][:slots].astype(np.int64),
            language=int(column["language"]),
            text=bytes(column["text"]).rstrip(b"\0").decode(),
        )

    def batch(self, size: int, rng: np.random.Generator, crowd: int = 16) -> Batch:
        """`size` utterances of nearly one length, mixed as the world mixes, and noisier."""
        span = min(len(self.by_length), size * crowd)
        start = int(rng.integers(len(self.by_length) - span + 1))
        chosen = start + rng.choice(span, size, replace=False)
        items = [self[self.by_length[i]] for i in chosen]
        items = [self.wordless(item, rng) if rng.random() < WORDLESS else item for item in items]
        return collate(items, [self.mixed(item, rng) for item in items])

    def wordless(self, item: Utterance, rng: np.random.Generator) -> Utterance:
        """An event of the world for as long as the utterance lasts: nothing is said."""
        noise = self.noises[int(rng.integers(len(self.noises)))]
        silent = np.zeros_like(item.phones)
        return Utterance(noise[: len(item.audio)], silent, silent, item.language, "")

    def mixed(self, item: Utterance, rng: np.random.Generator) -> NDArray[np.float32]:
        """The utterance in a room, with noise: none, one of the world's at 0 to 30 dB, or white or pink."""
        sound = item.audio.astype(np.float64) / 32768
        if rng.random() < 0.5:
            seconds, wet = list(ECHO.values())[int(rng.integers(len(ECHO)))]
            sound = echo(sound, rng, seconds, wet)
        kind = rng.random()
        if kind < 0.45:
            noise = self.noises[int(rng.integers(len(self.noises)))].astype(np.float64) / 32768
            start = int(rng.integers(max(1, len(noise) - len(sound) + 1)))
            sound = add_noise(sound, noise[start : start + len(sound)], float(rng.uniform(0, 30)))
        elif kind < 0.65:
            colour = float(rng.choice([0.0, 0.0, 0.5, 1.0]))
            sound = add_noise(sound, coloured(rng, len(sound), colour), float(rng.uniform(3, 35)))
        return sound.astype(np.float32)


def collate(items: Sequence[Utterance], sounds: Sequence[NDArray[np.float32]]) -> Batch:
    """Padded to whole frames of two slots."""
    longest = max(len(sound) for sound in sounds)
    slots = 2 * -(-longest // (2 * SLOT))

    def padded(rows: Sequence[NDArray[np.int64]]) -> Tensor:
        return torch.from_numpy(np.stack([np.pad(row, (0, slots - len(row)), constant_values=-1) for row in rows]))

    return Batch(
        sound=torch.from_numpy(np.stack([np.pad(sound, (0, longest - len(sound))) for sound in sounds])),
        lengths=torch.tensor([len(sound) for sound in sounds]),
        languages=torch.tensor([item.language for item in items]),
        phones=padded([item.phones for item in items]),
        tones=padded([item.tones for item in items]),
    )


def say(number: int, seed: int) -> Arrays:
    """Tape `number` of the training set: TAPE utterances with random voice, pitch, rate and pauses around."""
    rng = np.random.default_rng((seed, number, 0xA5))
    found = speech.library()
    if found is None:
        raise UsageError("the recogniser trains on the voices of espeak-ng: pip install 'avbench[world]'")
    texts: list[str] = []
    languages: list[int] = []
    calls: list[dict[str, Any]] = []
    for _ in range(TAPE):
        language = "zh" if rng.random() < MANDARIN else "en"
        accent = "cmn" if language == "zh" else ("en-us", "en-gb-x-rp")[int(rng.random() < 0.4)]
        texts.append(draw(rng, language))
        languages.append(LANGUAGES.index(language))
        calls.append(
            {
                "library": found[0],
                "data": found[1],
                "voices": [f"{accent}+{VOICES[int(rng.integers(len(VOICES)))]}", accent],
                "pitch": int(rng.integers(12, 82)),
                "range": int(rng.integers(25, 75)),
                "rate": int(np.clip(rng.normal(165, 25), 120, 300)),
                "limit": SECONDS - 0.4,
                "text": texts[-1],
            }
        )
    size = round(SECONDS * RATE)
    slots = size // SLOT
    audio, length = np.zeros((TAPE, size), np.int16), np.zeros(TAPE, np.int32)
    phones, tones = np.zeros((TAPE, slots), np.uint32), np.zeros((TAPE, slots), np.uint8)
    text = np.zeros((TAPE, TEXT), np.uint8)
    for i, raw in enumerate(speech.utter(calls)):
        lead, tail = int(rng.integers(800, 5200)), int(rng.integers(800, 5200))
        voice = str(calls[i]["voices"][-1])
        expected = Said.together(phonemes(texts[i], voice))
        heard = [phone for phone in raw.phones if phone.symbol != "_"]
        written = texts[i].encode()
        if len(written) > TEXT or lead + len(raw.audio) > size or len(expected.phones) != len(heard):
            continue  # length 0: left out
        loudest = float(np.abs(raw.audio).max())
        audio[i, lead : lead + len(raw.audio)] = np.rint(raw.audio * (0.7 * 32767 / max(loudest, 1e-3)))
        length[i] = min(size, lead + len(raw.audio) + tail) // SLOT * SLOT
        text[i, : len(written)] = np.frombuffer(written, np.uint8)
        centres = (np.arange(slots) + 0.5) * SLOT / RATE - lead / RATE
        for phone, tone in zip(heard, expected.tones, strict=True):
            during = (centres >= phone.start) & (centres < phone.end)
            phones[i, during], tones[i, during] = symbol_code(phone.symbol), tone
    return {
        "audio": audio,
        "phones": phones,
        "tones": tones,
        "length": length,
        "text": text,
        "language": np.array(languages),
    }


def symbol_code(symbol: str) -> int:
    """A number for a phoneme, the same in every process and never 0."""
    return crc32(symbol.encode()) or 1


def make_noise(number: int, seed: int) -> Arrays:
    """One of the world's events, alone, for as long as an utterance may last; all classes in turn."""
    rng = np.random.default_rng((seed, number, 0x4015E))
    kind = list(KINDS.values())[number % len(KINDS)]
    count = int(rng.integers(1, 7)) if kind.counted else None
    times, strengths = kind.plan(rng, SECONDS, count)
    plan = Plan(
        times=tuple(times),
        strengths=tuple(strengths),
        seconds=SECONDS,
        curve=swell(rng, SECONDS, 0.25, 1.1),
        pitch=float(rng.uniform(0.8, 1.2)),
        speed=float(rng.uniform(0.75, 1.3)),
        variant=int(rng.integers(6)),
        seed=int(rng.integers(2**31)),
    )
    sound = level(kind.sound(plan, round(SECONDS * RATE)), 0.2)
    return {"sound": np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)}


def echo(sound: NDArray[np.float64], rng: np.random.Generator, seconds: float, wet: float) -> NDArray[np.float64]:
    """As `avbench.world.sound.room`, with any generator."""
    count = int(seconds * RATE)
    tail = rng.standard_normal(count) * np.exp(-5 * np.arange(count) / count)
    return np.asarray(sound + wet * fftconvolve(sound, tail / np.sqrt(np.sum(tail**2)))[: len(sound)])


def add_noise(sound: NDArray[np.float64], noise: NDArray[np.float64], snr_db: float) -> NDArray[np.float64]:
    """Mean power of the whole sound over that of the noise, in dB; silence as noise adds nothing."""
    power, other = float(np.mean(sound**2)), float(np.mean(noise**2))
    return sound + noise * np.sqrt(power / max(other, 1e-12) / 10 ** (snr_db / 10)) if other > 1e-9 else sound


def coloured(rng: np.random.Generator, count: int, colour: float) -> NDArray[np.float64]:
    """Noise whose amplitude falls with frequency to the power `colour`: 0 is white, 0.5 pink."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    return np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** colour, count)
