"""The world's recogniser: from phonemes to words, what its texts are, and that it trains to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avbench.metrics._backbones.world_ear import load
from avbench.metrics._backbones.world_ear_net import Ear, EarConfig
from avbench.metrics._backbones.world_lexicon import Entry, Lexicon, Tree
from avbench.metrics._backbones.world_mel import log_mel
from avbench.metrics._backbones.world_pitch import REACH, STEP, pitches
from avbench.metrics._backbones.world_text import pinyin, spoken_letters
from avbench.metrics._backbones.world_words import Costs, decode, joined

WORDS = (
    Entry("a", (1,), (0,), -1.0),
    Entry("cat", (2, 1, 3), (0, 0, 0), -4.0),
    Entry("cats", (2, 1, 3, 4), (0, 0, 0, 0), -6.0),
    Entry("act", (1, 2, 3), (0, 0, 0), -7.0),
    Entry("+k", (2,), (0,), 0.0),
    Entry("+a", (1,), (0,), 0.0),
    Entry("+t", (3,), (0,), 0.0),
)


def said(phones: str, sure: float = 0.99, kinds: int = 5, slots: int = 3) -> NDArray[np.float32]:
    """Log probabilities of a string of phoneme numbers, each for three slots."""
    path = np.repeat([int(phone) for phone in phones], slots)
    table = np.full((len(path), kinds), (1 - sure) / (kinds - 1))
    table[np.arange(len(path)), path] = sure
    return np.asarray(np.log(table), np.float32)


def written(phones: str, sure: float = 0.99, words: tuple[Entry, ...] = WORDS, costs: Costs | None = None) -> str:
    table = said(phones, sure)
    tones = np.zeros((len(table), 6), np.float32)
    return str(joined(decode(table, tones, Tree.of(words), costs or Costs())[0]))


@pytest.mark.parametrize(
    ("phones", "text"),
    [
        ("02130", "cat"),
        ("02130002130", "cat cat"),
        ("02300", "kt"),  # what no word fits is spelled by its sounds
        ("02134", "cats"),
        ("00000", ""),
        ("0100213", "a cat"),
        ("123213", "act cat"),  # no pause between words is needed
    ],
)
def test_phonemes_become_words(phones: str, text: str) -> None:
    assert written(phones, 0.999, costs=Costs(words=1.0, word=1.0, piece=4.0)) == text


def test_a_word_is_preferred_to_a_doubtful_sound() -> None:
    assert written("0224130", 0.5, costs=Costs(piece=20.0)) in ("cat", "cats")


@given(st.lists(st.sampled_from(["cat", "cats", "act"]), min_size=1, max_size=5))
def test_any_row_of_words_is_read_back(words: list[str]) -> None:
    spelled = {entry.text: "".join(map(str, entry.phones)) for entry in WORDS}
    assert written("0".join(["", *(spelled[word] for word in words), ""]), 0.9999) == " ".join(words)


def test_tones_tell_syllables_apart() -> None:
    entries = (Entry("ma1", (2, 1), (1, 1), -2.0), Entry("ma3", (2, 1), (3, 3), -1.0))
    tones = np.log(np.full((6, 6), 0.01, np.float32))
    tones[:, 1] = np.log(0.95)
    assert decode(said("21"), tones, Tree.of(entries), Costs())[0] == ["ma1"]


def test_a_lexicon_survives_its_file() -> None:
    lexicon = Lexicon(("_", "a", "k"), {"en-us": (Entry("ka", (2, 1), (0, 0), -1.5), Entry("+a", (1,), (0,), 0.0)),
                                        "cmn": (Entry("ka3", (2, 1), (3, 3), -2.0),)})  # fmt: skip
    assert Lexicon.unpack(lexicon.pack()) == lexicon


@pytest.mark.parametrize(
    ("text", "letters"),
    [("The train’s late -- isn't it?", "the train's late isn't it"), ("'Café' NOIR", "cafe noir"), ("!?", "")],
)
def test_letters(text: str, letters: str) -> None:
    assert spoken_letters(text) == letters


def test_homophones_are_one_pinyin() -> None:
    assert pinyin("他在公园。") == pinyin("她在公园") == "ta1 zai4 gong1 yuan2"
    assert pinyin("绿色 WiFi") == "lv4 se4 wifi"


def test_level_and_padding_do_not_change_what_is_heard() -> None:
    sound = torch.from_numpy(np.random.default_rng(0).standard_normal(6400).astype(np.float32) * 0.1)
    alone = log_mel(sound[None])
    torch.testing.assert_close(log_mel(sound[None] * 3), alone, atol=2e-3, rtol=0)
    padded = torch.cat([sound, torch.zeros(6400)])[None]
    found = log_mel(padded, torch.tensor([6400]))
    torch.testing.assert_close(found[..., :38], alone[..., :38], atol=2e-2, rtol=0)
    assert not found[..., 40:].any()
    assert not pitches(padded, torch.tensor([6400]), 80)[..., 40:].any()
    once = pitches(sound[None], torch.tensor([6400]), 40)
    torch.testing.assert_close(pitches(sound[None] * 3, torch.tensor([6400]), 40), once, atol=2e-2, rtol=0)


def test_a_glide_is_told_in_semitones_from_the_voice_s_mean() -> None:
    semitones = np.concatenate([np.linspace(-3, 3, 8000), np.full(8000, 3), np.full(8000, -3)])
    for voice in (110.0, 220.0):
        phase = np.cumsum(voice * 2 ** (semitones / 12)) * 2 * np.pi / 16_000
        harmonics = np.sum([np.sin(k * phase) / k for k in range(1, 6)], axis=0)
        sound = torch.from_numpy(0.1 * harmonics.astype(np.float32))[None]
        found = pitches(sound, torch.tensor([sound.shape[1]]), 150)[0]
        said = (found.argmax(0) - REACH) * STEP
        for column in (5, 25, 45, 75, 125):
            assert abs(float(said[column]) - semitones[column * 160 + 160]) <= 0.75
        assert float(found.max()) == pytest.approx(1, abs=0.05)


def test_there_are_two_answers_every_forty_milliseconds() -> None:
    net = Ear(EarConfig(phones=7, width=16, blocks=1)).eval()
    phones, tones = net.hear(torch.zeros(16_000), "zh")
    assert phones.shape == (50, 7) and tones.shape == (50, 6)
    torch.testing.assert_close(phones.exp().sum(-1), torch.ones(50))


@pytest.mark.slow
def test_a_training_that_was_stopped_ends_the_same(tmp_path: Path) -> None:
    pytest.importorskip("wordfreq", reason="the extra train is not installed")
    pytest.importorskip("matplotlib", reason="the extra train is not installed")
    from avbench.metrics._world._asr_data import Dataset
    from avbench.metrics._world.asr import RECIPES, AsrTraining, kept_lexicon

    recipe = RECIPES["nano"]
    lexicon = kept_lexicon(tmp_path, recipe)
    data = Dataset(tmp_path / "data", recipe.utterances, recipe.noises, recipe.held_out, recipe.seed, lexicon.symbols)
    whole, first, second = (AsrTraining(recipe, data, lexicon, tmp_path) for _ in range(3))
    for _ in range(8):
        whole.advance(8)
    for _ in range(4):
        first.advance(8)
    first.save()
    second.resume()
    for _ in range(4):
        second.advance(8)
    assert all(torch.equal(second.average[name], tensor) for name, tensor in whole.average.items())
    found = whole.probe()
    assert set(found) == set(AsrTraining.probe_columns) and 0 <= found["slots_right"] <= 1
    net, kept = load(whole.export())
    assert kept.symbols == lexicon.symbols and net.config.width == recipe.width
