"""Writing a clip: exact times, exact sound, the same bytes, never half a file."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.media.digest import digest
from avbench.media.mux import write
from avbench.parts import AudioView, VideoView
from avbench.records import Sample

SILENT = np.zeros(0, np.float32)
CHANNELS = AudioView(mono=False)


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24), Fraction(30000, 1001)])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_click_and_every_frame_keep_their_time(
    tmp_path: Path, look: Any, ramp: Any, fps: Fraction, rate: int
) -> None:
    audio = np.zeros(int(25 / fps * rate), np.float32)
    audio[rate // 3] = 0.9
    write(tmp_path / "clip.mp4", Sample(ramp(25), fps, audio, rate))
    clip = look(tmp_path / "clip.mp4", VideoView(), CHANNELS)
    heard, seen = clip.audio(CHANNELS), clip.frames()
    assert heard.start == 0
    assert heard.samples.shape == (len(audio), 1)
    assert int(np.abs(heard.samples[:, 0]).argmax()) == rate // 3
    assert clip.info.video.fps == fps
    assert clip.info.notes == ()
    np.testing.assert_allclose(seen.times, np.arange(25) / float(fps), atol=1e-9)
    np.testing.assert_allclose(seen.data[:, 20, 40].astype(int), ramp(25)[:, 20, 40], atol=4)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("fps", [Fraction(24), Fraction(24000, 1001)])
def test_lossless_gives_back_every_bit(tmp_path: Path, look: Any, channels: int, fps: Fraction) -> None:
    frames = noise(7, 33, 51, 3)
    audio = np.random.default_rng(1).normal(0, 0.5, (12_345, channels)).astype(np.float32)
    write(tmp_path / "clip.mp4", Sample(frames, fps, audio, 44_100), lossless=True)
    clip = look(tmp_path / "clip.mp4", VideoView(), CHANNELS)
    np.testing.assert_array_equal(clip.frames().data, frames)
    np.testing.assert_array_equal(clip.audio(CHANNELS).samples, audio)


def test_stereo_keeps_its_sides(tmp_path: Path, look: Any, ramp: Any, tone: Any) -> None:
    audio = np.stack([tone(1, 48_000), np.zeros(48_000, np.float32)], axis=1)
    write(tmp_path / "clip.mp4", Sample(ramp(25), Fraction(25), audio, 48_000))
    left, right = look(tmp_path / "clip.mp4", CHANNELS).audio(CHANNELS).samples.T
    assert np.sqrt((left**2).mean()) == pytest.approx(np.sqrt((audio[:, 0] ** 2).mean()), rel=0.02)
    assert np.abs(right).max() < 0.01


def test_odd_sizes_gain_a_copy_of_their_last_row_and_column(tmp_path: Path, look: Any, ramp: Any) -> None:
    write(tmp_path / "clip.mp4", Sample(ramp(3, 33, 51), Fraction(25), SILENT, 16_000))
    data = look(tmp_path / "clip.mp4", VideoView()).frames().data
    assert data.shape == (3, 34, 52, 3)
    np.testing.assert_allclose(data[:, -1, -1].astype(int), data[:, -2, -2], atol=6)


def test_without_samples_there_is_no_audio_stream(tmp_path: Path, look: Any, ramp: Any) -> None:
    write(tmp_path / "clip.mp4", Sample(ramp(3), Fraction(25), SILENT, 16_000))
    info = look(tmp_path / "clip.mp4").info
    assert info.audio is None
    assert info.video_seconds == pytest.approx(0.12)


def test_equal_samples_give_equal_bytes(tmp_path: Path) -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, 9_999).astype(np.float32)
    seen = set()
    for turn in range(4):
        write(tmp_path / f"{turn}.mp4", Sample(noise(9, 65, 47, 3), Fraction(24), audio, 16_000))
        seen.add(digest(tmp_path / f"{turn}.mp4"))
    assert len(seen) == 1
    write(tmp_path / "other.mp4", Sample(noise(9, 65, 47, 3, seed=1), Fraction(24), audio, 16_000))
    assert digest(tmp_path / "other.mp4") not in seen


def test_the_index_comes_first(tmp_path: Path, ramp: Any) -> None:
    write(tmp_path / "clip.mp4", Sample(ramp(25), Fraction(25), np.zeros(16_000, np.float32), 16_000))
    data = (tmp_path / "clip.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_long_clips_are_interleaved(tmp_path: Path, ramp: Any, tone: Any) -> None:
    write(tmp_path / "clip.mp4", Sample(ramp(300), Fraction(25), tone(12, 16_000), 16_000))
    ahead = 0.0
    times = {"video": 0.0, "audio": 0.0}
    with av.open(str(tmp_path / "clip.mp4")) as container:
        for packet in container.demux():
            if packet.dts is not None:
                times[packet.stream.type] = float(packet.dts * packet.time_base)
                ahead = max(ahead, abs(times["video"] - times["audio"]))
    assert ahead < 2


def test_a_failed_write_leaves_the_old_clip_and_nothing_else(
    tmp_path: Path, ramp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clip.mp4"
    sample = Sample(ramp(25), Fraction(25), np.zeros(16_000, np.float32), 16_000)
    write(path, sample)
    before = digest(path)

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write(path, sample)
    assert digest(path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": np.zeros((0, 8, 8, 3), np.uint8)}, "frames are"),
        ({"frames": np.zeros((2, 8, 8, 3), np.float32)}, "frames are float32"),
        ({"fps": Fraction(0)}, "fps is 0"),
        ({"audio": np.zeros(8)}, "audio is float64"),
        ({"audio": np.array([0, np.nan], np.float32)}, "audio holds NaN"),
        ({"sample_rate": 12_345}, "sample_rate is 12345"),
    ],
)
def test_a_wrong_sample_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    fields: dict[str, Any] = {
        "frames": noise(2, 8, 8, 3),
        "fps": Fraction(25),
        "audio": np.zeros(8, np.float32),
        "sample_rate": 16_000,
    }
    with pytest.raises(ValueError, match=words):
        write(tmp_path / "clip.mp4", Sample(**(fields | change)))
    assert list(tmp_path.iterdir()) == []
