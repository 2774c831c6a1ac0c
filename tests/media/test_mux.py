"""Writing a clip: exact times, exact sound, the same bytes, never half a file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from avbench.media.mux import write
from avbench.media.probe import MediaInfo
from avbench.media.sweep import sweep
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView
from avbench.records import Sample


class _Gather(VideoExtractor[Frames]):
    def __init__(self) -> None:
        self.chunks: list[Frames] = []

    def push(self, frames: Frames) -> None:
        self.chunks.append(frames)

    def finish(self) -> Frames:
        return Frames(np.concatenate([c.data for c in self.chunks]), np.concatenate([c.times for c in self.chunks]))


@dataclass(frozen=True)
class Seen(VideoBackbone[Frames]):
    view = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[Frames]:
        return _Gather()


@dataclass(frozen=True)
class Heard(AudioBackbone[Audio]):
    view = AudioView(mono=False)

    def extract(self, audio: Audio, info: MediaInfo) -> Audio:
        return audio


def _fade(frames: int = 20, height: int = 48, width: int = 64) -> np.ndarray:
    levels = np.linspace(0, 255, frames)[:, None, None, None]
    return np.broadcast_to(levels, (frames, height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24), Fraction(30000, 1001)])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_click_and_every_frame_keep_their_time(tmp_path: Path, fps: Fraction, rate: int) -> None:
    audio = np.zeros(int(20 / fps * rate), np.float32)
    audio[rate // 3] = 0.9
    write(tmp_path / "clip.mp4", Sample(_fade(), fps, audio, rate))
    features = sweep(tmp_path / "clip.mp4", [Seen(), Heard()])
    heard, seen = features[Heard()], features[Seen()]
    assert heard.start == 0
    assert heard.samples.shape == (len(audio), 1)
    assert int(np.abs(heard.samples[:, 0]).argmax()) == rate // 3
    np.testing.assert_allclose(seen.times, np.arange(20) / float(fps), atol=1e-9)
    assert np.abs(seen.data.astype(int) - _fade()).max() <= 4
