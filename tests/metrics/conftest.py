"""Clips made of arrays, scored without a file in between."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.media.info import AudioInfo, MediaInfo, VideoInfo
from avbench.parts import Audio, AudioBackbone, Benchmark, Features, Frames, Metric, VideoBackbone
from avbench.records import Clip, Prompt, Score
from avbench.registry import load
from avbench.world.render import render
from avbench.world.truth import Take

Answer = dict[str, float | Score]


class ArrayFeatures(Features):
    """Features of frames (T, H, W, 3) at `fps` and mono samples (S,) at `rate`, pushed in chunks of `chunk` frames."""

    def __init__(
        self, frames: NDArray[np.uint8], samples: NDArray[np.float32], rate: int, fps: float = 25.0, chunk: int = 16
    ) -> None:
        self.frames, self.samples, self.rate, self.chunk = frames, samples, rate, chunk
        self.times = np.arange(len(frames)) / fps
        seconds, sound = len(frames) / fps, len(samples) / rate
        height, width = frames.shape[1:3]
        video = VideoInfo(0, "raw", "rgb24", width, height, 0, Fraction(fps), 0.0, seconds, len(frames))
        audio = AudioInfo(1, "raw", rate, 1, 0.0, sound) if len(samples) else None
        info = MediaInfo(Path("array"), "array", video, audio)
        heard = sound if audio else None
        self.info = replace(
            info, decoded_frames=len(frames), corrupt_frames=0, video_seconds=seconds, audio_seconds=heard
        )
        self.found: dict[Any, Any] = {}

    def __getitem__(self, backbone: Any) -> Any:
        if backbone not in self.found:
            self.found[backbone] = self._run(backbone)
        return self.found[backbone]

    def _run(self, backbone: Any) -> Any:
        if isinstance(backbone, AudioBackbone):
            if self.info.audio is None:
                raise NotApplicable("no audio stream")
            rate = backbone.view.rate or self.rate
            samples = soxr.resample(self.samples, self.rate, rate) if rate != self.rate else self.samples
            return backbone.extract(Audio(samples.astype(np.float32), rate, 0.0), self.info)
        assert isinstance(backbone, VideoBackbone)
        view, frames, times = backbone.view, self.frames, self.times
        if view.fps is not None:  # whole numbers of frames apart
            step = round(1 / (times[1] - times[0]) / view.fps)
            frames, times = frames[::step], times[::step]
        size = view.size
        if view.short_side is not None:
            height, width = frames.shape[1:3]
            scale = view.short_side / min(height, width)
            size = (int(height * scale), int(width * scale))
        if size is not None:
            frames = np.stack([cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA) for frame in frames])
        extractor = backbone.open(self.info)
        for start in range(0, len(frames), self.chunk):
            part = slice(start, start + self.chunk)
            extractor.push(Frames(frames[part], times[part]))
        return extractor.finish()


@pytest.fixture(scope="session")
def score() -> Callable[..., Answer]:
    """`score(metric file name, features, prompt)`: the metric's answer, checked to name all of its columns.

    A score with a value is given as its value, without the facts behind it.
    """

    def run(name: str, features: Features, prompt: Prompt | None = None) -> Answer:
        metric = load(Metric, name)()
        answer = dict(metric.score(Clip(features.info.path, prompt or Prompt("p"), "model"), features))
        assert set(answer) == {column.name for column in metric.columns}
        return plain(answer)

    return run


def plain(answer: Mapping[str, float | Score]) -> Answer:
    """Scores that have a value as their value."""
    return {
        name: score.value if isinstance(score, Score) and score.value is not None else score
        for name, score in answer.items()
    }


@pytest.fixture(scope="session")
def arrays() -> type[ArrayFeatures]:
    return ArrayFeatures


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Path]:
    """`golden("video/{}_aggregate.npz")`: a golden file; AVBENCH_GOLDEN is the folder, AVBENCH_GOLDEN_SET the set."""
    default = Path(__file__).resolve().parents[2].parent / "shared" / "golden"
    folder = Path(os.environ.get("AVBENCH_GOLDEN", default))

    def find(pattern: str) -> Path:
        path = folder / pattern.format(os.environ.get("AVBENCH_GOLDEN_SET", "open"))
        if not path.is_file():
            pytest.skip(f"no golden {path} (set AVBENCH_GOLDEN)")
        return path

    return find


def seeded_module(folder: Path) -> Any:
    """`inputs.py` and `seeded_weights.py` of the goldens, which build inputs by name."""
    import importlib.util
    import sys

    sys.path.insert(0, str(folder))
    try:
        path = folder / "distribution" / "inputs.py"
        spec = importlib.util.spec_from_file_location("golden_inputs_distribution", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def golden_inputs(golden: Callable[[str], Path]) -> Any:
    """The module that builds the goldens' inputs."""
    return seeded_module(golden("distribution/{}_avpure.json").parents[1])


