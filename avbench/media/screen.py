"""The video side of a sweep: decoded frames in, chunks of every view out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from avbench.errors import MediaError
from avbench.media.picture import FILTERS, Picture, view_size
from avbench.parts import Frames, VideoView

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from avbench.media.info import MediaInfo
    from avbench.media.probe import Limits

CHUNK_BYTES = 24 << 20  # large frames come in shorter chunks: bounded, and small enough for malloc to use again
TIE = 1e-6  # seconds: times that are equal but for floating point
ROUNDING = 1e-3  # seconds: Matroska's time stamps are whole milliseconds

Push = Callable[[Frames], None]


class Screen:
    """Times, checks and counts the frames of one clip, and feeds each view.

    `push` takes the chunks of each view. Frames without a usable time stamp follow the one before at the average rate.
    """

    def __init__(
        self, info: MediaInfo, zero: Fraction, limits: Limits, push: Mapping[VideoView, Push], chunk: int
    ) -> None:
        assert info.video is not None
        self.frames = 0
        self.corrupt = 0
        self.unstamped = 0
        self.start: float | None = None
        self.end = 0.0
        self._path = info.path
        self._size = (info.video.height, info.video.width)
        self._step = float(1 / (info.video.fps or Fraction(25)))
        self._zero = zero
        self._limits = limits
        self._last: float | None = None
        self._converter = VideoReformatter()
        self._feeds = [_Feed(view, self._size, to, chunk) for view, to in push.items()]

    @property
    def seconds(self) -> float:
        return 0.0 if self.start is None else self.end - self.start

    def show(self, frame: VideoFrame) -> None:
        """Take the next decoded frame. Raises MediaError when the clip exceeds its limits."""
        self.frames += 1
        self.corrupt += bool(frame.is_corrupt)
        time = self._time(frame)
        self.start = time if self.start is None else self.start
        gap = self._step if self._last is None else time - self._last
        self._last = time
        length = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else gap
        self.end = time + length
        if self.frames > self._limits.frames:
            raise MediaError("too_many_frames", f"{self._path} has more than {self._limits.frames} frames")
        if self.seconds > self._limits.seconds:
            raise MediaError("too_long", f"{self._path} has more than {self._limits.seconds:.0f} s of video")
        picture = Picture(frame, time, self._size, self._converter)
        for feed in self._feeds:
            feed.take(picture, gap)

    def close(self) -> None:
        """Push what is left."""
        for feed in self._feeds:
            feed.close(self.end)

    def _time(self, frame: VideoFrame) -> float:
        last = self._last
        if frame.pts is not None and frame.time_base is not None:
            time = float(frame.pts * frame.time_base - self._zero)
            if last is None or time > last:
                return time
        self.unstamped += 1
        return 0.0 if last is None else last + self._step


class _Feed:
    """One view of the clip: picks frames by time stamp, resizes, and pushes them in chunks.

    A view with a rate has a slot at every `first frame + k / fps` before the clip's end. A frame takes over half a
    slot, or half its own distance to the frame before, ahead of its time, whichever is less. So a steady stream is
    read at its nearest frame, a held picture is held until the slot nearest its end, and a clip of variable
    rate reads as the constant-rate clip that it was thinned from.
    """

    def __init__(self, view: VideoView, source: tuple[int, int], push: Push, chunk: int) -> None:
        if view.filter not in FILTERS:
            raise ValueError(f"{view}: unknown filter {view.filter!r}, choose one of {', '.join(FILTERS)}")
        self._view = view
        self._size = view_size(view, source)
        self._push = push
        self._chunk = max(1, min(chunk, CHUNK_BYTES // (3 * self._size[0] * self._size[1])))
        self._images: list[NDArray[np.uint8]] = []
        self._times: list[float] = []
        self._held: Picture | None = None
        self._first = 0.0
        self._slot = 0

    def take(self, picture: Picture, gap: float) -> None:
        fps = self._view.fps
        if fps is None:
            self._emit(picture, picture.time)
            return
        if self._held is None:
            self._first = picture.time
        else:
            self._fill(picture.time - min(0.5 / fps, gap / 2))
        self._held = picture

    def close(self, end: float) -> None:
        if self._view.fps is not None and self._held is not None:
            self._fill(end - min(ROUNDING, 0.5 / self._view.fps))
        self._flush()

    def _fill(self, until: float) -> None:
        """Show the held frame in every slot up to `until`."""
        assert self._held is not None and self._view.fps is not None
        while (time := self._first + self._slot / self._view.fps) <= until + TIE:
            self._emit(self._held, time)
            self._slot += 1

    def _emit(self, picture: Picture, time: float) -> None:
        self._images.append(picture.resized(self._size, self._view.filter))
        self._times.append(time)
        if len(self._images) == self._chunk:
            self._flush()

    def _flush(self) -> None:
        if self._images:
            self._push(Frames(np.stack(self._images), np.array(self._times, np.float64)))
            self._images, self._times = [], []
