"""What a judge is shown of a clip: a few frames as JPEG, and the sound as WAV. Nothing else leaves the machine."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView

FPS = 2.0
LONGEST_SIDE = 640  # pixels
LONGEST = 20.0  # seconds
RATE = 16_000  # hertz
QUALITY = 90  # of the JPEGs
SILENT = 1e-4  # peak


@dataclass(frozen=True, slots=True)
class Sound:
    """A WAV file of 16-bit mono samples, and its length."""

    wav: bytes
    seconds: float


@dataclass(frozen=True)
class ShownFrames(VideoBackbone[tuple[bytes, ...]]):
    """JPEGs of two frames a second, at most 40, the longer side at most 640 pixels."""

    view: ClassVar[VideoView] = VideoView(fps=FPS)

    def open(self, info: MediaInfo) -> VideoExtractor[tuple[bytes, ...]]:
        return _Jpegs()


@dataclass(frozen=True)
class ShownSound(AudioBackbone[Sound]):
    """The first 20 s of the sound, mono, 16 kHz."""

    view: ClassVar[AudioView] = AudioView(rate=RATE)

    def extract(self, audio: Audio, info: MediaInfo) -> Sound:
        samples = audio.samples[: int(LONGEST * RATE)]
        if len(samples) == 0 or float(np.abs(samples).max()) < SILENT:
            raise Unscored("silent: there is no voice to judge")
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes((samples.clip(-1, 1) * 32767).round().astype("<i2").tobytes())
        return Sound(file.getvalue(), len(samples) / RATE)


class _Jpegs(VideoExtractor[tuple[bytes, ...]]):
    def __init__(self) -> None:
        self._found: list[bytes] = []

    def push(self, frames: Frames) -> None:
        for frame in frames.data[: int(LONGEST * FPS) - len(self._found)]:
            height, width = frame.shape[:2]
            scale = min(1.0, LONGEST_SIDE / max(height, width))
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame
            _, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            self._found.append(data.tobytes())

    def finish(self) -> tuple[bytes, ...]:
        if not self._found:
            raise NotApplicable("too_short: no frame")
        return tuple(self._found)
