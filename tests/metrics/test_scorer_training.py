"""The recipes of the world's scorers on toy clips: to the bit the same after an interruption, and losses that fall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from avbench.metrics._backbones import _shipped, synchformer, syncnet
from avbench.metrics._world import _prompts, domain
from avbench.metrics._world import synchformer as shifts
from avbench.metrics._world import syncnet as lips
from avbench.world import faults
from avbench.world.speakers import HELD_OUT
from avbench.world.truth import Take, Truth

pytest.importorskip("matplotlib")
Clips = dict[str, list[NDArray[Any]]]


def talkers(count: int) -> Clips:
    """A bright bar under a grey face that is as high as a tone is loud."""
    rng = np.random.default_rng(0)
    clips: Clips = {"crops": [], "audio": [], "aperture": []}
    for _ in range(count):
        opened = np.abs(np.sin(np.cumsum(rng.uniform(0.1, 0.6, 100)))).astype(np.float32)
        crops = np.full((100, 64, 64, 3), 90, np.uint8)
        for t, height in enumerate((opened * 16).astype(int)):
            crops[t, 40 : 40 + height, 24:40] = 240
        tone = np.sin(np.arange(64000) * 0.2) * np.repeat(opened, 640) * 9000
        arrays: tuple[NDArray[Any], ...] = (crops, tone.astype(np.int16), opened)
        for name, array in zip(clips, arrays, strict=True):
            clips[name].append(array)
    return clips


def scenes(count: int) -> Clips:
    """A white frame with a click, now and then."""
    rng = np.random.default_rng(1)
    clips: Clips = {"frames": [], "audio": [], "aperture": [], "onsets": []}
    for _ in range(count):
        frames, audio = np.full((153, 64, 64, 3), 40, np.uint8), np.zeros(97920, np.int16)
        onsets = np.zeros(153, np.float32)
        for at in rng.integers(0, 150, 6):
            frames[at : at + 2], onsets[at] = 230, 1
            audio[at * 640 : at * 640 + 300] = rng.integers(-9000, 9000, 300)
        arrays: tuple[NDArray[Any], ...] = (frames, audio, np.zeros(153, np.float32), onsets)
        for name, array in zip(clips, arrays, strict=True):
            clips[name].append(array)
    return clips


def stills(count: int) -> Clips:
    return {"stills": list(np.random.default_rng(2).integers(0, 256, (count, 3, 64, 64, 3), dtype=np.uint8))}


def sync_net(out: Path) -> Any:
    return lips.SyncNetTraining(lips.NANO, talkers(4), talkers(1), out)


def synch_former(out: Path) -> Any:
    return shifts.SynchformerTraining(shifts.NANO, scenes(3), scenes(1), out)


def domain_check(out: Path) -> Any:
    pytest.importorskip("skimage")
    return domain.DomainTraining(domain.NANO, stills(3), stills(1), out)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("make", [sync_net, synch_former, domain_check])
def test_a_training_in_two_parts_equals_one(make: Callable[[Path], Any], tmp_path: Path) -> None:
    """The synchformer is stopped in the middle of its second stage, whose features are not in the checkpoint."""
    straight = make(tmp_path / "a").run(4)
    make(tmp_path / "b").run(2)
    second = make(tmp_path / "b")
    second.resume()
    assert second.step == 2
    assert straight.read_bytes() == (resumed := second.run(4)).with_name("weights.safetensors").read_bytes() or (
        _same(straight, resumed)
    )


def _same(a: Path, b: Path) -> bool:
    """Equal weights; the hours differ."""
    from safetensors.torch import load_file

    one, other = load_file(a), load_file(b)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_exported_is_read_back(tmp_path: Path) -> None:
    net = _shipped.read(syncnet.load_sized, sync_net(tmp_path / "lips").run(2))
    assert net.config == lips.NANO.net and not net.training
    former = _shipped.read(synchformer.load_sized, synch_former(tmp_path / "shifts").run(1))
    assert former.config == shifts.NANO.net


@pytest.mark.slow
def test_lips_are_learnt(tmp_path: Path) -> None:
    preset = replace(lips.NANO, stretch=30, net=replace(lips.NANO.net, hidden=16, dim=16), probe_every=60, warmup=5)
    training = lips.SyncNetTraining(preset, talkers(6), talkers(2), tmp_path)
    training.run(60)
    rows = (tmp_path / "losses.csv").read_text().splitlines()[1:]
    told = [float(row.split(",")[3]) for row in rows]
    assert np.mean(told[-10:]) < 0.8 * np.mean(told[:10])


def test_an_offset_is_shared_by_the_classes_it_lies_between() -> None:
    shares = shifts.between(torch.tensor([0.0, 0.05, -1.9, 3.0]))
    torch.testing.assert_close(shares.sum(1), torch.ones(4))
    assert shares[0].nonzero().flatten().tolist() == [10]
    torch.testing.assert_close(shares[1, 10:12], torch.tensor([0.75, 0.25]), atol=1e-5, rtol=0)
    torch.testing.assert_close(shares[2, :2], torch.tensor([0.5, 0.5]), atol=1e-5, rtol=0)
    assert shares[3].argmax() == 20


def test_sound_from_later_on_is_early() -> None:
    """The sign of the second stage's draws is that of the metric: above 0 the sound runs ahead of the picture."""
    steps = torch.arange(20, dtype=torch.float32)
    kept = shifts.Kept(steps[None, :, None, None].expand(1, 20, 8, 4), steps.repeat_interleave(4)[None, :, None, None])
    video, audio, offset = kept.draw(2 * 2, shifts.NANO.net.segments, torch.Generator().manual_seed(0))
    ahead = audio[:, 0, 0, 0] - video[:, 0, 0, 0]
    assert ((ahead > 1) <= (offset > 0)).all() and ((ahead < -1) <= (offset < 0)).all()
    assert (offset / 0.08 - (offset / 0.08).round()).abs().max() < 1e-4


@pytest.mark.parametrize("frames", [-12, -1, 0, 5])
def test_the_probe_shifts_sound_as_the_fault_does(frames: int) -> None:
    audio = np.random.default_rng(0).integers(-9000, 9000, 64000).astype(np.int16)
    empty = np.zeros((100, 4), np.float32)
    truth = Truth((), (), (), empty, empty, empty, np.zeros(100, np.float32), None, False)
    take = Take(np.zeros((100, 2, 2, 3), np.uint8), Fraction(25), (audio / 32768).astype(np.float32), 16000, truth)
    moved = faults.shift_audio(take, frames / 25).audio * 32768
    np.testing.assert_array_equal(lips.shift(audio, frames), moved.astype(np.int16))


@pytest.mark.parametrize("held_out", [False, True])
def test_held_out_speakers_are_held_out(held_out: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        prompt = _prompts.training_prompt(rng, "speech", held_out, sentences=2)
        assert (prompt.speech[0].speaker in HELD_OUT) is held_out
        assert prompt.tag("speaker") == prompt.speech[0].speaker
