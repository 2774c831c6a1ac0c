"""Does the sound match its caption? CLAP as Verse-Bench runs it (its column CS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, PICTURE, Answers, Fault
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Score
from avbench.weights import backend

from ._backbones.clap import TINY_FUSION, VerseClap, embed_caption
from ._clap_score import caption, column, cosine


class ClapScore(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        column(
            "clap_score",
            "cosine of the sound and the prompt's audio caption after Verse-Bench: peak at -1 dB, 16-bit samples; the "
            "first 10 s (the reference takes random pieces of longer sounds); not applicable to silence",
            "LAION-CLAP 630k-audioset-fusion-best, as Dorniwang/Verse-Bench fd/clap_inferencer.py",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.SWAP_AUDIO, Fault.WRONG_CAPTION), ignores=(*PICTURE, Fault.REPLACE_WORDS))
    }
    least: ClassVar[str] = "any sound"
    weights: ClassVar[tuple[str, ...]] = ("roberta_base_vocab", "roberta_base_merges")
    needs = (VerseClap(),)
    backend: ClassVar[str] = backend("clap-htsat-tiny-fusion")
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        text = caption(clip.prompt)
        return {"clap_score": cosine(features[VerseClap()], embed_caption(TINY_FUSION, text))}
