"""The common space of the world: what goes in, what comes out, and that it trains to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from avbench.metrics._backbones.world_space import load
from avbench.metrics._backbones.world_space_net import Space, SpaceConfig, word_ids
from avbench.metrics._world._trimodal_data import Dataset, prompt_of, shoot
from avbench.metrics._world.trimodal import RECIPES, TrimodalTraining, recalled

SMALL = SpaceConfig(out=16, width=16, picture=4, sound=16)


@torch.inference_mode()
def test_every_tower_gives_unit_vectors_of_any_length() -> None:
    torch.manual_seed(0)
    net = Space(SMALL).eval()
    for count in (1, 5):
        frames = torch.randint(0, 255, (2, count, 64, 64, 3), dtype=torch.uint8)
        for found in (net.video(frames), net.audio(torch.randn(2, 80, 100 * count))):
            assert found.shape == (2, 16)
            torch.testing.assert_close(found.norm(dim=-1), torch.ones(2))
    words = torch.from_numpy(np.stack([word_ids("A dog barks."), word_ids("a DOG barks")]))
    one, other = net.read(words)
    torch.testing.assert_close(one, other)


def test_words_are_told_apart_and_order_is_kept() -> None:
    assert (word_ids("rain falls") != word_ids("falls rain")).any()
    assert word_ids("狗叫").astype(bool).sum() == 2
    assert not word_ids("").any()


def test_the_loss_falls_when_what_belongs_together_is_near() -> None:
    net = Space(SMALL)
    rows = torch.eye(4)
    assert net.agree(rows, rows) < net.agree(rows, rows.roll(1, 0))
    assert recalled(rows, rows) == [1.0] * 4
    assert recalled(rows, rows.roll(1, 0)) == [0.0] * 4


def test_a_clip_is_made_from_its_number_alone() -> None:
    number = next(n for n in range(50) if not prompt_of(n, 5)[0].speech)
    first, again = shoot(number, 5), shoot(number, 5)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert first["frames"].shape == (9, 64, 64, 3) and first["mel"].shape == (80, 404)
    assert first["seen"].any() and first["heard"].any()


def test_speakers_are_held_out() -> None:
    spoken = [prompt_of(n, 5, held_out=n % 2 == 0)[0] for n in range(40)]
    assert all(
        (p.speech[0].speaker in ("dara", "ivan", "lucia")) is (n % 2 == 0) for n, p in enumerate(spoken) if p.speech
    )


@pytest.mark.slow
def test_a_training_that_was_stopped_ends_the_same(tmp_path: Path) -> None:
    recipe = RECIPES["nano"]
    data = Dataset(tmp_path / "data", recipe.clips, recipe.held_out, recipe.seed)
    whole, first, second = (TrimodalTraining(recipe, data, tmp_path) for _ in range(3))
    for _ in range(8):
        whole.advance(8)
    for _ in range(4):
        first.advance(8)
    first.save()
    second.resume()
    for _ in range(4):
        second.advance(8)
    assert all(torch.equal(second.average[name], tensor) for name, tensor in whole.average.items())
    assert set(whole.probe()) == set(TrimodalTraining.probe_columns)
    net = load(whole.export())
    assert net.config == recipe.net
