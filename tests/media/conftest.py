"""Reads clips through the sweep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from avbench.media.info import MediaInfo
from avbench.media.probe import Limits
from avbench.media.sweep import sweep
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView


class _Gather(VideoExtractor[Frames]):
    def __init__(self) -> None:
        self.chunks: list[Frames] = []

    def push(self, frames: Frames) -> None:
        self.chunks.append(frames)

    def finish(self) -> Frames:
        return Frames(np.concatenate([c.data for c in self.chunks]), np.concatenate([c.times for c in self.chunks]))


@dataclass(frozen=True)
class Seen(VideoBackbone[Frames]):
    """All frames of a view."""

    view: VideoView = VideoView()  # type: ignore[misc]  # noqa: RUF009

    def open(self, info: MediaInfo) -> VideoExtractor[Frames]:
        return _Gather()


@dataclass(frozen=True)
class Heard(AudioBackbone[Audio]):
    """All samples of a view."""

    view: AudioView = AudioView()  # type: ignore[misc]  # noqa: RUF009

    def extract(self, audio: Audio, info: MediaInfo) -> Audio:
        return audio


class Look:
    """What the given views see and hear in one sweep."""

    def __init__(
        self,
        path: Path,
        *views: VideoView | AudioView,
        limits: Limits = Limits(),  # noqa: B008
        audio_path: Path | None = None,
        chunk: int = 16,
    ) -> None:
        backbones = [Seen(view) if isinstance(view, VideoView) else Heard(view) for view in views]
        self._features = sweep(path, backbones, limits, audio_path=audio_path, chunk=chunk)
        self.info = self._features.info

    def frames(self, view: VideoView = VideoView()) -> Frames:  # noqa: B008
        return self._features[Seen(view)]

    def audio(self, view: AudioView = AudioView()) -> Audio:  # noqa: B008
        return self._features[Heard(view)]


@pytest.fixture(scope="session")
def look() -> type[Look]:
    return Look
