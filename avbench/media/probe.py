"""What a media file says of itself before it is decoded, and what decoding found."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The chosen video stream. Sizes are as shown, after rotation; `start` and `duration` are seconds."""

    index: int
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation: int
    fps: Fraction | None
    start: float
    duration: float | None
    declared_frames: int | None


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The chosen audio stream; `start` and `duration` are seconds."""

    index: int
    codec: str
    rate: int
    channels: int
    start: float
    duration: float | None


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A probed file. After a sweep the last four fields hold what the decoder counted, which wins over the header.

    `notes` are plain sentences about odd but handled things (other streams, an ignored side-car, truncation).
    """

    path: Path
    container: str
    video: VideoInfo | None
    audio: AudioInfo | None
    notes: tuple[str, ...] = ()
    decoded_frames: int | None = None
    corrupt_frames: int | None = None
    video_seconds: float | None = None
    audio_seconds: float | None = None
