"""Makes odd clips with PyAV and reads clips through the sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

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


def _encode(
    path: Path,
    frames: NDArray[np.uint8] | None = None,
    *,
    fps: Fraction = Fraction(25),
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    full_range: bool = False,
    colorspace: str | None = None,
    audio: NDArray[np.float32] | None = None,
    rate: int = 48_000,
    layout: str = "mono",
    audio_codec: str = "aac",
    audio_start: float = 0.0,
    muxer: dict[str, str] | None = None,
    format: str | None = None,
) -> Path:
    """A clip with every property that `avbench.media.mux` would never give it; `pts` count `time_base`."""
    base = time_base or 1 / fps
    with av.open(str(path), "w", options=muxer or {}, format=format) as output:
        video: Any = None
        sound: Any = None
        if frames is not None:
            video = output.add_stream(codec, rate=fps, options=options or ({"qp": "0"} if "x264" in codec else {}))
            video.width, video.height, video.pix_fmt = frames.shape[2], frames.shape[1], pix_fmt
            video.codec_context.time_base = base
            if rotation:
                video.set_display_rotation(rotation)
            colour: dict[str, Any] = {"dst_color_range": 2 if full_range else 1}
            video.codec_context.color_range = 2 if full_range else 1
            if colorspace:
                number = {"ITU709": 1, "ITU601": 6}[colorspace]
                video.codec_context.colorspace = number
                colour["dst_colorspace"] = number
        if audio is not None:
            sound = output.add_stream(audio_codec, rate=rate)
            sound.codec_context.layout = layout
        if video is not None and frames is not None:
            for index, image in enumerate(frames):
                frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame = frame.reformat(format=pix_fmt, **colour)
                frame.pts, frame.time_base = (pts[index] if pts else index), base
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        if sound is not None and audio is not None:
            table = audio.reshape(len(audio), -1)
            for start in range(0, len(table), 1024):
                block = np.ascontiguousarray(table[start : start + 1024]).reshape(1, -1)
                piece = AudioFrame.from_ndarray(block, format="flt", layout=layout)
                piece.sample_rate, piece.pts = rate, start + round(audio_start * rate)
                piece.time_base = Fraction(1, rate)
                output.mux(sound.encode(piece))
            output.mux(sound.encode(None))
    return path


def _ramp(count: int = 25, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Frames told apart by their level, their corners by their colour."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[:] = np.linspace(20, 235, count).astype(np.uint8)[:, None, None, None]
    frames[:, : height // 3, : width // 3] = (200, 30, 30)
    frames[:, -height // 4 :, -width // 4 :] = (30, 30, 200)
    return frames


def _tone(seconds: float, rate: int, hertz: float = 440.0, level: float = 0.25) -> NDArray[np.float32]:
    """A sine, (S,)."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture(scope="session")
def look() -> type[Look]:
    return Look


@pytest.fixture(scope="session")
def encode() -> Callable[..., Path]:
    return _encode


@pytest.fixture(scope="session")
def ramp() -> Callable[..., NDArray[np.uint8]]:
    return _ramp


@pytest.fixture(scope="session")
def tone() -> Callable[..., NDArray[np.float32]]:
    return _tone
