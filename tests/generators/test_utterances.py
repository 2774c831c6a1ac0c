"""Sounds without pictures: what they hold, and that a stage trains the audio stream alone on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avbench.generators._joint import data as dataset
from avbench.generators._joint import training
from avbench.generators._joint.data import Dataset
from avbench.generators._joint.recipe import Preset, Stage, Task
from avbench.generators._joint.strangers import SOMEBODY, STRANGERS, stranger
from avbench.generators._joint.text import spell
from avbench.generators._joint.utterances import build_utterances, utter
from avbench.world import speech

pytest.importorskip("wordfreq")
pytest.importorskip("matplotlib")
needs_espeak = pytest.mark.skipif(speech.library() is None, reason="needs espeak-ng")


@needs_espeak
def test_an_utterance_is_heard_and_not_seen(nano: Preset) -> None:
    model = replace(nano.model, frames=101)  # long enough for every word
    letters = replace(model, audio=replace(model.audio, spelling="letters"))
    heard = [utter(index, model, seed=0) for index in range(16)]
    again = utter(3, model, seed=0)
    assert (again.audio == heard[3].audio).all() and again.prompt == heard[3].prompt
    made = [shot for shot in heard if shot.prompt.speech]
    strangers = [shot for shot in made if shot.speaker.startswith("stranger")]
    assert 0 < len(strangers) < len(made)
    assert {shot.prompt.video_caption for shot in strangers} == {SOMEBODY}
    for shot in heard:
        assert shot.frames.size == 0 and shot.mouth.size == 0 and np.abs(shot.audio).max() > 0.1
        assert len(shot.audio) == 101 * 640
        assert len(shot.ends) == len(shot.letters) + 1 and shot.ends == sorted(shot.ends)
    assert all(shot.speaker for shot in made)
    assert [utter(index, letters, seed=0).letters for index in range(4)] == [
        list(spell(shot.prompt.speech[0].text)) if shot.prompt.speech else [] for shot in heard[:4]
    ]


@needs_espeak
def test_events_are_among_the_sounds(nano: Preset) -> None:
    events = [shot for shot in (utter(index, nano.model, seed=0) for index in range(16)) if not shot.prompt.speech]
    assert 1 <= len(events) <= 8
    assert all(shot.prompt.audio_caption and not shot.letters and not shot.speaker for shot in events)


def test_strangers_are_told_by_their_voices() -> None:
    voices = [stranger(number, seed=0) for number in range(STRANGERS)]
    assert len({(v.variant, v.pitch, v.pitch_range, v.rate, v.accent) for v in voices}) > 0.99 * STRANGERS
    assert stranger(5, seed=0) == voices[5] != stranger(5, seed=1)


@needs_espeak
def test_what_is_missing_is_spoken_again(
    nano: Preset, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "SHARD", 2)
    whole = build_utterances(tmp_path, nano.model, 4, 0, data.codecs)
    second = tmp_path / "shard_0001.npz"
    kept = second.read_bytes()
    second.unlink()
    again = build_utterances(tmp_path, nano.model, 4, 0, data.codecs)
    assert second.read_bytes() == kept and len(whole) == len(again) == 4
    batch = again.batch([0, 3], start=1, frames=9)
    assert batch.video.numel() == 0 and batch.audio.shape[0] == 2 and batch.audio.abs().sum() > 0


@needs_espeak
def test_a_stage_of_utterances_trains_the_sound_alone(
    nano: Preset, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "SHARD", 4)
    spoken = build_utterances(tmp_path / "u", nano.model, 4, 0, data.codecs)
    stage = Stage("cts", 1.0, (Task("joint", 1, 1),), voice="other", spoken=1.0)
    config = replace(nano.train, stages=(stage,), batch=4)
    trainer = training.Trainer(nano.model, config, data, tmp_path, utterances=spoken)
    trainer.steps = 10
    total, row = trainer.loss(torch.Generator().manual_seed(0))
    total.backward()
    assert row["task"] == "utterances" and row["video"] == "" and float(row["audio"]) > 0
    trained = {name for name, p in trainer.model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert any(name.startswith("audio.") for name in trained) and not any(name.startswith("video.") for name in trained)
    without = training.Trainer(nano.model, config, data, tmp_path)
    without.steps = 10
    assert without.loss(torch.Generator().manual_seed(0))[1]["task"] in ("joint", "stills")
