"""Harmony as a generator."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from avbench.errors import UsageError
from avbench.generators._joint.config import SampleConfig
from avbench.generators._joint.data import Dataset
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.recipe import Preset
from avbench.generators._joint.weights import save
from avbench.generators.harmony import Harmony
from avbench.generators.world import World
from avbench.parts import Generator, Request
from avbench.records import Prompt, SpeechLine
from avbench.registry import load
from avbench.world import speech


@pytest.fixture
def little(model: JointModel, nano: Preset, data: Dataset, tmp_path: Path) -> Harmony:
    path = tmp_path / "w.safetensors"
    save(path, nano.model, model.state_dict(), data.codecs, {"steps": "0"})
    return Harmony(weights=path, config=SampleConfig(steps=3))


def _talk(seed: int) -> Request:
    line = (SpeechLine("Hello again."),)
    return Request(Prompt("p", video_caption="A woman speaks.", speech=line, seconds=0.68), seed)


def test_a_clip_depends_on_its_request_alone(little: Harmony) -> None:
    alone = little.generate([_talk(5)])[0]
    among = little.generate([_talk(9), _talk(5), _talk(7)])
    assert np.array_equal(alone.frames, among[1].frames) and np.array_equal(alone.audio, among[1].audio)
    assert not np.array_equal(alone.frames, among[0].frames)


@pytest.mark.parametrize(("seconds", "frames"), [(0.68, 17), (0.3, 9), (9.0, 17)])
def test_frames_and_sound_are_equally_long(little: Harmony, seconds: float, frames: int) -> None:
    sample = little.generate([Request(Prompt("p", seconds=seconds), 1)])[0]
    assert sample.frames.shape == (frames, 32, 32, 3) and sample.frames.dtype == np.uint8
    assert sample.audio.shape == (frames * 640,) and sample.audio.dtype == np.float32 and sample.sample_rate == 16000


def test_text_reaches_the_clip(little: Harmony) -> None:
    quiet = little.generate([Request(Prompt("p", video_caption="A woman speaks.", seconds=0.68), 5)])[0]
    assert not np.array_equal(quiet.audio, little.generate([_talk(5)])[0].audio)


def test_settings_name_the_weights(little: Harmony) -> None:
    settings = little.settings()
    assert len(str(settings["weights"])) == 64 and settings["steps"] == 3


def test_settings_say_what_reads_english(little: Harmony, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that goes on where another engine reads would mix two models."""
    assert little.settings()["english"] == World().settings()["speech"] == speech.engine()
    monkeypatch.setattr(speech, "library", lambda: None)
    assert little.settings()["english"] == World().settings()["speech"] == "formants"


def test_the_users_own_weights_come_before_the_packages(
    little: Harmony, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path / "home"))
    shipped = Harmony().settings()["weights"]
    (tmp_path / "home" / "weights").mkdir(parents=True)
    (tmp_path / "w.safetensors").rename(tmp_path / "home" / "weights" / "harmony_tiny.safetensors")
    assert Harmony().settings()["weights"] == little.settings()["weights"] != shipped


def test_missing_weights_say_how_to_train(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="avbench train harmony --preset tiny"):
        Harmony(weights=tmp_path / "none.safetensors")


def test_unknown_presets_and_held_folders_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(UsageError, match="tiny, further, voices, nano, grid"):
        Harmony.train("huge", tmp_path, resume=False, device="cpu", steps=None)
    (tmp_path / "last.pt").touch()
    with pytest.raises(UsageError, match="--resume"):
        Harmony.train("nano", tmp_path, resume=False, device="cpu", steps=None)


def test_the_registry_finds_it() -> None:
    assert load(Generator, "harmony") is Harmony


@pytest.mark.slow
def test_the_command_trains_and_shows_what_becomes_of_it(tmp_path: Path) -> None:
    """Nano on the world: curves, samples with scores or reasons, one page of all, and weights that sample."""
    pytest.importorskip("matplotlib")
    out = tmp_path / "run"
    command = [sys.executable, "-m", "avbench", "train", "harmony", "--preset", "nano", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.strip() == str(out / "weights.safetensors"), done.stderr
    clips = sorted((out / "samples" / "000020").glob("*.mp4"))
    assert [clip.stem for clip in clips] == sorted(
        f"{kind}-{n}" for kind in ("speech", "ambient", "complex") for n in "01"
    )
    rows = list(csv.DictReader((out / "samples.csv").open()))
    assert {row["prompt"] for row in rows} == {clip.stem for clip in clips} and {row["step"] for row in rows} == {"20"}
    assert {"lse_c", "wer", "temporal_flickering"} <= {row["metric"] for row in rows}
    assert all(bool(row["value"]) != bool(row["reason"]) for row in rows) and any(row["value"] for row in rows)
    page = (out / "index.html").read_text()
    linked = re.findall(r'src="([^"]+)"', page)
    assert len(linked) == 8 and all((out / source).is_file() for source in linked)
    assert [row["step"] for row in csv.DictReader((out / "losses.csv").open())] == [str(n) for n in range(1, 21)]
    sample = Harmony(weights=out / "weights.safetensors", config=SampleConfig(steps=2)).generate(
        [Request(Prompt("p", seconds=1.3), 0)]
    )[0]
    assert sample.frames.shape == (33, 32, 32, 3)
