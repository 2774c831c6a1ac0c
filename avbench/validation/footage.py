"""A clip that is there already, as frames and samples that a fault can be done to."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import soxr
from numpy.typing import NDArray

from avbench.clips import sidecar_of
from avbench.errors import MediaError
from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView
from avbench.records import Sample

LONGEST = 10.0  # seconds of a clip that are used: faults keep all frames in memory
CHANNELS = (1, 2, 6, 8)  # what can be written again


class _Kept(VideoExtractor[Frames]):
    def __init__(self) -> None:
        self.data: list[NDArray[np.uint8]] = []
        self.times: list[float] = []

    def push(self, frames: Frames) -> None:
        for image, time in zip(frames.data, frames.times, strict=True):
            if time < LONGEST:
                self.data.append(image.copy())
                self.times.append(float(time))

    def finish(self) -> Frames:
        return Frames(np.stack(self.data), np.asarray(self.times))


@dataclass(frozen=True)
class Pictures(VideoBackbone[Frames]):
    """Every frame of the first `LONGEST` seconds."""

    view: ClassVar[VideoView] = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[Frames]:
        return _Kept()


@dataclass(frozen=True)
class Recording(AudioBackbone[Audio]):
    """The sound as it is in the file."""

    view: ClassVar[AudioView] = AudioView(mono=False)

    def extract(self, audio: Audio, info: MediaInfo) -> Audio:
        return audio


def load(path: Path) -> Sample:
    """The first `LONGEST` seconds of a clip: frames at one even rate, the sound from the clip's zero on.

    Raises MediaError where it has no picture or no sound, or cannot be read.
    """
    features = sweep(path, (Pictures(), Recording()), audio_path=sidecar_of(path))
    video = features.info.video
    if video is None or features.info.audio is None:
        raise MediaError("no_streams", f"{path}: a fault needs a picture and a sound")
    shown, heard = features[Pictures()], features[Recording()]
    fps = video.fps or Fraction(25)
    seconds = min(LONGEST, float(shown.times[-1]) + float(1 / fps))
    at = np.arange(max(1, round(seconds * fps))) / float(fps)
    latest = np.searchsorted(shown.times, at + 1e-6, side="right") - 1
    frames = shown.data[np.maximum(latest, 0)]
    return Sample(frames, fps, _from_zero(heard), heard.rate)


def _from_zero(audio: Audio) -> NDArray[np.float32]:
    samples = audio.samples if audio.samples.ndim == 2 else audio.samples[:, None]
    if samples.shape[1] not in CHANNELS:
        samples = samples.mean(axis=1, keepdims=True)
    lead = np.zeros((max(0, round(audio.start * audio.rate)), samples.shape[1]), np.float32)
    return np.concatenate([lead, samples])[: round(LONGEST * audio.rate)].astype(np.float32)


def like(clip: Sample, other: Sample) -> Sample:
    """`other` with its sound at the rate and in as many channels as that of `clip`."""
    samples = other.audio if other.audio.ndim == 2 else other.audio[:, None]
    wanted = clip.audio.reshape(len(clip.audio), -1).shape[1]
    if samples.shape[1] != wanted:
        samples = np.repeat(samples.mean(axis=1, keepdims=True), wanted, axis=1)
    if other.sample_rate != clip.sample_rate:
        samples = soxr.resample(samples, other.sample_rate, clip.sample_rate)
    audio = np.asarray(samples, np.float32).reshape((-1, *clip.audio.shape[1:]))
    return Sample(other.frames, other.fps, audio, clip.sample_rate)
