"""Guards: faults that make other scores meaningless. A static or mute clip wins identity and smoothness metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avbench.answers import ALL, PICTURE, SOUND, TEXT, Answers, Fault, but
from avbench.errors import MediaError, NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.parts import Features, Metric
from avbench.records import Clip, Column, Direction, Score, Status

from ._backbones.levels import Levels
from ._backbones.pixels import PixelCurves, Pixels
from ._backbones.sound import SILENCE_DBFS

SOURCE = "avbench"
STILL = 0.05  # mean change in luma levels; H.264 repeats most frames of a frozen picture exactly
STILL_CELL = 2.5  # change of the cell that changes most: in a static shot only a mouth may move
FROZEN = 0.7  # share of neighbouring pairs that are still; the others are the encoder's refinements
EVENT = 3.0  # luma levels; a pair that changes more shows an event, such as lightning over a still night
BLACK_PIXELS = 0.999  # share of dark pixels; FFmpeg's blackdetect takes 0.98, which a stick figure on black meets
BLACK_FRAMES = 0.98
GAP_SECONDS, GAP_SHARE = 0.2, 0.1
SHORTEST = 1.0  # seconds; below it no sync metric can answer
CLIPPED = 0.001
OFFSET = 0.02


def _flag(name: str, summary: str, source: str = SOURCE) -> Column:
    return Column(name, "0/1", Direction.DOWN, 0.0, 1.0, summary, source, guard=True, decimals=2)


class Guards(Metric):
    """Flags are 1 when the fault is there; a mean over clips is the share of faulty clips. They run on every clip."""

    columns: ClassVar[tuple[Column, ...]] = (
        _flag("silent", "no audio stream, or no 20 ms window of it reaches -60 dBFS"),
        _flag(
            "frozen", "in over 70 % of neighbouring frames nothing changes, in none more than 3 luma levels; needs 2"
        ),
        _flag("black", "98 % of frames have 99.9 % of their pixels below 10 % luma", "after FFmpeg's blackdetect"),
        _flag("av_duration_gap", "audio and video lengths differ by over 0.2 s and 10 % of the longer; needs both"),
        _flag("too_short", "less than 1 s of video, or of audio where there is no video"),
        _flag("corrupt", "frames are damaged, or the audio is damaged or holds numbers that are not finite"),
        _flag("truncated", "the file ends before the frames that its header declares"),
        _flag("clipped", "more than 0.1 % of the samples lie in flat tops (see `clipping_ratio`)"),
        _flag("dc_offset", "the mean of a channel is further than 0.02 of full scale from zero"),
        Column(
            "av_gap_seconds",
            unit="s",
            direction=Direction.ZERO,
            low=-float("inf"),
            high=float("inf"),
            summary="length of the audio minus length of the video; needs both",
            source=SOURCE,
        ),
    )
    answers: ClassVar[Mapping[str, Answers]] = {
        "silent": Answers(worse=(Fault.MUTE,), ignores=(*but(SOUND, Fault.MUTE, Fault.DROP_WORDS), *PICTURE, *TEXT)),
        "frozen": Answers(worse=(Fault.FREEZE,), ignores=(*SOUND, *but(PICTURE, Fault.FREEZE), *TEXT)),
        "black": Answers(ignores=tuple(Fault)),
        "clipped": Answers(
            worse=(Fault.CLIPPING,), ignores=(*but(SOUND, Fault.CLIPPING, Fault.NOISE), *PICTURE, *TEXT)
        ),
        "dc_offset": Answers(ignores=but(tuple(Fault), Fault.CLIPPING)),
        ALL: Answers(ignores=tuple(Fault)),
    }
    least: ClassVar[str] = "any"
    needs = (Pixels(), Levels())

    def score(self, clip: Clip, features: Features) -> Mapping[str, float | Score]:
        info = features.info
        values: dict[str, float | str] = {}
        values |= _of_picture(features)
        values |= _of_sound(features)
        values |= _of_lengths(info)
        if (info.corrupt_frames or 0) > 0:
            values["corrupt"] = 1.0
        return {
            name: value if isinstance(value, float) else Score(name, self.backend, None, Status.NOT_APPLICABLE, value)
            for name, value in values.items()
        }


def _of_picture(features: Features) -> dict[str, float | str]:
    """Values, or the reason why there is none."""
    try:
        pixels = features[Pixels()]
    except (NotApplicable, Unscored, MediaError) as error:
        return {"frozen": str(error), "black": str(error)}
    still = len(pixels.local_change) > 0
    return {
        "frozen": float(is_frozen(pixels)) if still else "too few frames: 1, at least 2 needed",
        "black": float(is_black(pixels)),
    }


def _of_sound(features: Features) -> dict[str, float | str]:
    try:
        levels = features[Levels()]
    except NotApplicable as error:
        return {"silent": 1.0, "clipped": str(error), "dc_offset": str(error), "corrupt": 0.0}
    except (Unscored, MediaError) as error:
        return {"silent": str(error), "clipped": str(error), "dc_offset": str(error), "corrupt": 1.0}
    return {
        "silent": float(levels.dbfs.max() < SILENCE_DBFS),
        "clipped": float(levels.clipped > CLIPPED),
        "dc_offset": float(levels.offset > OFFSET),
        "corrupt": 0.0,
    }


def _of_lengths(info: MediaInfo) -> dict[str, float | str]:
    video, audio = info.video_seconds, info.audio_seconds
    shown = video if video is not None else audio
    declared = info.video.declared_frames if info.video else None
    values: dict[str, float | str] = {
        "too_short": float(shown is not None and shown < SHORTEST),
        "truncated": float(is_truncated(declared, info.decoded_frames)),
    }
    if video is None or audio is None:
        missing = "video" if video is None else "audio"
        return {**values, "av_duration_gap": f"no {missing} stream", "av_gap_seconds": f"no {missing} stream"}
    return {**values, "av_duration_gap": float(is_gap(video, audio)), "av_gap_seconds": audio - video}


def is_frozen(pixels: PixelCurves) -> bool:
    """Whether more than 70 % of neighbouring pairs are still, as a whole and in every cell, and nothing happens."""
    still = (pixels.difference < STILL) & (pixels.local_change < STILL_CELL)
    return bool(still.mean() > FROZEN and pixels.difference.max() < EVENT)


def is_black(pixels: PixelCurves) -> bool:
    """Whether 98 % of the frames are 99.9 % dark."""
    return bool((pixels.dark >= BLACK_PIXELS).mean() >= BLACK_FRAMES)


def is_gap(video: float, audio: float) -> bool:
    """Whether two lengths in seconds differ by over 0.2 s and over 10 % of the longer."""
    return abs(video - audio) > max(GAP_SECONDS, GAP_SHARE * max(video, audio))


def is_truncated(declared: int | None, decoded: int | None) -> bool:
    """Whether over 2 % of the frames that the header declares are missing (some containers count one too many)."""
    return declared is not None and decoded is not None and decoded < 0.98 * declared
