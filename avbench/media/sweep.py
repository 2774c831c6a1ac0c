"""One pass over a clip: opened once, decoded once, every backbone fed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from av.video.frame import VideoFrame

from avbench.errors import MediaError, NotApplicable
from avbench.media.info import MediaInfo
from avbench.media.probe import Header, Limits, describe, refused_for_size, turned
from avbench.media.screen import Push, Screen
from avbench.media.sound import Sound
from avbench.media.source import Decoder, opened
from avbench.parts import AudioBackbone, Backbone, Features, Frames, VideoBackbone, VideoExtractor, VideoView

F = TypeVar("F")
OFFSET = 0.005  # seconds between the streams' starts from which a note says so


def sweep(
    path: Path,
    backbones: Iterable[Backbone[Any]],
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    *,
    audio_path: Path | None = None,
    chunk: int = 16,
) -> Features:
    """Decode the clip at `path` once and run `backbones` over it, equal ones once.

    A backbone opens with the header's info; the decoder's counts are in `features.info` and reach audio backbones.
    Frames arrive in chunks of at most `chunk`, shared by the backbones of a view, which must not write into them.
    Memory does not grow with the clip's length but for its mono audio. Whatever one backbone raises stays with it:
    `features[backbone]` raises it again. `audio_path` is a side-car, used if the clip has no audio stream.

    Raises MediaError when the clip as a whole cannot be read or exceeds `limits`.
    """
    with ExitStack() as stack:
        container = stack.enter_context(opened(path, limits.pixels))
        header = describe(container, path, limits)
        sources = [Decoder(container, tuple(s for s in (header.video, header.audio) if s is not None))]
        audio_header = header
        if audio_path is not None and header.audio is None:
            container = stack.enter_context(opened(audio_path, limits.pixels))
            audio_header = describe(container, audio_path, limits)
            if audio_header.audio is not None:
                sources.append(Decoder(container, (audio_header.audio,)))
                header = _noted(header, f"the audio is that of the side-car {audio_path.name}")
                header = replace(header, info=replace(header.info, audio=audio_header.info.audio))
        elif audio_path is not None:
            header = _noted(header, f"side-car {audio_path.name} ignored: the clip has an audio stream")
        return _Sweep(sources, header, audio_header, list(dict.fromkeys(backbones)), limits, chunk)


class _Sweep(Features):
    """Runs when made; then holds a feature or an exception for each backbone."""

    def __init__(
        self,
        sources: Sequence[Decoder],
        header: Header,
        audio_header: Header,
        backbones: Sequence[Backbone[Any]],
        limits: Limits,
        chunk: int,
    ) -> None:
        self._found: dict[Backbone[Any], object] = {}
        videos = [backbone for backbone in backbones if isinstance(backbone, VideoBackbone)]
        audios = [backbone for backbone in backbones if isinstance(backbone, AudioBackbone)]
        if odd := set(backbones) - set(videos) - set(audios):
            raise TypeError(f"neither a VideoBackbone nor an AudioBackbone: {odd}")

        info = header.info
        sound = Sound(audio_header.zero, limits, keep=bool(audios), mono=all(b.view.mono for b in audios))
        screen: Screen | None = None
        jobs: list[_Job] = []
        for source in sources:
            for frame in source.frames():
                if not isinstance(frame, VideoFrame):
                    sound.hear(frame)
                    continue
                if screen is None:
                    info = turned(info, frame)
                    jobs = [_Job(backbone, info) for backbone in videos]
                    screen = Screen(info, header.zero, limits, _pushes(jobs), chunk)
                screen.show(frame)
        if screen is not None:
            screen.close()
        damaged = sum((source.damaged for source in sources), Counter[str]())
        if damaged["audio"]:
            sound.broken = f"{damaged['audio']} packets cannot be decoded"
        if screen is None and not sound.samples:
            if info.video and refused_for_size(info.path, limits):
                raise MediaError("too_large", f"{info.path} has frames above the limit of {limits.pixels} pixels")
            why = f" ({sound.broken})" if sound.broken else ""
            raise MediaError("invalid", f"nothing in {info.path} can be decoded{why}")
        if info.audio is not None and info.audio.duration is not None and "mp4" in audio_header.info.container:
            sound.trim(info.audio.duration)  # only MP4 states the length without the codec's padding
        self.info = _counted(info, screen, sound, damaged)
        for job in jobs:
            self._found[job.backbone] = job.finish()
        if screen is None:
            for backbone in videos:
                self._found[backbone] = _no_picture(self.info)
        for heard in audios:
            self._found[heard] = _heard(heard, sound, self.info)

    def __getitem__(self, backbone: Backbone[F]) -> F:
        found = self._found[backbone]
        if isinstance(found, Exception):
            raise found
        return cast(F, found)


class _Job:
    """One video backbone at work; after an error it takes no more."""

    def __init__(self, backbone: VideoBackbone[Any], info: MediaInfo) -> None:
        self.backbone = backbone
        self._error: Exception | None = None
        self._extractor: VideoExtractor[Any] | None = None
        try:
            self._extractor = backbone.open(info)
        except Exception as error:
            self._error = error

    def push(self, frames: Frames) -> None:
        if self._extractor is None:
            return
        try:
            self._extractor.push(frames)
        except Exception as error:
            self._error, self._extractor = error, None

    def finish(self) -> object:
        """The feature, or the exception that stands for it."""
        if self._extractor is None:
            return self._error
        try:
            return self._extractor.finish()
        except Exception as error:
            return error


def _pushes(jobs: Sequence[_Job]) -> dict[VideoView, Push]:
    """One push a distinct view, to all backbones of that view."""
    by_view: dict[VideoView, list[_Job]] = {}
    for job in jobs:
        by_view.setdefault(job.backbone.view, []).append(job)
    return {view: partial(_push_all, group) for view, group in by_view.items()}


def _push_all(jobs: Sequence[_Job], frames: Frames) -> None:
    for job in jobs:
        job.push(frames)


def _heard(backbone: AudioBackbone[Any], sound: Sound, info: MediaInfo) -> object:
    if info.audio is None:
        return NotApplicable("no audio stream")
    try:
        return backbone.extract(sound.view(backbone.view), info)
    except Exception as error:
        return error


def _no_picture(info: MediaInfo) -> Exception:
    if info.video is None:
        return NotApplicable("no video stream")
    return MediaError("invalid", f"no frame of {info.path} can be decoded")


def _noted(header: Header, note: str) -> Header:
    return replace(header, info=replace(header.info, notes=(*header.info.notes, note)))


def _counted(info: MediaInfo, screen: Screen | None, sound: Sound, damaged: Counter[str]) -> MediaInfo:
    """`info` with the decoder's counts, and notes where they say something else than the header."""
    frames = screen.frames if screen else 0
    notes = list(info.notes)
    if info.video and info.video.declared_frames and frames != info.video.declared_frames:
        notes.append(f"{frames} of {info.video.declared_frames} declared frames decoded")
    corrupt = (screen.corrupt if screen else 0) + damaged["video"]
    if corrupt:
        notes.append(f"{corrupt} corrupt frames")
    if damaged["file"] or damaged["cut"]:
        notes.append("the file breaks off")
    if screen and screen.unstamped:
        notes.append(f"{screen.unstamped} frames without a usable time stamp")
    if sound.filled:
        notes.append(f"{sound.filled:.3f} s of missing audio filled with silence")
    if sound.broken:
        notes.append(f"the audio stream is damaged: {sound.broken}")
    if screen and screen.start is not None and sound.samples and abs(screen.start - sound.start) > OFFSET:
        gap = screen.start - sound.start
        notes.append(f"the video starts {abs(gap):.3f} s {'after' if gap > 0 else 'before'} the audio")
    return replace(
        info,
        notes=tuple(notes),
        decoded_frames=frames if info.video else None,
        corrupt_frames=corrupt if info.video else None,
        video_seconds=screen.seconds if screen else None,
        audio_seconds=sound.seconds if info.audio else None,
    )
