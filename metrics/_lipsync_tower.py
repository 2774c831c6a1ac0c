"""A clip's talking faces as SyncNet sees them: detected, followed, cut out and embedded while the clip is decoded.

The clip is never held: see `_lipsync_studio` for what is kept, and for how long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscored
from avbench.features import remembered
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView, Frames, VideoBackbone, VideoExtractor, VideoView

from ._backbones._checkpoint import network
from ._backbones._slots import Shown, Slots
from ._backbones.sound import audible
from ._lipsync_damage import jpeg, untouched
from ._lipsync_faces import TalkingFaces, pack, unpack
from ._lipsync_studio import Cast, Rule, Studio
from ._lipsync_track import PRESETS

if TYPE_CHECKING:
    from ._backbones.syncnet import SyncNet

DETECTOR, SYNCNET = "s3fd", "syncnet_v2"
FPS, RATE = 25, 16_000
SHOT_WIDTH = 256  # pixels, to which PySceneDetect shrinks frames
Detect = Callable[[Sequence[NDArray[np.uint8]]], Sequence[NDArray[np.float64]]]  # frames to (k, 5) each, best first
RULES = tuple(dict.fromkeys(Rule.of(preset) for preset in PRESETS.values()))


@dataclass(frozen=True)
class LipTower(VideoBackbone[TalkingFaces]):
    """S3FD at a quarter of the frame's size, PySceneDetect's cuts, the presets' tracks, SyncNet's lip tower.

    `codec_damage`: `none`, or `reference` for crops that went through JPEG; then only the reference's tracks are there.
    """

    codec_damage: Literal["none", "reference"] = "none"

    view: ClassVar[VideoView] = VideoView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (DETECTOR, SYNCNET)

    @property
    def rules(self) -> tuple[Rule, ...]:
        return RULES if self.codec_damage == "none" else (Rule.of(PRESETS["reference"]),)

    def open(self, info: MediaInfo) -> VideoExtractor[TalkingFaces]:
        from ._backbones import s3fd, syncnet

        detector, net = network(s3fd.load, DETECTOR), network(syncnet.load, SYNCNET)
        studio = Studio(partial(syncnet.embed_lip, net), untouched if self.codec_damage == "none" else jpeg)
        return FaceExtractor(partial(s3fd.detect, detector), studio, self.rules, info)

    def pack(self, feature: TalkingFaces) -> Mapping[str, NDArray[Any]]:
        return pack(feature)

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> TalkingFaces:
        return unpack(arrays, self.rules)


@dataclass(frozen=True)
class Voice:
    """A clip's sound for SyncNet: mono int16 at 16 kHz, `start` seconds on the clip's axis."""

    samples: NDArray[np.int16]
    start: float

    def beside(self, seconds: float, frames: int) -> NDArray[np.int16]:
        """The samples from `seconds` on for `frames` at 25 fps; before the sound begins there are zeros."""
        first = round((seconds - self.start) * RATE)
        silence = np.zeros(max(0, -first), np.int16)
        heard = self.samples[max(0, first) : max(0, first + frames * RATE // FPS)]
        return np.concatenate([silence, heard])[: frames * RATE // FPS]


@dataclass(frozen=True)
class VoiceTrack(AudioBackbone[Voice]):
    """What the audio tower hears of a track starts with the track, so its windows are embedded with it (`speech`)."""

    view: ClassVar[AudioView] = AudioView(rate=RATE)
    kept: ClassVar[bool] = True

    def extract(self, audio: Audio, info: MediaInfo) -> Voice:
        scaled = np.rint(audible(audio) * 32768.0)
        return Voice(np.clip(scaled, -32768, 32767).astype(np.int16), audio.start)

    def pack(self, feature: Voice) -> Mapping[str, NDArray[Any]]:
        return {"samples": feature.samples, "start": np.array(feature.start)}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> Voice:
        return Voice(arrays["samples"], float(arrays["start"]))


def speech(samples: NDArray[np.int16], frames: int) -> NDArray[np.float32]:
    """(N, 1024), the windows of `samples` that SyncNet compares with a face of `frames` frames; none when too short."""
    return remembered(_speech, samples, frames, weights=(SYNCNET,))


def _speech(samples: NDArray[np.int16], frames: int) -> NDArray[np.float32]:
    from ._backbones import syncnet

    return heard(network(syncnet.load, SYNCNET), samples, frames)


def heard(net: SyncNet, samples: NDArray[np.int16], frames: int) -> NDArray[np.float32]:
    """(N, dim): `speech` by any SyncNet."""
    from ._backbones import syncnet

    count = syncnet.windows(frames, len(samples))
    if count == 0:
        return np.empty((0, net.config.dim), np.float32)
    return syncnet.embed_audio(net, samples, count)


class Shots:
    """PySceneDetect's ContentDetector at several thresholds, fed frames in memory; each change is measured once."""

    def __init__(self, thresholds: Sequence[float]) -> None:
        try:
            from scenedetect import ContentDetector, FrameTimecode
            from scenedetect.detector import FlashFilter
        except ImportError as error:
            raise Unscored("needs the package scenedetect-headless; run pip install 'avbench[paper]'") from error

        class Detector(ContentDetector):  # type: ignore[misc]  # untyped where the package is not installed
            def _calculate_frame_score(detector, timecode: object, frame_img: object) -> float:
                return self._change

        mode = FlashFilter.Mode.SUPPRESS  # cuts are told at once; MERGE, the newer default, moves cuts of one flurry
        self._detectors: dict[float, Any] = {
            threshold: Detector(threshold, min_scene_len=15, filter_mode=mode) for threshold in set(thresholds)
        }
        self._time = FrameTimecode
        self._last: NDArray[np.uint8] | None = None
        self._change = 0.0

    def cuts(self, frame: NDArray[np.uint8], slot: int) -> set[float]:
        """The thresholds at which a new shot begins with this RGB frame."""
        height, width = frame.shape[:2]
        if width > SHOT_WIDTH:
            size = (SHOT_WIDTH, max(1, round(height * SHOT_WIDTH / width)))
            frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        hsv, time = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2HSV), np.uint8), self._time(slot, float(FPS))
        if self._last is not None:  # as the detector itself has it: hue, saturation and value count alike
            differences = cv2.sumElems(cv2.absdiff(hsv, self._last))[:3]
            self._change = sum(total / float(hsv.shape[0] * hsv.shape[1]) for total in differences) / 3.0
        self._last = hsv
        return {threshold for threshold, found in self._detectors.items() if found.process_frame(time, frame)}


