"""ImageBind's embeddings of a clip: its video, every frame, its sound, windows of its sound; and of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.features import remembered
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView

from ._checkpoint import down, network, up
from ._slots import Shown, Slots
from .embedding import WINDOW, Embedding, windows

if TYPE_CHECKING:
    from torch import Tensor

    from ._frames import Still
    from .imagebind import ImageBind

ID, VOCABULARY = "imagebind_huge", "imagebind_bpe"


@dataclass(frozen=True)
class ImageBindVideo(VideoBackbone[Embedding]):
    """av-benchmark's: the mean over pairs of frames two seconds apart, in three crops. Needs 4 s."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (ID,)

    def open(self, info: MediaInfo) -> VideoExtractor[Embedding]:
        return _PairExtractor(_network(), info)


@dataclass(frozen=True)
class ImageBindFrames(VideoBackbone[Embedding]):
    """(T, 1024): every decoded frame for itself, its centre square."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (ID,)

    def open(self, info: MediaInfo) -> VideoExtractor[Embedding]:
        return _StillExtractor(_network())


@dataclass(frozen=True)
class ImageBindAudio(AudioBackbone[Embedding]):
    """The mean over three clips of 2 s, spread over the whole sound."""

    view: ClassVar[AudioView] = AudioView(mono=False)
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (ID,)

    def extract(self, audio: Audio, info: MediaInfo) -> Embedding:
        return _hear(audio.samples, audio.rate)


@dataclass(frozen=True)
class ImageBindWindows(AudioBackbone[Embedding]):
    """(W, 1024): the windows of 2 s that JavisScore hears (see `windows`)."""

    view: ClassVar[AudioView] = AudioView(rate=16_000, mono=False)
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (ID,)

    def extract(self, audio: Audio, info: MediaInfo) -> Embedding:
        size, starts = windows(len(audio.samples), audio.rate)
        return np.stack([_hear(audio.samples[start : start + size], audio.rate) for start in starts])


def read(text: str) -> Embedding:
    """The embedding of a text; its first 75 tokens count."""
    return remembered(_read, text, weights=(VOCABULARY, ID))


def _read(text: str) -> Embedding:
    from avbench.products import inference

    from .imagebind_text import tokenizer

    tokens = tokenizer()([text])
    net = _network()
    with inference():
        return down(net.text(up(tokens, net))[0])


class _PairExtractor(VideoExtractor[Embedding]):
    """Sees a frame every two seconds and holds two of them."""

    def __init__(self, net: ImageBind, info: MediaInfo) -> None:
        from .imagebind_input import FPS

        self._net = net
        self._rate = FPS
        self._slots = Slots["Still"](FPS, info)
        self._last: Tensor | None = None
        self._late: list[Shown[Tensor]] = []  # seen only once it is known that the clip covers its two seconds
        self._pairs: list[Embedding] = []
        self._seen = 0

    def push(self, frames: Frames) -> None:
        from ._frames import stills

        for still, time in stills(frames):
            shown = self._slots.push(still, time)
            self._see_covered()
            self._remember(shown)

    def finish(self) -> Embedding:
        self._remember(self._slots.close())
        self._see_covered()
        if not self._pairs:
            seconds = float(self._slots.seconds)
            raise NotApplicable(f"too_short: {seconds:.2f} s of video, at least 4 s needed for two frames 2 s apart")
        return np.stack(self._pairs).mean(axis=0)

    def _remember(self, shown: Shown[Still] | None) -> None:
        if shown is not None:
            self._late.append(Shown(shown.frame.shrunk(), shown.slot, shown.count))

    def _see_covered(self) -> None:
        whole = int(self._slots.seconds * self._rate)
        while self._late and self._seen < whole:
            shown = self._late[0]
            self._see(shown.frame)
            if self._seen == shown.slot + shown.count:
                self._late.pop(0)

    def _see(self, frame: Tensor) -> None:
        import torch

        from avbench.products import inference

        from .imagebind_input import pairs

        if self._last is not None:
            clips = pairs(torch.cat([self._last, frame]))
            if frame.shape[2] == frame.shape[3]:
                clips = clips[:1]  # the three crops of a square are one
            with inference():
                self._pairs.append(down(self._net.vision(up(clips[None], self._net))[0]))
        self._last = frame
        self._seen += 1


class _StillExtractor(VideoExtractor[Embedding]):
    def __init__(self, net: ImageBind) -> None:
        self._net = net
        self._frames: list[Embedding] = []

    def push(self, frames: Frames) -> None:
        import torch

        from avbench.products import inference

        from ._frames import stills
        from .imagebind_input import squares

        shrunk = torch.cat([still.shrunk() for still, _ in stills(frames)])
        with inference():
            self._frames.append(down(self._net.vision(up(squares(shrunk), self._net))))

    def finish(self) -> Embedding:
        return np.concatenate(self._frames)


def _hear(samples: NDArray[np.float32], rate: int) -> Embedding:
    """(S,) or (S, C) to the mean of its three clips; up to 2 s they are one."""
    from avbench.products import inference

    from .imagebind_input import RATE, audio_clips

    channels = samples.reshape(len(samples), -1).T
    if channels.shape[1] < rate // 40:
        raise NotApplicable("too_short: ImageBind needs 25 ms of sound")
    equal = channels.shape[1] <= WINDOW * rate and rate == RATE
    clips: Tensor = audio_clips(channels, rate, 1 if equal else 3)
    net = _network()
    with inference():
        return down(net.audio(up(clips[None], net))[0])


def _network() -> ImageBind:
    from . import imagebind

    return network(imagebind.load, ID)
