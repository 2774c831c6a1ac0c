"""Training resumes to the bit, and its files are what they say."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from avbench.errors import UsageError
from avbench.generators._joint import training, weights
from avbench.generators._joint.data import Batch, Dataset
from avbench.generators._joint.presets import PRESETS
from avbench.generators._joint.recipe import Preset, Stage, Task
from avbench.generators.harmony import Harmony
from avbench.generators.jova import Jova
from avbench.generators.uniavgen import UniAvGen
from avbench.training import Cell, schedule

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def _trainer(nano: Preset, data: Dataset, out: Path) -> training.Trainer:
    return training.Trainer(nano.model, nano.train, data, out)


@pytest.fixture(params=["jova", "uniavgen", "harmony"])
def other(request: pytest.FixtureRequest, small: Callable[[str], Preset]) -> Preset:
    return small(request.param)


@pytest.mark.slow
def test_ten_and_ten_steps_equal_twenty(other: Preset, data: Dataset, tmp_path: Path) -> None:
    """Of every system, through all of its stages."""
    nano = other
    straight = _trainer(nano, data, tmp_path / "a").run(20)
    first = _trainer(nano, data, tmp_path / "b")
    first.out.mkdir()
    halted = _Halt(first, 10)
    halted.run(20)
    second = _trainer(nano, data, tmp_path / "b")
    second.resume()
    assert second.step == 10
    resumed = second.run(20)
    one, other = load_file(straight), load_file(resumed)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    rows = [list(csv.DictReader((tmp_path / x / "losses.csv").open())) for x in "ab"]
    assert list(dict.fromkeys(row["stage"] for row in rows[0])) == [stage.name for stage in nano.train.stages]
    assert [r["step"] for r in rows[0]] == [str(n) for n in range(1, 21)]
    for row, twin in zip(*rows, strict=True):
        assert {k: v for k, v in row.items() if k != "seconds"} == {k: v for k, v in twin.items() if k != "seconds"}


class _Halt:
    """Runs a trainer and interrupts it with SIGINT in step `at`."""

    def __init__(self, trainer: training.Trainer, at: int) -> None:
        self.trainer, self.at = trainer, at
        self.advance = trainer.advance

    def run(self, steps: int) -> None:
        def advance(total: int) -> dict[str, Cell]:
            if self.trainer.step == self.at - 1:
                os.kill(os.getpid(), signal.SIGINT)
            row: dict[str, Cell] = self.advance(total)
            return row

        self.trainer.advance = advance
        with pytest.raises(KeyboardInterrupt):
            self.trainer.run(steps)


@pytest.mark.slow
def test_the_loss_falls_and_the_files_are_there(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    trainer = _trainer(nano, data, tmp_path)
    path = trainer.run(40)
    rows = list(csv.DictReader((tmp_path / "losses.csv").open()))
    duration = [float(row["duration"]) for row in rows if row["duration"]]
    assert sum(duration[-10:]) < 0.7 * sum(duration[:10])
    assert (tmp_path / "losses.png").stat().st_size > 0 and len((tmp_path / "probe.csv").read_text().split()) == 5
    trained = weights.load(path)
    assert trained.facts["steps"] == "40" and trained.model.config == nano.model


@pytest.mark.parametrize("system", ["jova", "uniavgen"])
def test_the_stages_of_a_system_share_its_steps(system: str) -> None:
    train = PRESETS[system]["tiny"].train
    stages = [train.stage_at(step, train.steps) for step in range(train.steps)]
    whole = sum(stage.share for stage in train.stages)
    for stage in train.stages:
        through = [share for each, share in stages if each is stage]
        assert len(through) == pytest.approx(stage.share / whole * train.steps, abs=1)
        assert through[0] == pytest.approx(0, abs=1e-3) and through == sorted(through) and through[-1] < 1


def test_a_face_mask_weight_decays_over_its_stage(
    small: Callable[[str], Preset], data: Dataset, tmp_path: Path
) -> None:
    preset = small("uniavgen")
    trainer = training.Trainer(preset.model, preset.train, data, tmp_path)
    stage = next(stage for stage in preset.train.stages if any(stage.mask))
    assert [trainer._mask_weight(stage, x) for x in (0, 0.5, 1)] == pytest.approx([0.1, 0.05, 0])
    trainer.model_config = replace(preset.model, interaction=replace(preset.model.interaction, fam="fixed"))
    assert trainer._mask_weight(stage, 1.0) == pytest.approx(0.1)


def test_the_sum_of_tasks_is_the_weighted_sum(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    """`cts_mode: sum` trains all tasks on a batch, each with its weight."""
    stage = Stage("s", 1, (Task("audio_driven", 0.5, 0.1), Task("video_driven", 0.5, 0.3)))
    config = replace(nano.train, stages=(stage,), cts_mode="sum", stills_p=0.0, anchor_p=0.0)
    trainer = training.Trainer(nano.model, config, data, tmp_path)
    trainer.steps = 10
    total, row = trainer.loss(torch.Generator().manual_seed(0))
    assert row["task"] == "audio_driven+video_driven"
    expected = 0.1 * float(row["video"]) + 0.3 * float(row["audio"]) + float(row["duration"]) / 2
    assert total.item() == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("kind", ["same", "other"])
def test_a_reference_voice_is_of_the_speaker(data: Dataset, kind: str) -> None:
    voices = data.voices([0, 1], kind, 10, torch.Generator().manual_seed(0))  # 0 is ana's; 1 is nobody's
    lenders = [[n for n in range(len(data)) if _holds(data.audio[n].float(), voice)] for voice in voices]
    assert lenders[1] == [1]
    assert lenders[0] == [0] if kind == "same" else set(lenders[0]) <= {3, 6, 9} and lenders[0]


def _holds(audio: torch.Tensor, voice: torch.Tensor) -> bool:
    return any(torch.equal(audio[n : n + len(voice)], voice) for n in range(len(audio) - len(voice) + 1))


def test_nothing_to_resume_is_said(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to resume"):
        _trainer(nano, data, tmp_path).resume()


def test_a_foreign_file_is_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(UsageError, match=r"x\.safetensors is no weights file"):
        weights.load(path)


def test_schedule_warms_up_and_cools_down(nano: Preset) -> None:
    rates = [schedule(step, 100, nano.train) for step in range(100)]
    assert rates[0] == pytest.approx(0.2) and rates[50] == 1 and rates[-1] == pytest.approx(0.05)
    assert rates[90] == pytest.approx(0.5)


def test_what_sampling_leaves_behind_can_be_trained_on(
    nano: Preset, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotations are made once a shape, perhaps while the gallery samples."""
    monkeypatch.setattr("avbench.training.halves", lambda device: False)  # in bf16 they are copied
    trainer = _trainer(nano, data, tmp_path)
    trainer.steps = 10
    with torch.inference_mode():
        trainer.loss(torch.Generator().manual_seed(0))
    trainer.loss(torch.Generator().manual_seed(0))[0].backward()


