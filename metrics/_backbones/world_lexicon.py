"""What the world's recogniser can write: words and how espeak-ng says them, as a tree of phonemes for each accent.

English has the most frequent words, and single phonemes spelled by rule, so that any word at all can be written.
Mandarin has the most frequent words and every syllable, as toned pinyin: which characters they are is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

VOICES = {"en": ("en-us", "en-gb-x-rp"), "zh": ("cmn",)}  # of espeak-ng
PIECE = "+"  # marks what is joined to the piece before it


@dataclass(frozen=True, slots=True)
class Entry:
    """A text and one way to say it: numbers of the lexicon's symbols, their tones, and a natural log probability."""

    text: str
    phones: tuple[int, ...]
    tones: tuple[int, ...]
    weight: float


@dataclass(frozen=True)
class Lexicon:
    """All phonemes, the first of which is silence, and the entries of each voice of espeak-ng."""

    symbols: tuple[str, ...]
    entries: Mapping[str, tuple[Entry, ...]]

    @cached_property
    def trees(self) -> dict[str, Tree]:
        """The tree of each voice."""
        return {voice: Tree.of(entries) for voice, entries in self.entries.items()}

    def pack(self) -> dict[str, NDArray[np.generic]]:
        """As arrays, for a file."""
        packed: dict[str, NDArray[np.generic]] = {"symbols": _bytes(self.symbols)}
        for voice, entries in self.entries.items():
            packed[f"{voice}.texts"] = _bytes([entry.text for entry in entries])
            packed[f"{voice}.lengths"] = np.array([len(entry.phones) for entry in entries], np.uint8)
            packed[f"{voice}.phones"] = np.array([phone for entry in entries for phone in entry.phones], np.uint8)
            packed[f"{voice}.tones"] = np.array([tone for entry in entries for tone in entry.tones], np.uint8)
            packed[f"{voice}.weights"] = np.array([entry.weight for entry in entries], np.float16)
        return packed

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[np.generic]]) -> Lexicon:
        entries = {}
        for voice in (name.removesuffix(".texts") for name in packed if name.endswith(".texts")):
            texts = _texts(packed[f"{voice}.texts"])
            ends = np.cumsum(packed[f"{voice}.lengths"].astype(np.int64))[:-1]
            said = (np.split(packed[f"{voice}.{name}"], ends) for name in ("phones", "tones"))
            phones, tones = ([tuple(run.tolist()) for run in runs] for runs in said)
            weights = packed[f"{voice}.weights"].astype(np.float32).tolist()
            entries[voice] = tuple(Entry(*row) for row in zip(texts, phones, tones, weights, strict=True))
        return cls(tuple(_texts(packed["symbols"])), entries)


@dataclass(frozen=True, slots=True)
class Tree:
    """Entries that begin alike share nodes. A node comes after its parent; -1 is the root, which is no node.

    `parent`, `phone`, `tone` (N,) of each node; `ends` (E,) the nodes where an entry ends, its `weights` and `texts`.
    """

    parent: NDArray[np.int64]
    phone: NDArray[np.int64]
    tone: NDArray[np.int64]
    ends: NDArray[np.int64]
    weights: NDArray[np.float32]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Tree:
        nodes: dict[tuple[int, int, int], int] = {}
        ends = []
        for entry in entries:
            at = -1
            for phone, tone in zip(entry.phones, entry.tones, strict=True):
                at = nodes.setdefault((at, phone, tone), len(nodes))
            ends.append((at, entry.weight, entry.text))
        parents, phones, tones = np.array(list(nodes), np.int64).reshape(-1, 3).T
        places, weights, texts = zip(*ends, strict=True)
        return cls(parents, phones, tones, np.array(places), np.array(weights, np.float32), texts)


def _bytes(texts: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


def _texts(packed: NDArray[np.generic]) -> list[str]:
    return bytes(packed.astype(np.uint8)).decode().split("\n")
