"""Clips shown in part: two frames a second, every fourth pair, or a stretch of 2 s at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avbench.errors import NotApplicable
from avbench.media.info import MediaInfo, VideoInfo
from avbench.metrics._backbones import flow_pairs, interpolation
from avbench.metrics._backbones.sampled import Sampled, Stretches, frames_of, spans
from avbench.parts import Frames, VideoBackbone, VideoExtractor, VideoView


@dataclass(frozen=True)
class Levels(VideoBackbone[list[int]]):
    """The first pixel of every frame."""

    view: ClassVar[VideoView] = VideoView()
    weights: ClassVar[tuple[str, ...]] = ("dino_vitb16",)

    def open(self, info: MediaInfo) -> VideoExtractor[list[int]]:
        return _Levels(info)


class _Levels(VideoExtractor[list[int]]):
    def __init__(self, info: MediaInfo) -> None:
        self.info, self.seen = info, list[int]()

    def push(self, frames: Frames) -> None:
        self.seen += frames.data[:, 0, 0, 0].tolist()

    def finish(self) -> list[int]:
        assert self.info.video and self.info.video.declared_frames is not None
        return [*self.seen, self.info.video.declared_frames]


def info(frames: int, fps: Fraction) -> MediaInfo:
    video = VideoInfo(0, "raw", "rgb24", 2, 2, 0, fps, 0.0, float(frames / fps), frames)
    return MediaInfo(Path("array"), "array", video, None)


def stretched(frames: int, fps: Fraction, chunk: int = 7) -> tuple[list[int], ...]:
    data = np.zeros((frames, 2, 2, 3), np.uint8) + np.arange(frames, dtype=np.uint8)[:, None, None, None]
    extractor = Stretches(Levels()).open(info(frames, fps))
    for start in range(0, frames, chunk):
        part = data[start : start + chunk].copy()
        extractor.push(Frames(part, np.arange(start, start + len(part)) / float(fps)))
        part[:] = 255  # the decoder may use its memory again
    found: tuple[list[int], ...] = extractor.finish()
    return found


@given(st.integers(1, 250), st.sampled_from([Fraction(8), Fraction(24), Fraction(30_000, 1001)]))
def test_stretches_are_slices_of_the_clip(frames: int, fps: Fraction) -> None:
    length = frames_of(info(frames, fps))
    expected = tuple([*range(frames)[span], length] for span in spans(frames, length))
    assert stretched(frames, fps) == expected


def test_stretches_as_vbench_long_cuts_them() -> None:
    """121 frames at 24: 48, 48, and the last 48; a rate of 29.97 counts as 29; a short clip is one stretch."""
    assert spans(121, 48) == [slice(0, 48), slice(48, 96), slice(73, 121)]
    assert spans(96, 48) == [slice(0, 48), slice(48, 96)] and spans(30, 48) == [slice(0, 30)]
    assert frames_of(info(300, Fraction(30_000, 1001))) == 58


def test_a_clip_that_is_too_short_is_not_begun() -> None:
    with pytest.raises(NotApplicable, match="under 5 s"):
        Stretches(Levels(), 5.0).open(info(119, Fraction(24)))
    Stretches(Levels(), 5.0).open(info(120, Fraction(24)))


def test_two_frames_a_second() -> None:
    """The view says so, and the sweep obeys views; all else is the inner backbone's."""
    assert Sampled(Levels()).view == VideoView(fps=2.0)
    assert Sampled(Levels()).weights == Stretches(Levels()).weights == ("dino_vitb16",)
    assert Sampled(Levels()).unpack(Sampled(Levels()).pack([1, 2])) == [1, 2]
    with pytest.raises(ValueError, match="other frames"):
        Sampled(Sampled(Levels()))


class Pairs:
    """In the place of RAFT: which frames would be compared."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.found: list[tuple[int, int]] = []

    def forget(self) -> None:
        self.last = None

    def next(self, frame: NDArray[np.uint8]) -> None:
        now = int(frame[0, 0, 0])
        if self.last is not None:
            self.found.append((self.last, now))
        self.last = now


@pytest.mark.parametrize(("every", "pairs"), [(1, [(t, t + 1) for t in range(9)]), (4, [(0, 1), (4, 5), (8, 9)])])
def test_every_fourth_pair_of_neighbours(every: int, pairs: list[tuple[int, int]]) -> None:
    extractor = flow_pairs._Mean(None, every)
    extractor.pairs = seen = Pairs()
    frames: NDArray[np.uint8] = np.zeros((10, 2, 2, 3), np.uint8) + np.arange(10, dtype=np.uint8)[:, None, None, None]
    extractor.push(Frames(frames, np.arange(10.0)))
    assert seen.found == pairs


def test_every_fourth_interpolated_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    extractor = interpolation._Middles(None, 4)
    seen: list[int] = []

    def difference(even: Any, odd: Any, following: Any) -> float:
        seen.append(int(odd[0, 0, 0]))
        return 0.0

    monkeypatch.setattr(extractor, "_difference", difference)
    frames: NDArray[np.uint8] = np.zeros((20, 2, 2, 3), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None, None]
    extractor.push(Frames(frames, np.arange(20.0)))
    assert seen == [1, 9, 17]


@pytest.mark.slow
def test_fast_numbers_stand_in_columns_of_their_own() -> None:
    code = (
        "from avbench.parts import Metric; from avbench.registry import load;"
        "print(load(Metric, 'musiq_koniq').backend, load(Metric, 'motion_score').needs, load(Metric, 'maniqa').needs,"
        " load(Metric, 'subject_consistency').backend)"
    )
    run = [sys.executable, "-c", code]
    env = {**os.environ, "AVBENCH_FAST": "1"}
    shown = subprocess.run(run, capture_output=True, text=True, check=True, env=env).stdout
    assert shown.startswith("musiq_koniq+fast (MeanFlow(every=4),) (Sampled(inner=ManiqaScores(")
    assert shown.strip().endswith("dino_vitb16")  # what compares neighbours stays as it is