def test_a_training_begins_with_given_weights(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    first = _trainer(nano, data, tmp_path)
    path = first.export()
    learned = weights.begun(path, nano.model, tmp_path / "rendered")
    second = training.Trainer(nano.model, replace(nano.train, seed=5), data, tmp_path, learned=learned)
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], tensor.half().float())
    kept = weights.Codecs.of(load_file(tmp_path / "rendered" / "codecs.safetensors"))
    assert torch.equal(kept.audio.pca.basis, data.codecs.audio.pca.basis)  # what is rendered there is encoded by it


def test_weights_that_spell_otherwise_lend_all_but_their_letters(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    by_sounds = replace(nano.model, audio=replace(nano.model.audio, spelling="sounds"))
    by_letters = replace(nano.model, audio=replace(nano.model.audio, spelling="letters"))
    first = training.Trainer(by_letters, nano.train, data, tmp_path)
    learned = weights.begun(first.export(), by_sounds, tmp_path / "rendered")
    missing = set(first.model.state_dict()) - set(learned)
    assert missing == {"texts.speech.embed.weight", "texts.durations.embed.weight"}
    training.Trainer(by_sounds, nano.train, data, tmp_path, learned=learned).loss(torch.Generator().manual_seed(0))


def test_weights_of_another_model_or_of_other_codecs_are_refused(nano: Preset, data: Dataset, tmp_path: Path) -> None:
    path = _trainer(nano, data, tmp_path).export()
    with pytest.raises(UsageError, match="another model than the preset's"):
        weights.begun(path, replace(nano.model, layers=1), tmp_path)
    other = {name: tensor.contiguous() + 1 for name, tensor in data.codecs.tensors().items()}
    save_file(other, tmp_path / "codecs.safetensors")
    with pytest.raises(UsageError, match="encoded by other codecs; use a new --out"):
        weights.begun(path, nano.model, tmp_path)
    refitted = {name: tensor.contiguous() * (1 + 1e-7) for name, tensor in data.codecs.tensors().items()}
    save_file(refitted, tmp_path / "codecs.safetensors")  # by another machine: the same but for the last bits
    assert weights.begun(path, nano.model, tmp_path)


@pytest.mark.parametrize(("crop", "latents"), [(5, 2), (0, 3)])
def test_a_stage_may_have_crops_of_its_own(
    nano: Preset, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crop: int, latents: int
) -> None:
    seen: list[int] = []
    cut = Dataset.batch

    def watched(self: Dataset, indices: list[int], start: int = 0, frames: int | None = None) -> Batch:
        batch = cut(self, indices, start, frames)
        seen.append(batch.video.shape[2])
        return batch

    monkeypatch.setattr(Dataset, "batch", watched)
    stage = Stage("near", 1.0, (Task("joint", 1, 1),), crop=crop)
    config = replace(nano.train, stages=(stage,), crop_p=1.0, stills_p=0.0)
    trainer = training.Trainer(nano.model, config, data, tmp_path)
    trainer.steps = 10
    trainer.loss(torch.Generator().manual_seed(0))
    assert nano.train.crop == 9 and seen == [latents]


def test_a_preset_that_goes_on_asks_for_weights(tmp_path: Path) -> None:
    for system in (Harmony, Jova, UniAvGen):
        with pytest.raises(
            UsageError, match=rf"goes on from weights; say which, such as --from .*{system.system}_tiny"
        ):
            system.train("further", tmp_path / "out", resume=False, device="cpu", steps=None)
    assert not (tmp_path / "out").exists()
