"""From phonemes to words: the best way through a tree of words, frame by frame (Viterbi; Young et al. 1989)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .world_lexicon import PIECE, Tree

NEVER = np.float32(-1e9)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a word costs beside its phonemes, in natural logs: `words` times its rarity, `word` each; `piece` for what
    is spelled by sound. `tone` weighs the tones; `prior` how far the common phonemes' lead is taken off.
    """

    words: float = 1.5
    word: float = 2.0
    piece: float = 12.0
    tone: float = 0.5
    prior: float = 0.3


def decode(
    phones: NDArray[np.float32], tones: NDArray[np.float32], tree: Tree, costs: Costs
) -> tuple[list[str], float]:
    """The best texts for log probabilities (N, phones) and (N, tones), and their score. Phoneme 0 is silence."""
    pieces = np.array([text.startswith(PIECE) for text in tree.texts])
    price = np.where(pieces, -costs.piece, costs.words * tree.weights - costs.word).astype(np.float32)
    tonal = bool(tree.tone.any())
    first = np.flatnonzero(tree.parent < 0)
    above = np.maximum(tree.parent, 0)
    count = len(phones)
    silence = phones[:, 0] + (costs.tone * tones[:, 0] if tonal else 0)
    score = np.full(len(tree.parent), NEVER, np.float32)
    moved, heard = np.empty_like(score), np.empty_like(score)
    since = np.zeros(len(score), np.int32)  # the slot where the path into a node left the root
    began = np.empty_like(since)
    quiet, quiet_since = float(NEVER), 0
    entry = 0.0  # of the root, before the slot
    word, word_since, word_score = np.full(count, -1), np.zeros(count, int), np.full(count, NEVER, np.float32)
    rest_score, rest_since = np.full(count, NEVER, np.float32), np.zeros(count, int)
    for n in range(count):
        np.take(score, above, out=moved)
        np.take(since, above, out=began)
        moved[first], began[first] = entry, n
        moves = moved > score
        np.copyto(score, moved, where=moves)
        np.copyto(since, began, where=moves)
        score += np.take(phones[n], tree.phone, out=heard)
        if tonal:
            score += costs.tone * np.take(tones[n], tree.tone, out=heard)
        if entry > quiet:
            quiet, quiet_since = entry, n
        quiet += float(silence[n])
        ended = score[tree.ends]
        ended += price
        best = int(ended.argmax())
        word[n], word_since[n], word_score[n] = best, since[tree.ends[best]], ended[best]
        rest_score[n], rest_since[n] = quiet, quiet_since
        entry = max(float(ended[best]), quiet)
    texts: list[str] = []
    at = count - 1
    while at >= 0:
        if word_score[at] > rest_score[at]:
            texts.append(tree.texts[word[at]])
            at = word_since[at] - 1
        else:
            at = rest_since[at] - 1
    return texts[::-1], float(entry)


def joined(texts: list[str]) -> str:
    """Words with a space between; pieces in a row are one word."""
    out = ""
    spelling = False
    for text in texts:
        piece = text.startswith(PIECE)
        out += text.removeprefix(PIECE) if piece and spelling else f" {text.removeprefix(PIECE)}"
        spelling = piece
    return out.strip()
