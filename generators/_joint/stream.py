"""One modality's stack of blocks, and the states that run through it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .layers import Block, Head, NoiseLevel
from .rope import Rotation


@dataclass(slots=True)
class States:
    """The hidden states of one stream on their way through the layers.

    `h` (B, L, D) holds [prefix; `count` own tokens; suffix], the own ones from `first` on, of which the leading `held`
    are given content: the other stream reads them, but does not change them. `level` and `e` are the embedded noise
    levels, (B, 1, …) where a sample has one. `text` is what cross-attention reads, `words` the states of a text stream
    beside (JoVA), at `words_level`.
    """

    h: Tensor
    e: Tensor
    level: Tensor
    words_level: Tensor
    turn: Rotation
    first: int
    count: int
    held: int = 0
    text: Tensor | None = None
    text_turn: Rotation | None = None
    text_shown: Tensor | None = None
    words: Tensor | None = None

    @property
    def own(self) -> Tensor:
        return self.h[:, self.first : self.first + self.count]

    @property
    def prefix(self) -> Tensor:
        return self.h[:, : self.first]

    @property
    def own_e(self) -> Tensor:
        return self.e if self.e.shape[1] == 1 else self.e[:, self.first : self.first + self.count]

    def add(self, own: Tensor, prefix: Tensor | None = None) -> None:
        """Adds an update of the own tokens (given ones excepted), and one of the prefix."""
        if self.held:
            own = torch.cat([torch.zeros_like(own[:, : self.held]), own[:, self.held :]], 1)
        rest = self.h.shape[1] - self.first - self.count
        parts = [self.h.new_zeros(len(own), self.first, own.shape[2]) if prefix is None else prefix, own]
        if rest:
            parts.append(own.new_zeros(len(own), rest, own.shape[2]))
        self.h = self.h + torch.cat(parts, 1)


@dataclass(frozen=True, slots=True)
class Form:
    """What a stream is made of; `into` and `out` are numbers a token, `ffn` the width between."""

    into: int
    out: int
    width: int
    heads: int
    ffn: int
    layers: int
    embed: str = "linear"


class Stream(nn.Module):
    """Tokens in, blocks, tokens out. It `reads` text by cross-attention or has blocks for it (`joint_text`)."""

    def __init__(self, form: Form, *, reads: bool, joint_text: bool, skip: bool) -> None:
        super().__init__()
        width = form.width
        self.enter: nn.Module = nn.Linear(form.into, width)
        if form.embed == "mlp":
            self.enter = nn.Sequential(self.enter, nn.GELU("tanh"), nn.Linear(width, width))
        self.level = NoiseLevel(width)
        self.blocks = nn.ModuleList(Block(width, form.heads, form.ffn, reads) for _ in range(form.layers))
        beside = form.layers if joint_text else 0
        self.text_blocks = nn.ModuleList(Block(width, form.heads, form.ffn, False) for _ in range(beside))
        self.head = Head(width, form.out, skip)

    def start(self, h: Tensor, s: Tensor, turn: Rotation, each: int, first: int, clean: int, after: int) -> States:
        """States of tokens (B, L, D): `first` before the own ones, of which the leading `clean` have no noise.

        `s` (B, 1 or n) are the own tokens' levels, every one of them for `each` tokens; `after` tokens follow.
        """
        count = h.shape[1] - first - after
        if s.shape[1] == 1 and not clean:
            e, level = self.level(s)
            return States(h, e, level, level, turn, first, count)
        steps = s.shape[1]
        e, level = self.level(torch.cat([torch.zeros_like(s[:, :1]), s], 1))
        own = torch.arange(1, steps + 1).repeat_interleave(count if steps == 1 else each)
        ends = torch.full((first,), 0 if clean else steps), torch.full((after,), steps)
        index = torch.cat([ends[0], own, ends[1]]).to(h.device)
        return States(h, e[:, index], level[:, index], level[:, -1:], turn, first, count)

    def keys(self, i: int, x: States) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of the stream's tokens, then of its words, in layer `i`."""
        block = _block(self.blocks, i)
        normed = block.normed(x.h, x.level)
        found = (block.self_attn.query(normed, x.turn), *block.self_attn.offer(normed, x.turn))
        if x.words is None:
            return found
        beside = _block(self.text_blocks, i)
        normed = beside.normed(x.words, x.words_level)
        words = (beside.self_attn.query(normed), *beside.self_attn.offer(normed))
        return tuple(torch.cat(pair, 1) for pair in zip(found, words, strict=True))  # type: ignore[return-value]

    def take(self, i: int, x: States, y: Tensor) -> None:
        """Adds what self-attention gave, (B, L + words, heads, d)."""
        block, length = _block(self.blocks, i), x.h.shape[1]
        x.h = block.gated(x.h, x.level, block.self_attn.close(y[:, :length]))
        if x.words is not None:
            beside = _block(self.text_blocks, i)
            x.words = beside.gated(x.words, x.words_level, beside.self_attn.close(y[:, length:]))

    def read(self, i: int, x: States) -> None:
        if x.text is not None:
            turn = x.turn if x.text_turn else None
            x.h = _block(self.blocks, i).read(x.h, x.text, turn, x.text_turn, x.text_shown)

    def feed(self, i: int, x: States) -> None:
        x.h = _block(self.blocks, i).feed(x.h, x.level)
        if x.words is not None:
            x.words = _block(self.text_blocks, i).feed(x.words, x.words_level)


def _block(blocks: nn.ModuleList, i: int) -> Block:
    found = blocks[i]
    assert isinstance(found, Block)
    return found
