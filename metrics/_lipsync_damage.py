"""What JPEG does to the face crops of the reference, which goes through files before SyncNet sees them.

`evaluate` of joonson/syncnet_python has FFmpeg write the crops as JPEG with no quality given: its MJPEG encoder then
keeps to 200 kbit/s, so the first frames of a track are good (about 40 dB) and the others full of blocks (about 32 dB).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from ._lipsync_crop import SIZE

Image = NDArray[np.uint8]
Spoil = Callable[[Image], Image]

FPS = 25
BIT_RATE = 200_000  # FFmpeg's when nobody asks for another


def untouched() -> Spoil:
    """For one track: the crops as they are."""
    return lambda crop: crop


def jpeg() -> Spoil:
    """For one track: takes its RGB crops (224, 224, 3) in order, about 1 ms each, and gives them as read from JPEG."""
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width = encoder.height = SIZE
    encoder.pix_fmt, encoder.bit_rate, encoder.thread_count = "yuvj420p", BIT_RATE, 1
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.options = {"huffman": "optimal"}
    count = 0

    def spoil(crop: Image) -> Image:
        nonlocal count
        frame = VideoFrame.from_ndarray(crop, format="rgb24").reformat(format="yuvj420p")
        frame.pts, frame.time_base = count, Fraction(1, FPS)
        count += 1
        (packet,) = encoder.encode(frame)
        bgr = cv2.imdecode(np.frombuffer(bytes(packet), np.uint8), cv2.IMREAD_COLOR)  # the reference reads by OpenCV
        return np.ascontiguousarray(np.asarray(bgr, np.uint8)[:, :, ::-1])

    return spoil
