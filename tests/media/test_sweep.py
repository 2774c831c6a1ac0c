"""Properties of a sweep: what is asked together equals what is asked alone."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.parts import Audio, AudioBackbone, AudioView, Backbone, Frames, VideoBackbone, VideoExtractor, VideoView

sizes = st.tuples(st.integers(1, 80), st.integers(1, 80))
views = st.one_of(
    st.builds(
        VideoView,
        fps=st.sampled_from([None, 1, 8, 12.5, 25, 29.97, 60]),
        size=st.one_of(st.none(), sizes),
        filter=st.sampled_from(["area", "bilinear", "bicubic"]),
    ),
    st.builds(VideoView, fps=st.sampled_from([None, 25, 60]), short_side=st.integers(1, 80)),
)
shared_clip = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, encode: Any, ramp: Any, tone: Any) -> Path:
    path: Path = encode(tmp_path_factory.mktemp("sweep") / "clip.mp4", ramp(30), audio=tone(1.2, 48_000))
    return path


@shared_clip
@given(several=st.lists(views, min_size=1, max_size=5, unique=True), chunk=st.integers(1, 40))
def test_views_asked_together_in_any_chunks_equal_views_asked_alone(
    clip: Path, look: Any, several: list[VideoView], chunk: int
) -> None:
    together = look(clip, *several, AudioView(), chunk=chunk)
    for view in several:
        alone = look(clip, view)
        np.testing.assert_array_equal(together.frames(view).data, alone.frames(view).data)
        np.testing.assert_array_equal(together.frames(view).times, alone.frames(view).times)
        assert together.info == alone.info


@shared_clip
@given(view=views)
def test_every_view_keeps_its_promises(clip: Path, look: Any, view: VideoView) -> None:
    frames = look(clip, view).frames(view)
    count, height, width, channels = frames.data.shape
    assert (frames.data.dtype, channels, count) == (np.uint8, 3, len(frames.times))
    assert count == (30 if view.fps is None else math.ceil(1.2 * view.fps))
    assert bool((np.diff(frames.times) > 0).all())
    if view.size is not None:
        assert (height, width) == view.size
    elif view.short_side is not None:
        assert min(height, width) == view.short_side


def test_mono_is_the_mean_of_the_channels(tmp_path: Path, look: Any, encode: Any) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, (4800, 2)).astype(np.float32)
    path = encode(tmp_path / "clip.wav", audio=sound, layout="stereo", audio_codec="pcm_f32le")
    alone = look(path, AudioView()).audio(AudioView()).samples
    both = look(path, AudioView(), AudioView(mono=False)).audio(AudioView()).samples
    np.testing.assert_array_equal(alone, both)
    np.testing.assert_allclose(alone, sound.mean(axis=1), atol=1e-7)


OPENED: Counter[str] = Counter()


class _Fail(VideoExtractor[int]):
    def __init__(self, stage: str) -> None:
        self.stage = stage

    def push(self, frames: Frames) -> None:
        if self.stage == "push":
            raise Unscored("push")

    def finish(self) -> int:
        if self.stage == "finish":
            raise ZeroDivisionError("finish")
        return 7


@dataclass(frozen=True)
class Staged(VideoBackbone[int]):
    """Fails at a stage."""

    stage: str
    view = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[int]:
        OPENED[self.stage] += 1
        if self.stage == "open":
            raise NotApplicable("open")
        return _Fail(self.stage)


@dataclass(frozen=True)
class StagedAudio(AudioBackbone[int]):
    view = AudioView(16_000)

    def extract(self, audio: Audio, info: MediaInfo) -> int:
        raise Unscored(f"{info.decoded_frames} frames")


def test_what_one_backbone_raises_stays_with_it(clip: Path) -> None:
    features = sweep(clip, [Staged("open"), Staged("push"), Staged("finish"), Staged("none"), StagedAudio()])
    assert features[Staged("none")] == 7
    for backbone, error, words in (
        (Staged("open"), NotApplicable, "open"),
        (Staged("push"), Unscored, "push"),
        (Staged("finish"), ZeroDivisionError, "finish"),
        (StagedAudio(), Unscored, "30 frames"),
    ):
        for _ in range(2):
            with pytest.raises(error, match=words):
                features[backbone]


def test_equal_backbones_run_once(clip: Path) -> None:
    OPENED.clear()
    sweep(clip, [Staged("none"), Staged("none"), Staged("none")])
    assert OPENED == {"none": 1}


def test_a_backbone_of_no_kind_and_an_unknown_filter_are_refused(clip: Path, look: Any) -> None:
    @dataclass(frozen=True)
    class Neither(Backbone[int]):
        pass

    with pytest.raises(TypeError, match="Neither"):
        sweep(clip, [Neither()])
    with pytest.raises(ValueError, match="unknown filter 'lanczos'"):
        look(clip, VideoView(filter="lanczos"))
