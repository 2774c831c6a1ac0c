"""One way to write a clip: H.264 and AAC in MP4, the same bytes for the same sample, never half a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from avbench.records import Sample

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

CRF, CRF_MASTER = 17, 6
BLOCK = 1024  # samples: a frame of AAC
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def write(path: Path, sample: Sample, *, lossless: bool = False, master: bool = False) -> None:
    """Write `sample` to `path` as MP4 that starts to play at once (faststart), atomically.

    Frames keep their exact rate. Pixels become BT.601 4:2:0 of limited range, which players and readers that ignore
    colour tags read right as well; an odd width or height gets its last column or row twice. Audio becomes AAC with an
    edit list over the encoder's delay, so that a sound stays where it was; without samples there is no audio stream.
    `lossless` stores RGB and float samples bit for bit instead (few players show it); `master` stores float samples and
    a picture that no metric should tell from the source, 4:2:0 of limited range as before, in a fraction of the bytes.

    Raises ValueError naming the field of the sample that is wrong, and OSError when the disk refuses.
    """
    exact = lossless or master
    _check(sample, exact)
    # Edit lists are in units of the movie's time scale; the default of 1 ms would cut the last samples.
    options = {"movflags": "+faststart", "movie_timescale": str(sample.sample_rate if sample.audio.size else 90_000)}
    with _replacing(path) as part, av.open(str(part), "w", format="mp4", options=options) as output:
        video = _video_stream(output, sample, lossless, CRF_MASTER if master else CRF)
        audio = _audio_stream(output, sample, exact) if sample.audio.size else None
        blocks = _blocks(sample)
        sent = 0
        for index, frame in enumerate(_pictures(sample, lossless)):
            output.mux(video.encode(frame))
            while audio is not None and sent * sample.fps < (index + 1) * sample.sample_rate:
                block = next(blocks, None)  # interleaved by time, for the muxer holds back at most 10 s
                if block is None:
                    break
                output.mux(audio.encode(block))
                sent += block.samples
        output.mux(video.encode(None))
        if audio is not None:
            for block in blocks:
                output.mux(audio.encode(block))
            output.mux(audio.encode(None))


def _check(sample: Sample, any_rate: bool) -> None:
    frames, audio = sample.frames, sample.audio
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise ValueError(f"frames are {frames.dtype} {frames.shape}, expected uint8 (T, H, W, 3) with T, H, W >= 1")
    if sample.fps <= 0:
        raise ValueError(f"fps is {sample.fps}, expected more than 0")
    if audio.dtype != np.float32 or audio.ndim not in (1, 2) or (audio.ndim == 2 and audio.shape[1] not in LAYOUTS):
        raise ValueError(f"audio is {audio.dtype} {audio.shape}, expected float32 (S,) or (S, C) with C in 1, 2, 6, 8")
    if not np.isfinite(audio).all():
        raise ValueError("audio holds NaN or infinite samples")
    rates = av.Codec("aac", "w").audio_rates or []
    if audio.size and not any_rate and sample.sample_rate not in rates:
        raise ValueError(f"sample_rate is {sample.sample_rate}, AAC has {', '.join(map(str, sorted(rates)))}")


def _video_stream(output: OutputContainer, sample: Sample, lossless: bool, crf: int) -> VideoStream:
    height, width = sample.frames.shape[1:3]
    if lossless:
        stream = output.add_stream("libx264rgb", rate=sample.fps, options={"qp": "0", "preset": "ultrafast"})
        stream.pix_fmt = "rgb24"
        stream.width, stream.height = width, height
    else:
        # With its macroblock tree x264 gives other bytes for the same frames in about 1 run of 100 (widths that 64
        # does not divide).
        options = {"crf": str(crf), "preset": "fast", "x264-params": "mbtree=0"}
        stream = output.add_stream("libx264", rate=sample.fps, options=options)
        stream.pix_fmt = "yuv420p"
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.codec_context.colorspace = Colorspace.SMPTE170M
        stream.codec_context.color_range = ColorRange.MPEG
    stream.codec_context.time_base = 1 / sample.fps
    stream.codec_context.thread_count = 1  # the bytes depend on the number of threads
    return stream


def _audio_stream(output: OutputContainer, sample: Sample, exact: bool) -> AudioStream:
    channels = 1 if sample.audio.ndim == 1 else sample.audio.shape[1]
    stream = output.add_stream("pcm_f32le" if exact else "aac", rate=sample.sample_rate)
    stream.codec_context.layout = LAYOUTS[channels]
    stream.codec_context.format = "flt" if exact else "fltp"
    if not exact:
        stream.codec_context.bit_rate = channels * min(96_000, 4 * sample.sample_rate)
    return stream


def _pictures(sample: Sample, lossless: bool) -> Iterator[VideoFrame]:
    converter = VideoReformatter()
    height, width = sample.frames.shape[1:3]
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    for index, image in enumerate(sample.frames):
        if lossless:
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        else:
            even = np.ascontiguousarray(np.pad(image, padding, mode="edge"))
            frame = converter.reformat(
                VideoFrame.from_ndarray(even, format="rgb24"),
                format="yuv420p",
                dst_colorspace=Colorspace.SMPTE170M,
                dst_color_range=ColorRange.MPEG,
            )
        frame.pts, frame.time_base = index, 1 / sample.fps
        yield frame


def _blocks(sample: Sample) -> Iterator[AudioFrame]:
    audio = sample.audio.reshape(len(sample.audio), -1)
    for start in range(0, len(audio), BLOCK):
        block = np.ascontiguousarray(audio[start : start + BLOCK])
        frame = AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout=LAYOUTS[audio.shape[1]])
        frame.sample_rate = sample.sample_rate
        frame.pts = start
        yield frame


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its name once it is whole and on disk."""
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
