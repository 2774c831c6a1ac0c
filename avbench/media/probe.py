"""Reads the header of a media file and chooses its streams, within caps."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from av import logging
from av.error import FFmpegError
from av.stream import Disposition

from avbench.errors import MediaError
from avbench.media.info import AudioInfo, MediaInfo, VideoInfo
from avbench.media.picture import rotation
from avbench.media.source import opened

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

S = TypeVar("S", "AudioStream", "VideoStream")


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on a clip, held against its header before decoding and against what is decoded.

    `pixels` a frame (width x height), `frames` and `seconds` a stream. They keep one bad file from taking
    the machine's memory or an hour of its time.
    """

    pixels: int = 4096 * 4096
    frames: int = 20_000
    seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Header:
    """An open file's info, its chosen streams, and the zero of the clip's axis in the streams' own seconds."""

    info: MediaInfo
    video: VideoStream | None
    audio: AudioStream | None
    zero: Fraction


def probe(path: Path, limits: Limits = Limits()) -> MediaInfo:
    """The header of the media file at `path`, and its first frame for the rotation.

    Raises MediaError of kind `not_found`, `unreadable`, `empty`, `invalid`, `no_streams`, `too_large`,
    `too_many_frames` or `too_long`.
    """
    with opened(path, limits.pixels) as container:
        header = describe(container, path, limits)
        frame = first_frame(container, header.video) if header.video else None
        return turned(header.info, frame) if frame else header.info


def describe(container: InputContainer, path: Path, limits: Limits) -> Header:
    """The header and the streams that count: FFmpeg's best of each kind, cover art aside."""
    cover = [stream for stream in container.streams.video if stream.disposition & Disposition.attached_pic]
    videos = [stream for stream in container.streams.video if stream not in cover and stream.codec_context]
    audios = [stream for stream in container.streams.audio if stream.codec_context]
    video, audio = _best(container, "video", videos), _best(container, "audio", audios)
    if video is None and audio is None:
        raise MediaError("no_streams", f"{path} has neither a video nor an audio stream that can be decoded")

    notes = [f"{len(cover)} cover picture(s) ignored"] if cover else []
    for kind, chosen, count in (("video", video, len(videos)), ("audio", audio, len(audios))):
        if chosen is not None and count > 1:
            notes.append(f"{count} {kind} streams: stream {chosen.index} is used")
    zero = min(_start(stream) for stream in (video, audio) if stream is not None)
    info = MediaInfo(
        path=path,
        container=container.format.name,
        video=_video_info(video, zero) if video else None,
        audio=_audio_info(audio, zero) if audio else None,
        notes=tuple(notes),
    )
    _check(info, limits, container)
    return Header(info, video, audio, zero)


def first_frame(container: InputContainer, video: VideoStream) -> VideoFrame | None:
    """The first frame that decodes, or None."""
    video.codec_context.thread_count = 1
    try:
        for packet in container.demux(video):
            try:
                for frame in packet.decode():
                    return frame
            except FFmpegError:
                continue  # damaged before the first whole frame: the sweep counts it
    except FFmpegError:
        return None
    return None


def refused_for_size(path: Path, limits: Limits) -> bool:
    """Whether the decoder refuses frames of a file, of which nothing can be decoded, for their size.

    FFmpeg says so in its log alone, and forgets the size.
    """
    level = logging.get_level()
    logging.set_level(logging.ERROR)
    try:
        with logging.Capture() as log, suppress(MediaError), opened(path, limits.pixels) as container:
            for stream in container.streams.video[:1]:
                first_frame(container, stream)
    finally:
        logging.set_level(level)
    return any("max pixel count" in words for _, _, words in log)


def turned(info: MediaInfo, frame: VideoFrame) -> MediaInfo:
    """`info` with the size as shown and the rotation, which only a decoded frame tells."""
    assert info.video is not None
    turn = rotation(frame)
    width, height = (frame.height, frame.width) if turn % 180 else (frame.width, frame.height)
    return replace(info, video=replace(info.video, rotation=turn, width=width, height=height))


def _check(info: MediaInfo, limits: Limits, container: InputContainer) -> None:
    """Hold the header against the limits."""
    video, audio, path = info.video, info.audio, info.path
    if video and video.width * video.height > limits.pixels:
        size = f"{video.width}x{video.height}"
        raise MediaError("too_large", f"{path} has frames of {size}, above the limit of {limits.pixels} pixels")
    if video and (video.declared_frames or 0) > limits.frames:
        raise MediaError("too_many_frames", f"{path} has {video.declared_frames} frames, limit {limits.frames}")
    stated = [stream.duration for stream in (video, audio) if stream and stream.duration is not None]
    seconds = max(stated) if stated else (container.duration or 0) / 1e6
    if seconds > limits.seconds:
        raise MediaError("too_long", f"{path} lasts {seconds:.0f} s, limit {limits.seconds:.0f} s")


def _best(container: InputContainer, kind: Literal["video", "audio"], among: list[S]) -> S | None:
    best = container.streams.best(kind)
    return best if best in among else among[0] if among else None


def _start(stream: VideoStream | AudioStream) -> Fraction:
    if stream.start_time is None or stream.time_base is None:
        return Fraction(0)
    return stream.start_time * stream.time_base


def _seconds(stream: VideoStream | AudioStream) -> float | None:
    if not stream.duration or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def _video_info(stream: VideoStream, zero: Fraction) -> VideoInfo:
    context = stream.codec_context
    return VideoInfo(
        index=stream.index,
        codec=context.name,
        pixel_format=context.pix_fmt or "",
        width=context.width,
        height=context.height,
        rotation=0,
        fps=stream.average_rate or stream.guessed_rate or None,
        start=float(_start(stream) - zero),
        duration=_seconds(stream),
        declared_frames=stream.frames or None,
    )


def _audio_info(stream: AudioStream, zero: Fraction) -> AudioInfo:
    context = stream.codec_context
    return AudioInfo(
        index=stream.index,
        codec=context.name,
        rate=context.sample_rate,
        channels=context.layout.nb_channels,
        start=float(_start(stream) - zero),
        duration=_seconds(stream),
    )
