"""Opening a media file: a literal local path, a known container, no protocol, no play-list."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.error import FFmpegError

from avbench.errors import MediaError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# An allow-list, since FFmpeg also reads play-lists, scripts and name patterns that pull in other files: hls, concat,
# dash, image2, sdp, imf … The names are those of FFmpeg's demuxers; one of a demuxer's names suffices.
FORMATS = (
    "mov,matroska,mpeg,mpegts,mpegvideo,avi,flv,asf,ogg,ivf,h264,hevc,m4v,gif,nut,wtv,mxf,"
    "wav,w64,flac,mp3,aac,ac3,eac3,aiff,au,caf,amr,ape,wv,tta,"
    "png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe"
)


@contextmanager
def opened(path: Path, max_pixels: int) -> Iterator[InputContainer]:
    """`path` opened for reading, and closed again. No frame above `max_pixels` is ever allocated.

    Raises MediaError of kind `not_found`, `unreadable`, `empty` or `invalid`.
    """
    _check(path)
    try:
        # FFmpeg takes a bare "concat:a|b" or "http://…" for a protocol; an absolute path is only ever a file.
        container = av.open(
            str(path.absolute()),
            options={"protocol_whitelist": "file", "format_whitelist": FORMATS, "max_pixels": str(max_pixels)},
            metadata_errors="replace",
        )
    except (FFmpegError, OSError) as error:
        raise MediaError("invalid", f"{path} is not a media file that can be read ({_reason(error)})") from error
    with container:
        for stream in (*container.streams.video, *container.streams.audio):
            if stream.codec_context:  # av.open hands its options to FFmpeg's own look at the streams, not to these
                stream.codec_context.options = {"max_pixels": str(max_pixels)}
        yield container


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes the `streams` of an open container.

    `damaged` counts the packets that cannot be decoded, by `video` and `audio`; packets of audio that break off count
    as `cut`, and an error of the file's structure as `file`.
    """

    container: InputContainer
    streams: tuple[VideoStream | AudioStream, ...]
    damaged: Counter[str] = field(default_factory=Counter)

    def frames(self) -> Iterator[VideoFrame | AudioFrame]:
        """All frames in file order. One thread each: what is_corrupt says and how damage looks depend on threads."""
        by_index = {stream.index: stream for stream in self.streams}
        for stream in self.streams:
            stream.codec_context.thread_count = 1
        packets = self.container.demux(*self.streams)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except FFmpegError:  # the file breaks off: what the decoders hold is still good
                self.damaged["file"] += 1
                break
            if packet.is_corrupt and packet.stream.type == "audio":
                self.damaged["cut"] += 1  # a file that breaks off inside a packet
                continue
            yield from self._decoded(by_index[packet.stream.index], packet)
        for stream in self.streams:
            yield from self._decoded(stream, None)

    def _decoded(
        self, stream: VideoStream | AudioStream, packet: Packet[Any] | None
    ) -> Sequence[VideoFrame | AudioFrame]:
        try:
            return stream.decode(packet)
        except FFmpegError:
            self.damaged[stream.type] += 1
            return []


def _reason(error: Exception) -> str:
    """FFmpeg's own words, without the path and the number."""
    return str(getattr(error, "strerror", None) or error).split(":")[0].lower()


def _check(path: Path) -> None:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise MediaError("invalid", f"{path} is not a regular file")
        with path.open("rb"):
            pass
    except PermissionError as error:
        raise MediaError("unreadable", f"{path} may not be read: permission denied") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise MediaError("not_found", f"{str(path)!r} does not exist") from error
    if found.st_size == 0:
        raise MediaError("empty", f"{path} is empty (0 bytes)")
