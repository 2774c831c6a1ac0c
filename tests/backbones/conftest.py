"""Goldens: the references' outputs under seeded weights, and the recipe of each golden's input.

AVBENCH_GOLDEN names another folder of the same layout, AVBENCH_GOLDEN_SET another set of inputs than `open`.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import Tensor

from avbench.weights import Verdict, find, path_of, verify

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Golden:
    """One set of goldens; `home` is the shared folder, which has what all sets have in common."""

    home: Path
    root: Path
    kind: str

    def expected(self, file: str) -> Arrays:
        """The arrays of a golden, `folder/name` without the set and the suffix."""
        with np.load(self._path(file, ".npz")) as stored:
            return dict(stored)

    def meta(self, file: str) -> Any:
        """What a video golden says of its inputs."""
        return json.loads(str(self.expected(file)["meta"]))

    def records(self, file: str) -> Any:
        return json.loads(self._path(file, ".json").read_text())

    def inputs(self, file: str) -> Arrays:
        return RECIPES[file](self)

    def manifest(self, file: str) -> Mapping[str, tuple[list[int], str]]:
        """Name to (shape, dtype) of every tensor of an official checkpoint."""
        return self._weights.load_manifest(self.home / f"{file}.json")  # type: ignore[no-any-return]

    def state(self, file: str, lift: str | None = None) -> dict[str, Tensor]:
        """Seeded weights under the names of a manifest, with one of the lifts of `golden_inputs.py`."""
        state: dict[str, Tensor] = self._weights.seeded_state_dict(self.manifest(file))
        if lift:
            getattr(self._av, lift)(state)
        return state

    def noise(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Standard normal numbers that depend on the name alone; {} in it stands for the set."""
        flat = self._weights.seeded_array(name.format(self.kind), (math.prod(shape),))
        return (flat * np.float32(10)).reshape(shape)  # type: ignore[no-any-return]

    def blocks(self, name: str, shape: tuple[int, ...], size: int) -> NDArray[np.uint8]:
        """RGB pictures of coloured squares with sides of `size` pixels."""
        pixels = np.clip(np.rint(128 + 64 * self.noise(name, *shape)), 0, 255).astype(np.uint8)
        return pixels.repeat(size, axis=-3).repeat(size, axis=-2)

    def av(self, maker: str, name: str, size: int | tuple[int, ...]) -> NDArray[Any]:
        """An input of `golden_inputs.py`: a wave, stereo, bursts or frames."""
        make = getattr(self._av, maker)
        return make(self._weights.seeded_array, name.format(self.kind), size)  # type: ignore[no-any-return]

    def video(self, case: str, size: tuple[int, int, int], shift: tuple[int, int] = (0, 0)) -> NDArray[np.uint8]:
        """(n, h, w, 3) coarse coloured noise that moves by `shift` a frame (down, right): a video golden's.

        The set is no part of `case`: it stands in the names that a golden's `meta` gives.
        """
        n, h, w = size
        coarse = self.noise(f"input/{case}/coarse", -(-h // 8), -(-w // 8), 3).repeat(8, 0).repeat(8, 1)[:h, :w]
        base = np.float32(40) * coarse + np.float32(8) * self.noise(f"input/{case}/fine", h, w, 3) + np.float32(127.5)
        grain = (np.float32(2) * self.noise(f"input/{case}/noise{t}", h, w, 3) for t in range(n))
        moved = (np.roll(base, (t * shift[0], t * shift[1]), axis=(0, 1)) for t in range(n))
        return np.stack([np.clip(np.rint(a + b), 0, 255).astype(np.uint8) for a, b in zip(moved, grain, strict=True)])

    def wav(self, case: str, size: int, rate: int, channels: int) -> NDArray[np.float32]:
        """(channels, size) samples: the `wav` of `distribution/inputs.py`."""
        return self.distribution.wav(case, size, rate, channels)  # type: ignore[no-any-return]

    def _path(self, file: str, suffix: str) -> Path:
        folder, name = file.split("/")
        path = self.root / folder / f"{self.kind}_{name}{suffix}"
        if not path.is_file():
            pytest.skip(f"no golden {path}")
        return path

    @cached_property
    def _weights(self) -> ModuleType:
        return _module(self.home / "seeded_weights.py")

    @cached_property
    def _av(self) -> ModuleType:
        return _module(self.home / "av_semantics" / "golden_inputs.py")

    @cached_property
    def distribution(self) -> ModuleType:
        sys.modules.setdefault("seeded_weights", self._weights)  # inputs.py imports it by this name
        return _module(self.home / "distribution" / "inputs.py")


def _module(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden(shared: Path) -> Golden:
    home = shared / "golden"
    root = Path(os.environ.get("AVBENCH_GOLDEN", home))
    return Golden(home, root, os.environ.get("AVBENCH_GOLDEN_SET", "open"))


@pytest.fixture(scope="session")
def clip_vocabulary() -> Path:
    """CLIP's byte pairs: the official file where it lies, or the same in a package that ships it."""
    row = find("imagebind_bpe")
    specs = [spec for name in ("clip", "open_clip") if (spec := find_spec(name)) and spec.origin]
    for path in (path_of(row), *(Path(str(spec.origin)).with_name(row.file) for spec in specs)):
        if verify(row, path) is Verdict.OFFICIAL:
            return path
    pytest.skip(f"no vocabulary {path_of(row)}, and neither clip-anytorch nor open_clip_torch is installed")


def _syncnet_embed(g: Golden) -> Arrays:
    frames = g.blocks("input/syncnet_lip/{}", (2, 5, 28, 28, 3), 8)
    return {"frames": frames, "mfcc": 12 * g.noise("input/syncnet_mfcc/{}", 2, 1, 13, 20)}


def _syncnet_eval(g: Golden) -> Arrays:
    envelope = np.abs(g.noise("input/syncnet_clip_env/{}", 40)).repeat(640)
    audio = np.rint(3000 * envelope * g.noise("input/syncnet_clip_audio/{}", 25600))
    base = g.noise("input/syncnet_feat/{}", 68, 1024)
    return {
        "frames": g.blocks("input/syncnet_clip_frames/{}", (40, 28, 28, 3), 8),
        "audio": np.clip(audio, -32768, 32767).astype(np.int16),
        "lip": base[:60],
        "aud": base[3:63] + np.float32(0.5) * g.noise("input/syncnet_feat_noise/{}", 60, 1024),
    }


def _mfcc(g: Golden) -> Arrays:
    tone = 4000 * np.sin(2 * np.pi * 220 * np.arange(16000) / 16000)
    second = np.clip(np.rint(tone + 1000 * g.noise("input/mfcc_noise/{}", 16000)), -32768, 32767).astype(np.int16)
    silent = second.copy()
    silent[:5000] = 0
    return {"second": second, "silent_start": silent, "odd": second[:15777], "short": second[:300]}


def _s3fd(g: Golden) -> Arrays:
    return {
        "image": g.blocks("input/s3fd_image/{}", (15, 20, 3), 8),
        "big": g.blocks("input/s3fd_big/{}", (40, 54, 3), 12)[:480, :640],
    }


def _track(g: Golden) -> Arrays:
    """Detections (130, 3, 5) of the faces A, B, C, and which of them are present."""
    f = np.arange(130)
    centre = np.stack(
        [
            np.stack([400 + 1.5 * f, np.full(130, 240.0)], axis=1),
            np.stack([np.full(130, 800.0), 220 + 0.3 * f], axis=1),
            np.broadcast_to([120.0, 400.0], (130, 2)),
        ],
        axis=1,
    )
    half = np.array([[0.8 * side, side] for side in (120, 140, 60)]) / 2
    jitter = g.noise("input/track_jitter/{}", 130, 3, 4).astype(np.float64)
    score = 0.95 + 0.01 * g.noise("input/track_conf/{}", 130, 3)
    boxes = np.concatenate([centre - half, centre + half], axis=2) + 2 * jitter
    present = np.ones((130, 3), bool)
    present[[*range(40, 53), 5, 22, 39, 90], 0] = False
    present[[*range(10), *range(60, 91)], 1] = False
    return {"faces": np.concatenate([boxes, score[:, :, None]], axis=2), "present": present}


def _crop(g: Golden) -> Arrays:
    i = np.arange(60)
    x, y, size = 60 + 3.4 * i, 70 + 1.1 * i, 90 + 0.5 * i
    boxes = np.stack([x - 0.4 * size, y - 0.5 * size, x + 0.4 * size, y + 0.5 * size], axis=1)
    jitter = g.noise("input/crop_jitter/{}", 60, 4).astype(np.float64)
    return {"frames": g.blocks("input/crop_frames/{}", (64, 24, 32, 3), 10), "boxes": boxes + 3 * jitter}


def _synchformer(g: Golden) -> Arrays:
    path = "input/sync/{}/"
    return {
        "video": g.noise(path + "video", 1, 24, 3, 224, 224),
        "wave": g.av("wave", path + "wave", 20480),
        "vfeat": g.noise(path + "vfeat", 3, 14, 8, 768),
        "afeat": g.noise(path + "afeat", 3, 14, 6, 768),
        "clip_video": g.noise(path + "clip_video", 1, 137, 3, 224, 224),
        "clip_wave": g.av("wave", path + "clip_wave", 88000),
    }


def _imagebind(g: Golden) -> Arrays:
    path = "input/ib/{}/"
    return {
        "frames": g.noise(path + "frames", 2, 3, 4, 3, 224, 224),
        "clips": g.noise(path + "clips", 2, 15, 3, 2, 224, 224),
        "image": g.noise(path + "image", 2, 3, 224, 224),
        "mel": g.noise(path + "mel", 2, 3, 1, 128, 204),
    }


def _cnn14(rate: int) -> Callable[[Golden], Arrays]:
    def waves(g: Golden) -> Arrays:
        three = np.stack([g.av("wave", f"input/panns{rate // 1000}k/{{}}/{i}", 2 * rate) for i in range(3)])
        three[1] *= np.float32(0.01)
        three[2, ::2] *= -3
        return {"waves": three}

    return waves


def _passt(g: Golden) -> Arrays:
    two = np.stack([g.av("wave", f"input/passt/{{}}/{i}", 64000) for i in range(2)])
    two[1] *= np.float32(0.01)
    return {"waves": two}


def _pure_desync(g: Golden) -> Arrays:
    path = "input/pure/{}/desync/"
    return {"first": g.noise(path + "first", 6, 21), "last": g.noise(path + "last", 6, 21)}


def _preprocessing(g: Golden) -> Arrays:
    """Waves (channels, n), named with their rates in Hz, and frames (2, H, W, 3)."""
    path = "input/pre/{}/"
    sizes = ("360x640", "500x300", "120x160", "271x481")
    pictures = {size: g.av("frames", f"{path}frames{size}", (2, 3, *map(int, size.split("x")))) for size in sizes}
    return {
        "mono16_8s": g.av("wave", path + "mono16_8s", 128000)[None],
        "stereo44_5s": g.av("stereo", path + "stereo44_5s", 220500),
        "mono48_1p5s": g.av("wave", path + "mono48_1p5s", 72000)[None],
        "loader44": g.av("stereo", path + "loader44", 132300),
        "loader48": g.av("wave", path + "loader48", 96000)[None],
        **{size: picture.transpose(0, 2, 3, 1) for size, picture in pictures.items()},
    }


def _clap(g: Golden) -> Arrays:
    """Waves by their number of samples at 48 kHz."""
    return {str(size): g.av("bursts", f"input/clap/{{}}/{size}", size) for size in (192_000, 240_000, 384_000)}


RECIPES: dict[str, Callable[[Golden], Arrays]] = {
    "lipsync/syncnet_embed": _syncnet_embed,
    "lipsync/syncnet_eval": _syncnet_eval,
    "lipsync/mfcc": _mfcc,
    "lipsync/s3fd": _s3fd,
    "lipsync/track": _track,
    "lipsync/crop": _crop,
    "av_semantics/synchformer": _synchformer,
    "av_semantics/imagebind_small": _imagebind,
    "av_semantics/cnn14_16k": _cnn14(16000),
    "av_semantics/cnn14_32k": _cnn14(32000),
    "av_semantics/passt": _passt,
    "av_semantics/clap_base": _clap,
    "av_semantics/clap_tiny_fusion": _clap,
    "av_semantics/pure": _pure_desync,
    "av_semantics/preprocessing": _preprocessing,
}