@pytest.fixture(scope="session")
def pure(golden_inputs: Any) -> Callable[..., NDArray[np.float32]]:
    """`pure("kl/gt", 7, 527)`: standard normal numbers, an input of the goldens of pure functions."""
    kind = os.environ.get("AVBENCH_GOLDEN_SET", "open")

    def noise(name: str, *shape: int) -> NDArray[np.float32]:
        flat = golden_inputs.unit(f"input/pure/{kind}/{name}", (math.prod(shape),))
        return np.asarray(flat.reshape(shape))

    return noise


@pytest.fixture(scope="session")
def world() -> Callable[[str, int], tuple[Prompt, Take]]:
    """`world("speech", 0)`: a bundled prompt and its rendering at 96 x 96."""

    @cache
    def rendered(suite: str, index: int) -> tuple[Prompt, Take]:
        prompt = load(Benchmark, suite)().prompts()[index]
        return prompt, render(prompt, seed=0, size=96)

    return rendered


@pytest.fixture(scope="session")
def late() -> Callable[[NDArray[np.float32], float, int], NDArray[np.float32]]:
    """`late(samples, seconds, rate)`: the sound that much later (negative: earlier), silence where it lacks."""

    def shifted(samples: NDArray[np.float32], seconds: float, rate: int) -> NDArray[np.float32]:
        count = round(seconds * rate)
        moved = np.zeros_like(samples)
        if count >= 0:
            moved[count:] = samples[: len(samples) - count]
        else:
            moved[:count] = samples[-count:]
        return moved

    return shifted


@pytest.fixture
def weights_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty AVBENCH_HOME whose weights are taken as they are, official or not."""
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AVBENCH_ALLOW_UNVERIFIED", "1")
    folder = tmp_path / "home" / "weights"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def seeded_weights(golden: Callable[[str], Path]) -> Any:
    """The module that makes seeded weights of a manifest, the names and shapes of an official checkpoint."""
    import importlib.util

    folder = golden("lipsync/manifest_s3fd.json").parents[1]
    spec = importlib.util.spec_from_file_location("seeded_weights", folder / "seeded_weights.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def seeded_state(golden: Callable[[str], Path], seeded_weights: Any) -> Callable[[str], Any]:
    """`seeded_state("lipsync/manifest_s3fd.json")`: seeded weights under the official names of a manifest."""
    return lambda manifest: seeded_weights.seeded_state_dict(seeded_weights.load_manifest(golden(manifest)))


@pytest.fixture(scope="session")
def one_face(seeded_state: Callable[[str], Any]) -> dict[str, Any]:
    """Seeded S3FD that sees one face in the middle of any frame of about 360 x 288, trembling with the picture."""
    import torch

    state: dict[str, Any] = seeded_state("lipsync/manifest_s3fd.json")
    for k in range(6):
        state[f"conf.{k}.weight"] *= 0
        state[f"loc.{k}.weight"] *= 0.3 if k == 5 else 0
        state[f"conf.{k}.bias"] = torch.tensor([5.0] * (len(state[f"conf.{k}.bias"]) - 1) + [-5.0])
    state["conf.5.bias"] = torch.tensor([-5.0, 5.0])
    state["loc.5.bias"] = torch.tensor([0.0, 0.0, -11.5, -11.5])
    return state
