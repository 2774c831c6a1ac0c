"""The world's lip sync and DeSync: through the official code with small networks, in or out of domain, with reasons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.metrics._backbones import _shipped, synchformer, syncnet
from avbench.metrics._backbones.haar import Haar, faces
from avbench.metrics._world import synchformer as shifts
from avbench.metrics._world import syncnet as lips
from avbench.parts import Benchmark, Metric
from avbench.records import Prompt, Score, SpeechLine
from avbench.registry import load
from avbench.world.render import render
from avbench.world.truth import Take

METRICS = {name: load(Metric, name) for name in ("lipsync_world", "desync_world")}  # before any test moves the weights
NAMES = tuple(METRICS)


@pytest.fixture
def untrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights in the place of those that ship; the domain check is the shipped one."""
    torch.manual_seed(0)
    (tmp_path / "domain.safetensors").symlink_to(_shipped.FOLDER / "domain.safetensors")
    for name, net, sizes in (
        ("syncnet", syncnet.SyncNet(lips.NANO.net), lips.NANO.net),
        ("synchformer", synchformer.Synchformer(shifts.NANO.net), shifts.NANO.net),
    ):
        fields = {key: getattr(sizes, key) for key in sizes.__slots__}
        _shipped.write(tmp_path / f"{name}.safetensors", net.state_dict(), fields, {})
    monkeypatch.setattr(_shipped, "FOLDER", tmp_path)


@pytest.fixture(scope="module")
def talker() -> tuple[Prompt, Take]:
    prompt = load(Benchmark, "speech")().prompts()[0]
    return prompt, render(prompt, seed=5, size=64)


def _value(cell: float | Score) -> float:
    value = cell.value if isinstance(cell, Score) else cell
    assert value is not None
    return value


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("name", NAMES)
def test_a_clip_of_the_world_has_every_column(
    name: str, talker: tuple[Prompt, Take], arrays: Any, score: Callable[..., dict[str, float | Score]]
) -> None:
    prompt, take = talker
    answer = score(name, arrays(take.frames, take.audio, take.sample_rate), prompt)
    values = {key: _value(cell) for key, cell in answer.items()}
    columns = load(Metric, name).columns
    for column in columns:
        assert column.low <= values[column.name] <= column.high
    if name == "lipsync_world":
        assert values["lse_tracks"] == 1 and values["lse_face_ratio"] == 1
        assert values["lse_windows"] >= 90
        assert values["lse_d_at_zero"] >= values["lse_d"]
        apart = values["lse_c"] - values["lse_c_at_zero"] - (values["lse_d_at_zero"] - values["lse_d"])
        assert apart == pytest.approx(0, abs=1e-4)
    else:
        assert values["desync"] >= abs(values["desync_signed"])


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_is_out_of_domain(name: str, arrays: Any, score: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    frames: NDArray[np.uint8] = rng.integers(0, 256, (101, 64, 64, 3), dtype=np.uint8)
    stranger = arrays(frames, rng.normal(0, 0.1, 64640).astype(np.float32), 16000)
    with pytest.raises(Unscored, match="out of domain"):
        score(name, stranger, Prompt("p", speech=(SpeechLine("Hello."),)))


@pytest.mark.parametrize("name", NAMES)
def test_absent_weights_are_a_reason(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, talker: tuple[Prompt, Take], arrays: Any, score: Any
) -> None:
    (tmp_path / "domain.safetensors").symlink_to(_shipped.FOLDER / "domain.safetensors")
    monkeypatch.setattr(_shipped, "FOLDER", tmp_path)
    with pytest.raises(Unscored, match=r"^needs weights of (\w+), .*: avbench train \1 --out"):
        score(name, arrays(talker[1].frames, talker[1].audio, 16000), talker[0])


@pytest.mark.parametrize("name", NAMES)
def test_core_means_that_weights_ship(name: str) -> None:
    metric = METRICS[name]
    assert metric.backend.startswith("world-")
    assert metric.core is _shipped.ships("syncnet" if name == "lipsync_world" else "synchformer")


def test_haar_looks_at_every_third_frame_and_finds_the_face(talker: tuple[Prompt, Take]) -> None:
    take = talker[1]
    frames = [np.repeat(np.repeat(frame, 2, 0), 2, 1) for frame in take.frames[:6]]
    look = Haar()
    found = [*look(frames[:4]), *look(frames[4:])]
    assert [len(boxes) for boxes in found] == [1, 0, 0, 1, 0, 0]
    x1, y1, x2, y2 = take.truth.face_box[0] * 2
    box = found[0][0]
    assert x1 < (box[0] + box[2]) / 2 < x2 and y1 < (box[1] + box[3]) / 2 < y2
    assert len(faces(np.zeros((64, 64, 3), np.uint8))) == 0
