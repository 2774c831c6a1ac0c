"""ImageBind's columns, AVHScore and JavisScore: from files and prompts to cosines, through networks of any size."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.metrics._agreement import javis_score
from avbench.metrics._backbones import embedding
from avbench.metrics._backbones import imagebind_input as protocol
from avbench.metrics._backbones import imagebind_tower as tower
from avbench.metrics._backbones.imagebind import ImageBind as Network
from avbench.metrics._backbones.imagebind import ImageBindConfig, TrunkConfig
from avbench.metrics.imagebind import ImageBind
from avbench.metrics.javis_score import JavisScore
from avbench.parts import Audio, Frames, VideoExtractor
from avbench.records import Clip, Prompt, Score, Status

INFO = MediaInfo(Path("clip"), "array", None, None)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """An ImageBind of the official shape with narrow layers."""
    torch.manual_seed(0)
    trunk = TrunkConfig(64, 1, 4)
    net = Network(ImageBindConfig(32, trunk, trunk, trunk)).eval().requires_grad_(False)
    for parameter in net.parameters():
        if parameter.numel() > 1 and not parameter.any():
            parameter.normal_(0, 0.5)
    monkeypatch.setattr(tower, "_network", lambda: net)
    yield net


def _video(frames: NDArray[np.uint8], fps: float, chunk: int = 16) -> NDArray[np.float32]:
    extractor: VideoExtractor[NDArray[np.float32]] = tower.ImageBindVideo().open(INFO)
    for start in range(0, len(frames), chunk):
        part = frames[start : start + chunk]
        extractor.push(Frames(part, (start + np.arange(len(part))) / fps))
    return extractor.finish()


def _frames(count: int, height: int, width: int) -> NDArray[np.uint8]:
    small = np.random.default_rng(1).integers(0, 256, (count, height // 20, width // 20, 3), dtype=np.uint8)
    return small.repeat(20, 1).repeat(20, 2)


@pytest.mark.parametrize(
    ("fps", "count", "shown"),
    [(25, 125, [24, 74]), (25, 150, [24, 74, 124]), (24, 121, [23, 71]), (25, 100, [24, 74])],
)
@torch.inference_mode()
def test_video_is_seen_as_av_benchmark_sees_it(small: Network, fps: int, count: int, shown: list[int]) -> None:
    frames = _frames(count, 80, 120)
    expected = small.vision(protocol.pair_clips(frames[shown])[None])[0]
    np.testing.assert_allclose(_video(frames, fps), expected, atol=1e-6)
    np.testing.assert_array_equal(_video(frames, fps, chunk=7), _video(frames, fps))


@torch.inference_mode()
def test_squares_have_one_crop(small: Network) -> None:
    frames = _frames(100, 80, 80)
    expected = small.vision(protocol.pair_clips(frames[[24, 74]])[None])[0]
    np.testing.assert_allclose(_video(frames, 25), expected, atol=1e-5)


def test_under_four_seconds_there_is_no_pair(small: Network) -> None:
    with pytest.raises(NotApplicable, match=r"too_short: 3\.96 s of video, at least 4 s"):
        _video(_frames(99, 40, 40), 25)


@pytest.mark.parametrize(
    ("length", "size", "starts"),
    [(125, 50, [0, 13, 26, 39, 52, 65, 75]), (51, 50, [0, 1]), (50, 50, [0]), (30, 30, [0])],
)
def test_windows(length: int, size: int, starts: list[int]) -> None:
    assert embedding.windows(length, 25) == (size, starts)


def _unit(angle: float) -> NDArray[np.float32]:
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_javis_score_takes_the_worst_frames_of_each_window() -> None:
    frames = np.stack([_unit(0.0)] * 60 + [_unit(np.pi / 2)] * 40)
    sound = np.stack([_unit(0.0)] * 8)
    starts = [0, 13, 26, 39, 50]
    bad = [sum(start <= i < start + 50 for i in range(60, 100)) for start in starts]
    expected = np.mean([max(0, 20 - count) / 20 for count in bad])
    assert javis_score(frames, sound[0], sound, 25) == pytest.approx(expected, abs=1e-6)


def test_javis_score_of_a_short_clip_is_one_window() -> None:
    frames = np.stack([_unit(0.1 * i) for i in range(10)])
    expected = np.mean([np.cos(0.1 * i) for i in (6, 7, 8, 9)])
    assert javis_score(frames, _unit(0.0), _unit(1.0)[None], 25) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(NotApplicable, match="too_short: 2 frames"):
        javis_score(frames[:2], _unit(0.0), _unit(1.0)[None], 25)


@torch.inference_mode()
def test_sound_keeps_its_channels_and_its_whole_length(small: Network) -> None:
    wave = np.random.default_rng(2).normal(0, 0.1, (3 * 44_100, 2)).astype(np.float32)
    expected = small.audio(protocol.audio_clips(wave.T, 44_100)[None])[0]
    np.testing.assert_allclose(tower.ImageBindAudio().extract(Audio(wave, 44_100, 0.0), INFO), expected, atol=1e-6)
    heard = tower.ImageBindWindows().extract(Audio(wave[:48_000], 16_000, 0.0), INFO)
    assert heard.shape == (3, 32)
    one = small.audio(protocol.audio_clips(wave[8000:40_000].T.copy(), 16_000)[None])[0]
    np.testing.assert_allclose(heard[1], one, atol=1e-4)


def _reason(score: float | Score, status: Status) -> str:
    assert isinstance(score, Score)
    assert (score.status, score.value) == (status, None)
    return score.reason


def test_a_real_clip_with_and_without_a_prompt(shared: Path, small: Network, weights_home: Path) -> None:
    path = shared / "media" / "universe1_00041.mp4"
    features = sweep(path, ImageBind.needs)
    assert features.info.video is not None
    assert features.info.video.fps == Fraction(25)
    answer = ImageBind().score(Clip(path, Prompt("p"), "model"), features)
    assert isinstance(answer["ib_av"], float)
    assert -1 <= answer["ib_av"] <= 1
    assert "no caption" in _reason(answer["ib_ta"], Status.NOT_APPLICABLE)
    captions = Prompt("p", audio_caption="a suona", video_caption="a man plays the suona")
    answer = ImageBind().score(Clip(path, captions, "model"), features)
    assert "pull imagebind_bpe" in _reason(answer["ib_tv"], Status.UNSCORED)


def test_without_sound_only_the_columns_of_the_sound_are_missing(shared: Path, small: Network) -> None:
    path = shared / "media" / "wan_pose_noaudio.mp4"
    answer = ImageBind().score(Clip(path, Prompt("p"), "model"), sweep(path, ImageBind.needs))
    assert "no audio stream" in _reason(answer["ib_av"], Status.NOT_APPLICABLE)


@pytest.mark.slow
def test_every_frame_of_a_real_clip(shared: Path, small: Network) -> None:
    path = shared / "media" / "grid_swwp2s.mpg"
    features = sweep(path, JavisScore.needs)
    answer = JavisScore().score(Clip(path, Prompt("p"), "model"), features)
    frames = features[tower.ImageBindFrames()]
    assert frames.shape == (75, 32)
    assert answer["avh_score"] == pytest.approx(embedding.cosine(frames, features[tower.ImageBindAudio()]).mean())
    sound, heard = features[tower.ImageBindAudio()], features[tower.ImageBindWindows()]
    assert answer["javis_score"] == javis_score(frames, sound, heard, 25)
    assert len(heard) == 3


def test_missing_weights_name_the_command(weights_home: Path) -> None:
    with pytest.raises(Unscored, match="run avbench weights pull imagebind_huge"):
        tower.ImageBindVideo().open(INFO)
