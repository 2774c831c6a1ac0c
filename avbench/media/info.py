"""What a media file says of itself before it is decoded, and what decoding found."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The chosen video stream. Sizes are as shown, after rotation; `start` and `duration` are seconds.

    `rotation` is the turn counter-clockwise in degrees that shows the picture upright; views are upright.
    `fps` is the average rate that the header states. `declared_frames` is None where the container has no count.
    """

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

    Times are on the clip's axis, whose zero is the start of the stream that starts first.
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

    @property
    def coverage(self) -> float | None:
        """Decoded frames over declared frames; None before a sweep or where the header has no count."""
        if self.video is None or not self.video.declared_frames or self.decoded_frames is None:
            return None
        return self.decoded_frames / self.video.declared_frames
