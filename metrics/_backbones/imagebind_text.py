"""The text tokens of ImageBind, CLIP and ViCLIP: CLIP's byte-pair encoding, with the end token kept on long text.

Vocabulary file `bpe_simple_vocab_16e6.txt.gz` (facebookresearch/ImageBind imagebind/bpe, the same as openai/CLIP's).
"""

from __future__ import annotations

import gzip
import html
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored, UsageError
from avbench.weights import locate

CONTEXT = 77

_MERGES = 48894  # the file lists more; CLIP uses as many as fill its 49152 tokens
_END_OF_WORD = "</w>"
_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


class Tokenizer:
    """Text to token ids. Raises UsageError without the vocabulary or the packages that clean text."""

    def __init__(self, vocabulary: Path) -> None:
        self._clean, self._split = _libraries()
        if not vocabulary.is_file():
            raise UsageError(
                f"vocabulary {vocabulary}: no such file; put ImageBind's bpe_simple_vocab_16e6.txt.gz there"
            )
        with gzip.open(vocabulary, "rt", encoding="utf-8") as lines:
            merges = [tuple(line.split()) for line in lines.read().split("\n")[1 : _MERGES + 1]]
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._letters = _byte_letters()
        letters = list(self._letters.values())
        words = [*letters, *(letter + _END_OF_WORD for letter in letters), *("".join(pair) for pair in merges)]
        self._ids = {word: i for i, word in enumerate(words)}
        self.start, self.end = len(words), len(words) + 1
        self._word = lru_cache(maxsize=1 << 16)(self._merge)

    def __call__(self, texts: Sequence[str], context: int = CONTEXT) -> NDArray[np.int64]:
        """(N, context) ids, zeros after the end token. Of long text the first pieces are kept, and the end token."""
        tokens = np.zeros((len(texts), context), np.int64)
        for row, text in zip(tokens, texts, strict=True):
            ids = [self.start, *self.encode(text)[: context - 2], self.end]
            row[: len(ids)] = ids
        return tokens

    def encode(self, text: str) -> list[int]:
        """The ids of cleaned, lower-case text, without start and end."""
        cleaned = " ".join(html.unescape(html.unescape(self._clean(text))).split()).lower()
        pieces = self._split(_PIECES, cleaned)
        return [i for piece in pieces for i in self._word("".join(self._letters[b] for b in piece.encode()))]

    def _merge(self, word: str) -> list[int]:
        """Joins the pair that the vocabulary learned first, everywhere in the word, until none is left."""
        parts = [*word[:-1], word[-1] + _END_OF_WORD]
        while len(parts) > 1:
            pair = min(pairwise(parts), key=lambda pair: self._ranks.get(pair, _MERGES))
            if pair not in self._ranks:
                break
            joined: list[str] = []
            for part in parts:
                if joined and (joined[-1], part) == pair:
                    joined[-1] += part
                else:
                    joined.append(part)
            parts = joined
        return [self._ids[part] for part in parts]


def tokenizer() -> Tokenizer:
    """That of the vocabulary file, read once. Raises Unscored without the file or the packages."""
    return _read(locate("imagebind_bpe"))


@lru_cache(maxsize=1)
def _read(vocabulary: Path) -> Tokenizer:
    try:
        return Tokenizer(vocabulary)
    except UsageError as error:
        raise Unscored(str(error)) from error


def _libraries() -> tuple[Any, Any]:
    try:
        import ftfy
        import regex
    except ImportError as error:
        raise UsageError(f"ImageBind's text needs the package {error.name}: pip install ftfy regex") from error
    return ftfy.fix_text, regex.findall


def _byte_letters() -> dict[int, str]:
    """A printable letter for each byte, in the vocabulary's order: printable bytes stand for themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}
