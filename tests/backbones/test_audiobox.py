"""AudioBox-Aesthetics against the reference's numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor

from avbench.errors import Unscored, UsageError
from avbench.media.info import MediaInfo
from avbench.metrics._backbones import _checkpoint, audiobox
from avbench.parts import Audio

pytest.importorskip("audiobox_aesthetics", reason="the extra paper is not installed")

if TYPE_CHECKING:
    from tests.backbones.conftest import Arrays, Golden

FILE = "distribution/audiobox"


@pytest.fixture(scope="module")
def config(golden: Golden) -> Any:
    return golden.records(FILE)["config"]


@pytest.fixture(scope="module")
def net(golden: Golden, config: Any) -> Any:
    settings = {name: config[name] for name in audiobox.SETTINGS}
    return audiobox.load(golden.state("distribution/manifests/audiobox_aesthetics"), settings, "seeded")


def _wave(golden: Golden, case: str) -> Tensor:
    shape = golden.records(FILE)["cases"][case]
    samples = golden.wav(f"aes/{case}", shape["n"], shape["sr"], shape["ch"]).mean(axis=0)
    wave: Tensor = audiobox.resampled(samples, shape["sr"])
    return wave


@pytest.mark.slow
def test_ratings(golden: Golden, net: Any, config: Any) -> None:
    runs = golden.records(FILE)["runs"]
    single = {name: run for name, run in runs.items() if len(run["batch"]) == 1}
    assert single
    embedded: dict[str, Tensor] = {}
    for axis in audiobox.AXES:
        net.proj_layer[axis].register_forward_pre_hook(lambda _, args, axis=axis: embedded.update({axis: args[0]}))
    for name, run in single.items():
        pieces = audiobox.chunks(_wave(golden, run["batch"][0]))
        found = audiobox.raw(net, pieces)
        _equal(golden.expected(FILE), name, found, embedded)
        ratings = audiobox.rated(found, pieces.weights, config)
        for axis, value in run["result"][0].items():
            assert getattr(ratings, axis.lower()) == pytest.approx(value, abs=2e-4), (name, axis)


@pytest.mark.slow
def test_a_batch_of_files_does_not_mix_them(golden: Golden, net: Any) -> None:
    runs = golden.records(FILE)["runs"]
    for name, run in runs.items():
        if len(run["batch"]) == 1:
            continue
        pieces = [audiobox.chunks(_wave(golden, case)) for case in run["batch"]]
        fields = ("waves", "masks", "weights")
        joined = audiobox.Chunks(*(torch.cat([getattr(piece, field) for piece in pieces]) for field in fields))
        assert joined.weights.tolist() == golden.expected(FILE)[f"{name}/weights"].tolist()
        _equal(golden.expected(FILE), name, audiobox.raw(net, joined), {})


@pytest.mark.slow
def test_official_files(golden: Golden, net: Any, config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    files = {name: tmp_path / name for name in ("audiobox_aesthetics", "audiobox_aesthetics_config")}
    files["audiobox_aesthetics"] = tmp_path / "model.safetensors"
    save_file(net.state_dict(), files["audiobox_aesthetics"])
    files["audiobox_aesthetics_config"].write_text(json.dumps(config), encoding="utf-8")
    for module in (audiobox, _checkpoint):
        monkeypatch.setattr(module, "locate", files.__getitem__)
    _checkpoint._opened.cache_clear()
    run = next(run for run in golden.records(FILE)["runs"].values() if len(run["batch"]) == 1)
    shape = golden.records(FILE)["cases"][run["batch"][0]]
    samples = golden.wav(f"aes/{run['batch'][0]}", shape["n"], shape["sr"], shape["ch"]).mean(axis=0)
    found = audiobox.AudioBox().extract(Audio(samples, shape["sr"], 0.0), MediaInfo(Path("a"), "mp4", None, None))
    _checkpoint._opened.cache_clear()
    for axis, value in run["result"][0].items():
        assert getattr(found, axis.lower()) == pytest.approx(value, abs=2e-4)


def _equal(expected: Arrays, name: str, found: dict[str, Tensor], embedded: dict[str, Tensor]) -> None:
    for axis in audiobox.AXES:
        np.testing.assert_allclose(found[axis], expected[f"{name}/raw/{axis}"], atol=1e-4, rtol=0)
        if axis in embedded:
            np.testing.assert_allclose(embedded[axis], expected[f"{name}/embed/{axis}"], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("size", "weights"), [(1, [1 / 160_000]), (160_000, [1]), (200_000, [1, 0.25])])
def test_chunks(size: int, weights: list[float]) -> None:
    wave = torch.arange(1, size + 1, dtype=torch.float32)
    pieces = audiobox.chunks(wave)
    assert pieces.waves.shape == pieces.masks.shape == (len(weights), 160_000)
    assert pieces.weights.tolist() == weights
    assert pieces.waves[pieces.masks].equal(wave)
    assert not pieces.waves[~pieces.masks].any()


def test_missing_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path))
    _checkpoint._opened.cache_clear()
    sound = Audio(np.zeros(16_000, np.float32), 16_000, 0.0)
    with pytest.raises(Unscored, match=r"^needs weights .*weights pull audiobox_aesthetics"):
        audiobox.AudioBox().extract(sound, MediaInfo(Path("a"), "mp4", None, None))


@pytest.mark.parametrize("fault", ["nth_layer", "target_transform", "PC", "std", "text", "scale"])
def test_wrong_config_is_named(tmp_path: Path, config: Any, fault: str) -> None:
    broken = json.loads(json.dumps(config))
    scales = broken["target_transform"]
    for place in (broken, scales, scales.get("PQ", {})):
        place.pop(fault, None)
    if fault == "scale":
        scales["CE"]["mean"] = "high"
    path = tmp_path / "audiobox_aesthetics.json"
    path.write_text("{" if fault == "text" else json.dumps(broken), encoding="utf-8")
    with pytest.raises(UsageError, match=rf"{path.name}: .*{'config' if fault in ('text', 'scale') else fault}"):
        audiobox.read_config(path)


def test_config_is_read_from_the_checkpoint(tmp_path: Path, config: Any) -> None:
    path = tmp_path / "audiobox_aesthetics.json"
    path.write_text(json.dumps({**config, "something_new": 1}), encoding="utf-8")
    assert audiobox.read_config(path) == {name: config[name] for name in audiobox.SETTINGS}