class FaceExtractor(VideoExtractor[TalkingFaces]):
    """Finds faces with `detect` in batches of frames, follows them by each rule, and has the studio embed them."""

    def __init__(self, detect: Detect, studio: Studio, rules: Sequence[Rule], info: MediaInfo) -> None:
        self._detect = detect
        self._slots = Slots[NDArray[np.uint8]](Fraction(FPS), info)
        self._waiting: list[Shown[NDArray[np.uint8]]] = []
        thresholds = [rule.cut_threshold for rule in rules if rule.cut_threshold is not None]
        self._shots = Shots(thresholds) if thresholds else None
        self._casts = {rule: Cast(rule, studio) for rule in rules}
        self._frames: dict[int, NDArray[np.uint8]] = {}
        self._total = self._seen = 0

    def push(self, frames: Frames) -> None:
        for frame, time in zip(frames.data, frames.times, strict=True):
            if shown := self._slots.push(frame, float(time)):
                self._waiting.append(shown)
        self._watch()

    def finish(self) -> TalkingFaces:
        if shown := self._slots.close():
            self._waiting.append(shown)
        self._watch()
        for cast in self._casts.values():
            cast.cut(self._frames)
        longest, size = max(cast.longest for cast in self._casts.values())
        faces = {rule: cast.faces() for rule, cast in self._casts.items()}
        return TalkingFaces(faces, self._total, self._slots.start, self._seen, longest, size)

    def _watch(self) -> None:
        found = self._detect([shown.frame for shown in self._waiting])
        for shown, faces in zip(self._waiting, found, strict=True):
            cuts = self._shots.cuts(shown.frame, shown.slot) if self._shots else set()
            for rule, cast in self._casts.items():
                if rule.cut_threshold in cuts:
                    cast.cut(self._frames)
            for slot in range(shown.slot, shown.slot + shown.count):
                self._frames[slot] = shown.frame
                for cast in self._casts.values():
                    cast.see(slot, faces, self._frames)
            self._total = shown.slot + shown.count
            self._seen += shown.count * bool(len(faces))
            needed = min(cast.needs(self._total) for cast in self._casts.values())
            for slot in [slot for slot in self._frames if slot < needed]:
                del self._frames[slot]
        self._waiting = []
