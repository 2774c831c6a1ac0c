"""Does the sound match its caption? CLAP as av-benchmark runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, PICTURE, Answers, Fault
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Score
from avbench.weights import backend

from ._backbones.clap import BASE, Clap, embed_caption
from ._clap_score import caption, column, cosine


class ClapSimilarity(Metric):
    columns: ClassVar[tuple[Column, ...]] = (
        column(
            "clap",
            "cosine of the sound and the prompt's audio caption; the first 10 s, shorter sounds are repeated while "
            "they fit into 10 s; for prompts with an audio caption",
            "LAION-CLAP music_speech_audioset_epoch_15_esc_89.98, as av-benchmark (hkchengrex/av-benchmark)",
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        ALL: Answers(worse=(Fault.SWAP_AUDIO, Fault.WRONG_CAPTION), ignores=(*PICTURE, Fault.REPLACE_WORDS))
    }
    least: ClassVar[str] = "any sound"
    weights: ClassVar[tuple[str, ...]] = ("roberta_base_vocab", "roberta_base_merges")
    needs = (Clap(),)
    backend: ClassVar[str] = backend("clap-htsat-base")
    core = False

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        text = caption(clip.prompt)
        return {"clap": cosine(features[Clap()], embed_caption(BASE, text))}
