"""Picture, sound and captions of the world in one space, by the towers that `avbench train trimodal` trains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView

from .embedding import Embedding, windows
from .sound import finite

if TYPE_CHECKING:
    from .world_space_net import Space

RATE = 16_000
SHORTEST = 0.1  # seconds of sound
WEIGHTS = "trimodal.safetensors"


@dataclass(frozen=True)
class WorldVideo(VideoBackbone[Embedding]):
    """Two frames a second, each looked at by itself, as one embedding (D,)."""

    view: ClassVar[VideoView] = VideoView(fps=2.0, size=(64, 64))

    def open(self, info: MediaInfo) -> VideoExtractor[Embedding]:
        return _Together(_network())


@dataclass(frozen=True)
class WorldFrames(VideoBackbone[Embedding]):
    """Every decoded frame for itself (T, D)."""

    view: ClassVar[VideoView] = VideoView(size=(64, 64))

    def open(self, info: MediaInfo) -> VideoExtractor[Embedding]:
        return _Each(_network())


@dataclass(frozen=True)
class WorldAudio(AudioBackbone[Embedding]):
    """The whole sound (D,)."""

    view: ClassVar[AudioView] = AudioView(rate=RATE)

    def extract(self, audio: Audio, info: MediaInfo) -> Embedding:
        return _hear(finite(audio, SHORTEST))


@dataclass(frozen=True)
class WorldWindows(AudioBackbone[Embedding]):
    """(W, D): the windows of 2 s that JavisScore hears."""

    view: ClassVar[AudioView] = AudioView(rate=RATE)

    def extract(self, audio: Audio, info: MediaInfo) -> Embedding:
        samples = finite(audio, SHORTEST)
        size, starts = windows(len(samples), RATE)
        return np.stack([_hear(samples[start : start + size]) for start in starts])


def read(text: str) -> Embedding:
    """The embedding of a caption; its first 40 words count."""
    import torch

    from avbench.products import inference

    from .world_space_net import word_ids

    with inference():
        return _network().read(torch.from_numpy(word_ids(text))[None])[0].numpy()


class _Together(VideoExtractor[Embedding]):
    def __init__(self, net: Space) -> None:
        self._net = net
        self._frames: list[NDArray[np.uint8]] = []

    def push(self, frames: Frames) -> None:
        self._frames += [frame.copy() for frame in frames.data]

    def finish(self) -> Embedding:
        import torch

        from avbench.products import inference

        with inference():
            return self._net.video(torch.from_numpy(np.stack(self._frames))[None])[0].numpy()


class _Each(VideoExtractor[Embedding]):
    def __init__(self, net: Space) -> None:
        self._net = net
        self._seen: list[Embedding] = []

    def push(self, frames: Frames) -> None:
        import torch

        from avbench.products import inference

        with inference():
            self._seen.append(self._net.video(torch.from_numpy(frames.data)[:, None]).numpy())

    def finish(self) -> Embedding:
        return np.concatenate(self._seen)


def _hear(samples: NDArray[np.float32]) -> Embedding:
    import torch

    from avbench.products import inference

    from .world_mel import log_mel

    with inference():
        return _network().audio(log_mel(torch.from_numpy(samples)[None]))[0].numpy()


def _network() -> Space:
    return load(Path(str(resources.files("avbench.metrics._world") / WEIGHTS)))


@cache
def load(path: Path) -> Space:
    """The towers of a file of `avbench train trimodal`. Raises Unscored when there is none."""
    from ._shipped import unpack
    from ._state import build
    from .world_space_net import Space, SpaceConfig

    state, sizes = unpack(path)
    return build(partial(Space, SpaceConfig(**sizes)), state, str(path))
