"""Texts at full size: captions through umT5, transcripts as the characters and syllables of F5-TTS."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avbench.errors import UsageError
from avbench.products import inference
from avbench.records import Prompt

from .config import AudioConfig
from .encoders import F5_LETTERS, WanCondition

LENGTH = 512  # rows of text that Wan reads
LETTERS = 256  # rows of a transcript where its length is not free


class Captions:
    """umT5's features of texts, (B, 512, width): zero beyond a text's end, where Wan attends them without a mask."""

    def __init__(self, tokenizer: Any, encoder: Any) -> None:
        self.tokenizer, self.encoder = tokenizer, encoder

    @inference()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        read = self.tokenizer(
            [cleaned(text) for text in texts], padding="max_length", truncation=True, max_length=LENGTH,
            add_special_tokens=True, return_attention_mask=True, return_tensors="pt",
        )  # fmt: skip
        device = next(self.encoder.parameters()).device
        ids, there = read["input_ids"].to(device), read["attention_mask"].to(device)
        features: Tensor = self.encoder(input_ids=ids, attention_mask=there).last_hidden_state
        return features * there.unsqueeze(-1).to(features)


class Transcripts:
    """F5-TTS's vocabulary: a line a character or toned pinyin syllable; what it lacks is its first entry."""

    def __init__(self, path: Path) -> None:
        words = path.read_text(encoding="utf-8").split("\n")
        self.ids: Mapping[str, int] = {word: i for i, word in enumerate(words[:-1] if not words[-1] else words)}
        if not 0 < len(self.ids) < F5_LETTERS:
            raise UsageError(f"{path} has {len(self.ids)} entries; F5-TTS's vocab.txt has {F5_LETTERS - 1} at most")

    def __call__(self, text: str, least: int = 10) -> Tensor:
        """(1, L) ids from 1 up, filled with 0 to `least` (released UniAVGen pads to 10, and attends the padding)."""
        ids = [self.ids.get(sign, 0) + 1 for sign in signs(text)]
        return torch.tensor([ids + [0] * (least - len(ids))])


def cleaned(text: str) -> str:
    """As Wan's tokenizer is given it: mended, entities resolved, one space between words."""
    import ftfy

    return re.sub(r"\s+", " ", html.unescape(html.unescape(ftfy.fix_text(text)))).strip()


def signs(text: str) -> list[str]:
    """Characters, Chinese ones as a space and a toned syllable (F5-TTS)."""
    plain = text.translate(str.maketrans(";“”‘’", ",\"\"''"))
    found: list[str] = []
    for piece in re.findall(r"[\u3100-\u9fff]+|[^\u3100-\u9fff]+", plain):
        if "\u3100" <= piece[0] <= "\u9fff":
            from pypinyin import Style, lazy_pinyin

            for syllable in lazy_pinyin(piece, style=Style.TONE3, tone_sandhi=True):
                found += [" ", syllable]
        else:
            found += piece
    return found


def condition_of(
    prompt: Prompt, audio: AudioConfig, captions: Captions, transcripts: Transcripts | None
) -> WanCondition:
    """What a prompt says to each stream, and the same of nothing as its `null`.

    A stream without an own reading of the transcript has it in its caption (JoVA).
    """
    spoken = " ".join(line.text for line in prompt.speech)
    said = f' The speech is: "{spoken}"' if spoken and audio.speech == "caption" else ""
    seen, heard = prompt.video_caption + said, prompt.audio_caption + said
    features = captions([seen, heard, ""])
    least = LETTERS if audio.text == "concat" else 10

    def letters(text: str) -> Tensor | None:
        if transcripts is None or audio.speech != "text":
            return None
        return transcripts(text, least)[:, : None if least == 10 else least].to(features.device)

    null = WanCondition(features[2:], features[2:] if audio.captioned else None, letters(""))
    return WanCondition(features[:1], features[1:2] if audio.captioned else None, letters(spoken), null)
