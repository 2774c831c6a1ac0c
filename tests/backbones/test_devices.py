"""Networks compute where `--device` says, and get all of their inputs there.

No test has a GPU: PyTorch's fake tensors stand for one. They hold no numbers, but refuse to meet a tensor of another
device just as a GPU's do.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from avbench import devices
from avbench.errors import UsageError
from avbench.media.info import MediaInfo, VideoInfo
from avbench.metrics._backbones import (
    _checkpoint,
    clap,
    imagebind,
    imagebind_text,
    imagebind_tower,
    s3fd,
    synchformer,
    synchformer_input,
    synchformer_tower,
    syncnet,
)
from avbench.metrics._backbones._state import uninitialised
from avbench.metrics._backbones._synchformer_trunks import SynchformerConfig
from avbench.parts import Audio, Frames, VideoBackbone
from avbench.scoring import ScoreClips

INFO = MediaInfo(Path("c"), "raw", VideoInfo(0, "raw", "rgb24", 64, 48, 0, Fraction(25), 0.0, 4.0, 100), None)
SOUND = Audio(np.random.default_rng(0).normal(0, 0.1, 64_000).astype(np.float32), 16_000, 0.0)
FRAMES = np.zeros((100, 48, 64, 3), np.uint8)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Everything in the test happens beside a GPU; counts what goes up `pinned` and what comes `down`."""
    seen: Counter[str] = Counter()

    def pinned(tensor: Tensor) -> Tensor:
        seen["pinned"] += 1
        return tensor

    def down(found: Tensor) -> NDArray[np.float32]:
        assert found.device.type == "cuda"
        seen["down"] += 1
        return np.zeros(found.shape, np.float32)

    monkeypatch.setattr(_checkpoint, "_pinned", pinned)
    for module in (syncnet, synchformer_tower, imagebind_tower):
        monkeypatch.setattr(module, "down", down)
    monkeypatch.setattr(torch.backends.mha, "get_fastpath_enabled", lambda: False)  # has no fake kernel
    _forget()
    synchformer_input.audio_segments(torch.zeros(16_000))  # torchaudio looks at the filters that it makes
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield seen
    _forget()


def _forget() -> None:
    """Empties the caches of the backbones: filters made beside a fake GPU are none."""
    for name, module in list(sys.modules.items()):
        if name.startswith("avbench.metrics._backbones"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def _on_gpu(make: Callable[[], nn.Module]) -> Any:
    with torch.device("cuda:0"):
        return make().eval().requires_grad_(False)


def _seen(backbone: VideoBackbone[Any]) -> Any:
    extractor = backbone.open(INFO)
    for start in range(0, 100, 16):
        part = FRAMES[start : start + 16]
        extractor.push(Frames(part, (start + np.arange(len(part))) / 25))
    return extractor.finish()


def test_lip_sync(gpu: Counter[str]) -> None:
    net = _on_gpu(syncnet.SyncNet)
    assert syncnet.embed_lip(net, np.zeros((24, 224, 224, 3), np.uint8), 20).shape == (20, 1024)
    assert syncnet.embed_audio(net, np.zeros(16_000, np.int16), 20).shape == (20, 1024)
    faces = s3fd.find(_on_gpu(s3fd.S3FD), np.zeros((2, 48, 64, 3), np.uint8))
    assert faces.boxes.device.type == faces.probability.device.type == "cuda"
    assert gpu == {"pinned": 2 + 1 + 2, "down": 2 + 1}


def test_desync(gpu: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    net = _on_gpu(
        lambda: synchformer.Synchformer(SynchformerConfig(dim=24, heads=2, blocks=1, head_blocks=1, head_heads=2))
    )
    monkeypatch.setattr(synchformer_tower, "official", lambda: net)
    video = _seen(synchformer_tower.SynchformerVideo())
    assert video.shape == (11, 8, 24)
    assert gpu == {"pinned": 2, "down": 2}  # segments 0..7 and 8..10 together
    audio = synchformer_tower.SynchformerAudio().extract(SOUND, INFO)
    picks = np.arange(14)[None] % 11
    assert synchformer_tower.compare(video, audio, picks).shape == (1, 21)


def test_imagebind(gpu: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    trunk = imagebind.TrunkConfig(64, 1, 4)
    net = _on_gpu(lambda: imagebind.ImageBind(imagebind.ImageBindConfig(32, trunk, trunk, trunk)))
    monkeypatch.setattr(imagebind_tower, "_network", lambda: net)
    monkeypatch.setattr(imagebind_text, "tokenizer", lambda: lambda texts: np.ones((1, 77), np.int64))
    assert _seen(imagebind_tower.ImageBindVideo()).shape == (32,)
    assert _seen(imagebind_tower.ImageBindFrames()).shape == (100, 32)
    assert imagebind_tower.ImageBindAudio().extract(SOUND, INFO).shape == (32,)
    assert imagebind_tower.ImageBindWindows().extract(SOUND, INFO).shape == (5, 32)
    assert imagebind_tower.read("rain").shape == (32,)


@pytest.mark.slow
def test_clap(monkeypatch: pytest.MonkeyPatch) -> None:
    """On `meta`, whose tensors have no values: transformers asks fake ones for theirs."""
    transformers = pytest.importorskip("transformers", reason="the extra paper is not installed")
    net = uninitialised(lambda: transformers.ClapModel(clap._config(clap.BASE))).eval().to("meta")
    monkeypatch.setattr(clap, "down", lambda found: np.zeros(found.shape, np.float32) if found.is_meta else None)
    assert clap.embed_audio(net, clap.BASE, np.zeros(48_000, np.float32)).shape == (512,)


def test_a_network_is_opened_once_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`meta` stands for a second device: it has no numbers, but torch can put a network there."""
    file = tmp_path / "weights"
    file.write_bytes(b"")
    monkeypatch.setattr(_checkpoint, "locate", lambda id: file)
    reads: list[Path] = []

    def read(path: Path) -> nn.Module:
        reads.append(path)
        return nn.Linear(2, 2)

    for device in ("cpu", "meta", "meta", "cpu"):
        devices.use(device)
        net = _checkpoint.opened(read, "any")
        assert {parameter.device.type for parameter in net.parameters()} == {device}
        assert _checkpoint.up(np.zeros(2, np.float32), net).device.type == device
    assert len(reads) == 2
    devices.use("")


def test_tf32_is_off_once_a_network_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").write_bytes(b"")
    monkeypatch.setattr(_checkpoint, "locate", lambda id: tmp_path / "weights")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    _checkpoint.opened(lambda path: nn.Linear(1, 1), "any")
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_the_worker_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job is opened with its worker's device, which is that of the networks; else it is the first GPU, or the CPU."""
    for device in ("cuda:1", "cpu"):
        ScoreClips(()).open(device)
        assert devices.current() == device
    devices.use("")
    monkeypatch.setattr(devices, "gpus", lambda: ("card",))
    assert devices.current() == "cuda:0"
    monkeypatch.setattr(devices, "gpus", lambda: ())
    assert devices.current() == "cpu"
    with pytest.raises(UsageError, match="nvidia-smi lists 0 GPUs"):
        devices.devices_of("cuda:1")
