"""Training on one's own clips, by several processes, and clips made from references."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from avbench.cli import app
from avbench.errors import UsageError
from avbench.generators._joint.config import SampleConfig
from avbench.generators._joint.data import Dataset
from avbench.generators._joint.making import desk_of, make
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.own import encode, spread
from avbench.generators._joint.recipe import Preset
from avbench.generators._joint.references import given_of
from avbench.generators._joint.text import sounded
from avbench.media import mux
from avbench.parts import Request
from avbench.records import Prompt, Sample

SECOND = 16000


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten clips of 48 x 40 pixels at 30 fps, a tone from 0.2 to 0.6 s in each, and their captions."""
    out, rng, lines = tmp_path_factory.mktemp("own"), np.random.default_rng(0), []
    for n in range(10):
        time = np.arange(SECOND * 4 // 5) / SECOND
        tone = 0.4 * np.sin(2 * np.pi * (300 + 40 * n) * time) * ((time > 0.2) & (time < 0.6))
        frames = np.repeat(rng.integers(0, 255, (1, 40, 48, 3)), 24, 0).astype(np.uint8)
        mux.write(out / f"{n}.mp4", Sample(frames, Fraction(30), tone.astype(np.float32), SECOND))
        line = {"path": f"{n}.mp4", "video_caption": f"Clip {n}."}
        if n % 2:
            line["speech"] = [{"text": "Hello you.", "language": "en", "speaker": "tom"}]  # type: ignore[assignment]
        lines.append(json.dumps(line))
    (out / "captions.jsonl").write_text("\n".join(lines))
    return out


def test_own_clips_become_a_training_set(folder: Path, nano: Preset, tmp_path: Path) -> None:
    data = encode(folder, tmp_path, nano.model)
    assert len(data) == 10 and data.video.shape[1:] == (48, 5, 4, 4)
    assert data.letters[1] == sounded("hello you") and data.letters[0] == [] and data.speaker[:2] == ["", "tom"]
    assert data.ends[1][0] == pytest.approx(0.2, abs=0.03) and data.ends[1][-1] == pytest.approx(0.6, abs=0.03)
    assert not data.mouth.any() and data.face.isnan().all()
    assert len(encode(folder, tmp_path, nano.model)) == 10  # what is there is read again


def test_letters_share_the_sound_evenly() -> None:
    sound = np.zeros(SECOND, np.float32)
    sound[SECOND // 4 : SECOND * 3 // 4] = 0.5
    assert spread("abcd", sound) == pytest.approx([0.25, 0.375, 0.5, 0.625, 0.75])
    assert spread("", sound) == [0.0] and spread("ab", np.zeros(SECOND, np.float32)) == [0.0, 0.5, 1.0]


def test_a_folder_without_captions_is_said(nano: Preset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"captions\.jsonl does not exist"):
        encode(tmp_path, tmp_path / "out", nano.model)
    (tmp_path / "captions.jsonl").write_text('{"path": "gone.mp4", "video_caption": "x"}')
    with pytest.raises(UsageError, match=r"gone\.mp4"):
        encode(tmp_path, tmp_path / "out", nano.model)


def test_scorers_take_no_clips(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["train", "syncnet", "--data", str(tmp_path), "--out", str(tmp_path / "o")])
    assert isinstance(found.exception, UsageError) and "world only" in str(found.exception)


def test_scorers_begin_with_nothing(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["train", "syncnet", "--from", str(tmp_path), "--out", str(tmp_path / "o")])
    assert isinstance(found.exception, UsageError) and "only generators begin with weights" in str(found.exception)


def test_references_choose_the_mode(
    folder: Path, data: Dataset, small: Callable[[str], Preset], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = JointModel(replace(small("uniavgen").model, layers=1)).eval().requires_grad_(False)
    clip = folder / "1.mp4"
    plain = Prompt("p", video_caption="A man.", seconds=0.68)
    told = replace(plain, reference_image=clip, reference_audio=clip)
    given = given_of(desk_of(model, data.codecs), told, 17)
    assert given.picture is not None and given.voice is not None
    assert given.voice.shape[1] in (25, 26)  # 0.8 s, and what AAC pads
    driven = given_of(desk_of(model, data.codecs), replace(told, tags=("mode:audio_driven",)), 17)
    assert driven.audio is not None and driven.audio.shape == (1, 22, 40) and driven.voice is None
    shown = given_of(desk_of(model, data.codecs), replace(plain, reference_video=clip, tags=("mode:video_driven",)), 17)
    assert shown.video is not None and shown.video.shape == (1, 48, 5, 4, 4)
    begun = replace(plain, reference_video=clip, tags=("mode:continuation",))
    first = given_of(desk_of(model, data.codecs), begun, 17)
    assert first.first_video is not None and first.first_video.shape[2] == 2
    sample = make(model, data.codecs, Request(begun, 1), SampleConfig(steps=1, guidance="none"))
    assert sample.frames.shape == (17, 32, 32, 3)
    deaf = JointModel(replace(small("harmony").model, layers=1, voice=False))
    assert given_of(desk_of(deaf, data.codecs), told, 17).voice is None  # trained without a voice: left out
    for wrong, said in ((("mode:dance",), "known: joint"), (("mode:video_driven",), "needs reference_video")):
        with pytest.raises(UsageError, match=said):
            given_of(desk_of(model, data.codecs), replace(plain, tags=wrong), 17)


TEAM = """
import sys, torch
from dataclasses import replace
from pathlib import Path
from avbench.generators._joint import training
from avbench.generators._joint.own import encode
from avbench.generators._joint.presets import PRESETS
from avbench.generators._joint.references import given_of
from avbench.team import Team
torch.set_num_threads(1)
clips, rows, out = map(Path, sys.argv[1:4])
nano = PRESETS["harmony"]["nano"]
model = replace(nano.model, frames=17, layers=1)
recipe = replace(nano.train, held_out=2, crop=9, probe_every=99, save_every=99, stills_p=0.5, steps=6)
team = Team.join("cpu")
training.Trainer(model, recipe, encode(clips, rows, model), out, "cpu", team).run(6)
if team.leads:
    print("size", team.size)
"""


@pytest.mark.slow
def test_two_processes_train_what_one_does(folder: Path, nano: Preset, tmp_path: Path) -> None:
    """The batch is divided: the weights differ by rounding alone."""
    pytest.importorskip("matplotlib")
    from safetensors.torch import load_file

    encode(folder, tmp_path / "rows", replace(nano.model, layers=1))
    (tmp_path / "team.py").write_text(TEAM)
    told = [str(tmp_path / "team.py"), str(folder), str(tmp_path / "rows")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *told, str(tmp_path / "one")], check=True, env=environment, capture_output=True)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    found = subprocess.run(
        [*launch, *told, str(tmp_path / "two")], env=environment, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0 and "size 2" in found.stdout, found.stderr[-2000:]
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    far = max(float((one[name].float() - two[name].float()).abs().max()) for name in one)
    fresh = max(float((one[name].float()).abs().max()) for name in one)
    assert 0 <= far < 0.01 < fresh
    losses = [(tmp_path / name / "losses.csv").read_text().splitlines() for name in ("one", "two")]
    assert [row.split(",")[:3] for row in losses[0]] == [row.split(",")[:3] for row in losses[1]]
