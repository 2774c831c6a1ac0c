from __future__ import annotations

import re
from typing import Literal, get_args

import numpy as np
import pytest

from avbench.suites import load_suite
from avbench.world.prompts import sample_prompt
from avbench.world.scene import scene_of
from avbench.world.sentences import sentence, words

Family = Literal["speech", "ambient", "complex"]


@pytest.mark.parametrize("kind", get_args(Family))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_scene_of_a_training_prompt_is_the_one_described(kind: Family, language: Literal["en", "zh"]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        prompt = sample_prompt(rng, kind, language)
        scene = scene_of(prompt, 0)
        assert {f"event:{prop.kind}" for prop in scene.props} == {t for t in prompt.tags if t.startswith("event:")}
        assert bool(prompt.speech) == (kind != "ambient")
        assert (scene.talker.name if scene.talker else None) == prompt.tag("speaker")
        assert "{" not in prompt.video_caption + prompt.audio_caption
        assert not re.search(r"\b[Oo]ne (\w+ )?\w+s of", prompt.audio_caption), prompt.audio_caption


def test_captions_name_the_event_without_the_tags() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        prompt = sample_prompt(rng, "ambient")
        bare = scene_of(type(prompt)("bare", "", prompt.video_caption, prompt.audio_caption), 0)
        assert f"event:{bare.props[0].kind}" in prompt.tags, (prompt, bare.props[0].kind)


def test_suites_are_never_in_training() -> None:
    rng = np.random.default_rng(2)
    asked = {line.text for name in ("speech", "speech-zh", "complex", "uniavatar")
             for prompt in load_suite(name).prompts for line in prompt.speech}  # fmt: skip
    drawn = {sentence(rng, language) for language in ("en", "zh") for _ in range(4000)}
    assert not asked & drawn
    assert len(drawn) > 7500, "hardly a sentence comes twice"


def test_thousands_of_words() -> None:
    assert len({w for entries in words("en").values() for w in entries}) > 3000
    assert len({w for entries in words("zh").values() for w in entries}) > 1000


def test_sentences_fit_the_clip() -> None:
    rng = np.random.default_rng(3)
    assert max(len(sentence(rng, "en", 4.04).split()) for _ in range(500)) <= 12
    assert max(len(sentence(rng, "en", 2.6).split()) for _ in range(500)) <= 10


def test_same_generator_same_prompts() -> None:
    first, second = ([sample_prompt(np.random.default_rng(9), "complex")] for _ in range(2))
    assert first == second
