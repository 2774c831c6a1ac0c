"""Reference pictures and sounds of prompts, under the same rules as clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from avbench.errors import MediaError, Unscored
from avbench.media.picture import Picture
from avbench.media.probe import Limits, describe, first_frame, turned
from avbench.media.sound import Sound
from avbench.media.source import Decoder, opened
from avbench.parts import Audio, AudioView


def load_image(path: Path, limits: Limits = Limits()) -> NDArray[np.uint8]:  # noqa: B008 (frozen)
    """The picture at `path`, or a clip's first frame, as (H, W, 3) uint8 RGB. Raises MediaError."""
    with opened(path, limits.pixels) as container:
        header = describe(container, path, limits)
        frame = first_frame(container, header.video) if header.video else None
        if frame is None:
            raise MediaError("no_streams", f"{path} holds no picture that can be decoded")
        video = turned(header.info, frame).video
        assert video is not None
        return Picture(frame, 0.0, (video.height, video.width), VideoReformatter()).rgb()


def load_audio(path: Path, rate: int, limits: Limits = Limits()) -> NDArray[np.float32]:  # noqa: B008 (frozen)
    """The audio at `path` as mono (S,) float32 at `rate` Hz, from its first sample on. Raises MediaError."""
    return load_sound(path, rate, limits).samples


def load_sound(path: Path, rate: int, limits: Limits = Limits()) -> Audio:  # noqa: B008 (frozen)
    """The same with its start on the clip's time axis; the video is not decoded. Raises MediaError."""
    with opened(path, limits.pixels) as container:
        header = describe(container, path, limits)
        if header.audio is None:
            raise MediaError("no_streams", f"{path} has no audio stream")
        sound = Sound(header.zero, limits, keep=True, mono=True)
        decoder = Decoder(container, (header.audio,))
        for frame in decoder.frames():
            assert not isinstance(frame, VideoFrame)
            sound.hear(frame)
        if decoder.damaged["audio"]:
            raise MediaError("invalid", f"{path}: {decoder.damaged['audio']} audio packets cannot be decoded")
        try:
            return sound.view(AudioView(rate))
        except Unscored as error:
            raise MediaError("invalid", f"{path}: {error}") from error
