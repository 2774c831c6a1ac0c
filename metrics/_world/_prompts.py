"""What is rendered to train on, and who is kept for the test: three speakers, and every sentence of the suites."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from avbench.records import Prompt
from avbench.world.prompts import sample_prompt
from avbench.world.sentences import sentence
from avbench.world.speakers import HELD_OUT, Speaker

MANDARIN = 0.15  # share of the speech

Kind = Literal["speech", "ambient", "complex"]


def training_prompt(
    rng: np.random.Generator,
    kind: Kind,
    held_out: bool = False,
    sentences: int = 1,
    on_screen: bool = False,
    talker: Speaker | None = None,
) -> Prompt:
    """A random prompt without the held-out speakers, or with them alone. Its `sentences` are no suite's.

    `on_screen`: whoever speaks is seen. `talker` is a stranger who speaks in place of them.
    """
    language: Literal["en", "zh"] = "zh" if rng.random() < MANDARIN else "en"
    while True:
        prompt = sample_prompt(rng, kind, language, talker)
        if not prompt.speech:
            return prompt
        if (prompt.speech[0].speaker in HELD_OUT) is held_out and not (on_screen and prompt.off_screen):
            break
    more = [sentence(rng, language) for _ in range(sentences - 1)]
    text = " ".join((prompt.speech[0].text, *more))
    return replace(prompt, speech=(replace(prompt.speech[0], text=text),))
