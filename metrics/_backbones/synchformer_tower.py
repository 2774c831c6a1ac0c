"""Synchformer's two trunks over a clip, a segment of 0.64 s every 0.32 s, and the head that compares them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.features import remembered
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView

from ._checkpoint import batch, down, network, up
from ._slots import Shown, Slots

if TYPE_CHECKING:
    from torch import Tensor

    from ._frames import Still
    from .synchformer import Synchformer

ID = "synchformer"
BATCH = 8  # segments a pass on a GPU, 10 MB each
Segments = NDArray[np.float32]


def official() -> Synchformer:
    """The network with the official weights."""
    from . import synchformer

    return network(synchformer.load, ID)


def small() -> Synchformer:
    """The network that was trained on the world, whose weights ship."""
    from . import synchformer
    from ._shipped import shipped

    return shipped(synchformer.load_sized, ID)


@dataclass(frozen=True)
class SynchformerVideo(VideoBackbone[Segments]):
    """(S, 8, dim). Frames at 25 fps as FFmpeg's filter picks them, whole ones only; memory holds one segment."""

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (ID,)

    def _network(self) -> Synchformer:
        return official()

    def open(self, info: MediaInfo) -> VideoExtractor[Segments]:
        return _VideoExtractor(self._network(), info)


@dataclass(frozen=True)
class SynchformerAudio(AudioBackbone[Segments]):
    """(S, 6, dim), from the first frame of the video on: a late start of either stream is seen."""

    view: ClassVar[AudioView] = AudioView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (ID,)

    def _network(self) -> Synchformer:
        return official()

    def extract(self, audio: Audio, info: MediaInfo) -> Segments:
        import torch

        from avbench.products import inference

        from . import synchformer_input as protocol
        from ._waves import mono

        net = self._network()
        wave = mono(audio.samples[None], audio.rate, protocol.RATE, remove_dc=False)
        lead = round(((info.video.start if info.video else 0.0) - audio.start) * protocol.RATE)
        wave = torch.nn.functional.pad(wave, (-lead, 0))  # a negative pad cuts
        if len(wave) < protocol.SEGMENT_SAMPLES:
            raise NotApplicable(f"too_short: {len(wave) / protocol.RATE:.2f} s of sound, at least 0.64 s needed")
        with inference():
            parts = protocol.audio_segments(wave).split(8)
            return np.concatenate([down(net.audio(up(part, net))) for part in parts])


@dataclass(frozen=True)
class WorldVideo(SynchformerVideo):
    """The same by the small network."""

    kept: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()

    def _network(self) -> Synchformer:
        return small()


@dataclass(frozen=True)
class WorldAudio(SynchformerAudio):
    """The same by the small network."""

    kept: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()

    def _network(self) -> Synchformer:
        return small()


def compare(video: Segments, audio: Segments, picks: NDArray[np.int64]) -> NDArray[np.float32]:
    """(B, 21) logits of the offset for B choices of 14 segments, (B, 14), by the official network."""
    return remembered(_compare, video, audio, picks, weights=(ID,))


def _compare(video: Segments, audio: Segments, picks: NDArray[np.int64]) -> NDArray[np.float32]:
    return told(official(), video, audio, picks)


def told(net: Synchformer, video: Segments, audio: Segments, picks: NDArray[np.int64]) -> NDArray[np.float32]:
    """(B, 21) logits of the offset for B choices of as many segments as the network's head looks at, (B, S)."""
    from avbench.products import inference

    with inference():
        return down(net.compare(*(up(side[picks], net) for side in (video, audio))))


class _VideoExtractor(VideoExtractor[Segments]):
    def __init__(self, net: Synchformer, info: MediaInfo) -> None:
        from .synchformer_input import FPS, SEGMENT_FRAMES

        self._net = net
        self._slots = Slots["Still"](Fraction(FPS), info)
        self._pixels: deque[Tensor] = deque(maxlen=SEGMENT_FRAMES)
        self._shown = 0
        self._waiting: list[Tensor] = []
        self._segments: list[Segments] = []

    def push(self, frames: Frames) -> None:
        from ._frames import stills

        for still, time in stills(frames):
            self._show(self._slots.push(still, time))

    def finish(self) -> Segments:
        from .synchformer_input import FPS, SEGMENT_FRAMES, STEP_FRAMES

        self._show(self._slots.close())
        whole = int(self._slots.seconds * FPS)  # av-benchmark drops a last frame that is cut short
        count = (whole - SEGMENT_FRAMES) // STEP_FRAMES + 1
        if whole < SEGMENT_FRAMES:
            raise NotApplicable(f"too_short: {whole} frames at 25 fps, at least {SEGMENT_FRAMES} needed")
        self._embed()
        return np.concatenate(self._segments)[:count]

    def _show(self, shown: Shown[Still] | None) -> None:
        import torch

        from .synchformer_input import SEGMENT_FRAMES, STEP_FRAMES, normalised

        if shown is None:
            return
        size = self._net.config.pixels
        pixels = normalised(shown.frame.shrunk(size), size)[0]
        for _ in range(shown.count):
            self._pixels.append(pixels)
            self._shown += 1
            if self._shown >= SEGMENT_FRAMES and (self._shown - SEGMENT_FRAMES) % STEP_FRAMES == 0:
                self._waiting.append(torch.stack(tuple(self._pixels)))
                if len(self._waiting) == batch(self._net, BATCH):
                    self._embed()

    def _embed(self) -> None:
        import torch

        from avbench.products import inference

        if self._waiting:
            with inference():
                self._segments.append(down(self._net.video(up(torch.stack(self._waiting), self._net))))
            self._waiting = []
