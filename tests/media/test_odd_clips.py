"""Odd but lawful clips: each has a defined outcome."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.media.probe import probe
from avbench.parts import AudioView, VideoView

MONO = AudioView(None)
CHANNELS = AudioView(None, mono=False)
AT_16K = AudioView(16_000)


def rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


# time


def test_variable_rate_reads_as_the_constant_rate_it_was_thinned_from(
    tmp_path: Path, encode: Any, ramp: Any, look: Any
) -> None:
    held = np.repeat(ramp(12), [1, 2, 1, 3, 1, 1, 4, 1, 2, 1, 6, 2], axis=0)
    starts = np.cumsum([0, 1, 2, 1, 3, 1, 1, 4, 1, 2, 1, 6])
    constant = encode(tmp_path / "constant.mp4", held)
    thinned = encode(tmp_path / "thinned.mp4", held[starts], pts=[int(s) for s in starts], time_base=Fraction(1, 25))
    view = VideoView(fps=25)
    one, two = look(constant, view), look(thinned, view, VideoView())
    np.testing.assert_allclose(two.frames().times, starts / 25, atol=1e-6)
    both = min(len(one.frames(view).data), len(two.frames(view).data))
    assert both >= len(held) - 2  # H.264 in MP4 states no length for the last frame
    np.testing.assert_allclose(two.frames(view).times[:both], one.frames(view).times[:both])
    np.testing.assert_allclose(one.frames(view).data[:both].astype(int), two.frames(view).data[:both], atol=2)


@pytest.mark.parametrize(
    ("source", "rate", "expected"),
    [
        (25, 25, list(range(24))),
        (50, 25, list(range(0, 24, 2))),
        (24, 12, list(range(0, 24, 2))),
        (24, 8, list(range(0, 24, 3))),
        (12, 24, [i // 2 for i in range(48)]),
        (30, 25, [0, 1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 22, 23]),
        (24, 10, [0, 2, 5, 7, 10, 12, 14, 17, 19, 22]),
    ],
)
def test_another_rate_takes_the_nearest_frame(
    tmp_path: Path, encode: Any, ramp: Any, look: Any, source: int, rate: int, expected: list[int]
) -> None:
    path = encode(tmp_path / "clip.mp4", ramp(24), fps=Fraction(source))
    view = VideoView(fps=rate)
    frames = look(path, view).frames(view)
    levels = ramp(24)[:, 24, 32, 0].astype(int)
    got = [int(np.abs(levels - image[24, 32, 0]).argmin()) for image in frames.data]
    if source == 12:  # halves are ties: the earlier frame stays
        assert len(got) == 48
        assert got[0::2] == list(range(24))
    else:
        assert got == expected
    np.testing.assert_allclose(frames.times, np.arange(len(got)) / rate, atol=1e-9)


def test_one_frame_is_one_frame_at_any_rate(tmp_path: Path, encode: Any, ramp: Any, look: Any) -> None:
    path = encode(tmp_path / "clip.mp4", ramp(1))
    slow, fast = VideoView(fps=1), VideoView(fps=100)
    clip = look(path, VideoView(), slow, fast)
    assert clip.info.decoded_frames == 1
    assert [len(clip.frames(view).data) for view in (VideoView(), slow, fast)] == [1, 1, 4]


def test_video_that_starts_half_a_second_after_the_audio(
    tmp_path: Path, encode: Any, ramp: Any, tone: Any, look: Any
) -> None:
    pts = [13 + i for i in range(25)]
    path = encode(tmp_path / "clip.mkv", ramp(25), pts=pts, audio=tone(2, 48_000), audio_codec="pcm_s16le")
    view = VideoView(fps=25)
    clip = look(path, VideoView(), view, MONO)
    assert clip.info.video.start == pytest.approx(0.52)
    assert clip.frames().times[0] == pytest.approx(0.52)
    assert clip.frames(view).times[0] == pytest.approx(0.52)
    assert len(clip.frames(view).data) == 25
    assert clip.audio(MONO).start == 0
    assert "the video starts 0.520 s after the audio" in clip.info.notes


def test_audio_that_starts_later_keeps_its_start(tmp_path: Path, encode: Any, ramp: Any, tone: Any, look: Any) -> None:
    path = encode(tmp_path / "a.mkv", ramp(50), audio=tone(1, 48_000), audio_codec="pcm_s16le", audio_start=0.4)
    clip = look(path, VideoView(), MONO)
    assert clip.audio(MONO).start == pytest.approx(0.4, abs=1e-3)
    assert clip.frames().times[0] == 0
    assert "the video starts 0.400 s before the audio" in clip.info.notes


def test_transport_streams_start_far_from_zero(tmp_path: Path, encode: Any, ramp: Any, look: Any) -> None:
    clip = look(encode(tmp_path / "a.ts", ramp(25), pts=[900 + i for i in range(25)], format="mpegts"), VideoView())
    np.testing.assert_allclose(clip.frames().times, np.arange(25) / 25, atol=1e-4)


# pictures


@pytest.mark.parametrize("angle", [90, 180, 270, -90])
def test_rotation_equals_pictures_turned_by_hand(tmp_path: Path, encode: Any, ramp: Any, look: Any, angle: int) -> None:
    view = VideoView(short_side=32)
    stored = look(encode(tmp_path / "stored.mp4", ramp(5)), VideoView())
    clip = look(encode(tmp_path / "turned.mp4", ramp(5), rotation=angle), VideoView(), view)
    turned = np.rot90(stored.frames().data, angle // 90, axes=(1, 2))
    np.testing.assert_array_equal(clip.frames().data, turned)
    assert clip.info.video.rotation == angle % 360
    assert (clip.info.video.height, clip.info.video.width) == turned.shape[1:3]
    assert clip.frames(view).data.shape[1:3] == ((32, 42) if angle == 180 else (42, 32))
    assert probe(tmp_path / "turned.mp4").video == clip.info.video


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "size", "suffix"),
    [
        ("yuv420p", "libx264", (48, 64), "mp4"),
        ("yuv420p10le", "libx264", (48, 64), "mp4"),
        ("yuv422p10le", "libx264", (48, 64), "mp4"),
        ("yuv444p", "libx264", (47, 63), "mp4"),
        ("yuv420p10le", "libx265", (48, 64), "mp4"),
        ("yuv420p", "libvpx-vp9", (47, 63), "webm"),
        ("yuv420p", "mpeg4", (48, 64), "avi"),
        ("bgr0", "ffv1", (47, 63), "mkv"),
    ],
)
def test_pixel_formats_give_the_same_colours(
    tmp_path: Path, encode: Any, ramp: Any, look: Any, pix_fmt: str, codec: str, size: tuple[int, int], suffix: str
) -> None:
    options = {"libx265": {"x265-params": "lossless=1:log-level=none"}, "libvpx-vp9": {"lossless": "1"}}.get(codec)
    if codec == "mpeg4":
        options = {"qscale": "1", "flags": "+qscale"}
    images = ramp(5, *size)
    path = encode(tmp_path / f"clip.{suffix}", images, pix_fmt=pix_fmt, codec=codec, options=options)
    data = look(path, VideoView()).frames().data
    assert data.shape == images.shape
    for row, column in ((4, 4), (size[0] // 2, size[1] // 2), (-4, -4)):
        np.testing.assert_allclose(data[:, row, column].astype(int), images[:, row, column], atol=4)


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("colorspace", ["ITU601", "ITU709"])
def test_range_and_matrix_are_honoured(
    tmp_path: Path, encode: Any, ramp: Any, look: Any, full_range: bool, colorspace: str
) -> None:
    path = encode(tmp_path / "clip.mp4", ramp(5), full_range=full_range, colorspace=colorspace)
    data = look(path, VideoView()).frames().data
    for row, column in ((4, 4), (24, 32), (-4, -4)):
        np.testing.assert_allclose(data[:, row, column].astype(int), ramp(5)[:, row, column], atol=4)


def test_cover_art_is_no_video(tmp_path: Path, encode: Any, ramp: Any, tone: Any, look: Any) -> None:
    song = encode(tmp_path / "song.mp4", audio=tone(1, 48_000))
    cover = encode(tmp_path / "cover.png", ramp(1), codec="png", pix_fmt="rgb24", options={}, format="image2pipe")
    both = tmp_path / "both.mp4"
    with av.open(str(song)) as sound, av.open(str(cover)) as image, av.open(str(both), "w") as output:
        streams = {c: output.add_stream_from_template(c.streams[0]) for c in (sound, image)}
        streams[image].disposition = av.stream.Disposition.attached_pic
        for source, stream in streams.items():
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = stream
                    output.mux(packet)
    clip = look(both, VideoView(), MONO)
    assert clip.info.video is None
    assert clip.info.notes == ("1 cover picture(s) ignored",)
    assert len(clip.audio(MONO).samples) == 48_000
    with pytest.raises(NotApplicable, match="no video stream"):
        clip.frames()


# sound


@pytest.mark.parametrize(
    ("rate", "layout", "channels"),
    [(16_000, "mono", 1), (8_000, "mono", 1), (96_000, "mono", 1), (48_000, "stereo", 2), (48_000, "5.1", 6)],
)
def test_rates_and_channels_are_equally_loud(
    tmp_path: Path, encode: Any, tone: Any, look: Any, rate: int, layout: str, channels: int
) -> None:
    sound = np.repeat(tone(1, rate)[:, None], channels, axis=1)
    path = encode(tmp_path / "clip.wav", audio=sound, rate=rate, layout=layout, audio_codec="pcm_s16le")
    clip = look(path, AT_16K, CHANNELS)
    samples = clip.audio(AT_16K).samples
    assert samples.shape == (16_000,)
    assert rms(samples[1000:-1000]) == pytest.approx(0.25 / np.sqrt(2), rel=2e-3)
    assert clip.audio(CHANNELS).samples.shape == (rate, channels)
    np.testing.assert_allclose(samples[1000:-1000], tone(1, 16_000)[1000:-1000], atol=2e-3)  # and no delay


def test_many_channels_are_read_or_refused(tmp_path: Path, encode: Any, ramp: Any, tone: Any, look: Any) -> None:
    sound = np.repeat(tone(1, 16_000)[:, None], 24, axis=1)
    fields = {"audio": sound, "rate": 16_000, "layout": "22.2"}
    packed = look(encode(tmp_path / "a.wav", audio_codec="pcm_s16le", **fields), MONO)
    np.testing.assert_allclose(packed.audio(MONO).samples, sound[:, 0], atol=1e-4)
    planar = look(encode(tmp_path / "a.nut", ramp(25), audio_codec="pcm_s16le_planar", **fields), VideoView(), MONO)
    assert len(planar.frames().data) == 25
    with pytest.raises(Unscored, match="24 channels, of which 8 can be read"):
        planar.audio(MONO)


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"])
def test_sample_formats_share_one_scale(tmp_path: Path, encode: Any, tone: Any, look: Any, codec: str) -> None:
    path = encode(tmp_path / "clip.wav", audio=tone(0.5, 16_000), rate=16_000, audio_codec=codec)
    samples = look(path, MONO).audio(MONO).samples
    np.testing.assert_allclose(samples, tone(0.5, 16_000), atol=1 / 127 if codec == "pcm_u8" else 1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(
    tmp_path: Path, encode: Any, ramp: Any, tone: Any, look: Any, value: float
) -> None:
    sound = tone(1, 48_000)
    sound[100:103] = value
    clip = look(encode(tmp_path / "a.mkv", ramp(25), audio=sound, audio_codec="pcm_f32le"), VideoView(), MONO)
    with pytest.raises(Unscored, match="3 samples that are not finite"):
        clip.audio(MONO)
    assert len(clip.frames().data) == 25


def test_constant_offset_and_overshoot_are_kept_for_the_guards_to_see(
    tmp_path: Path, encode: Any, tone: Any, look: Any
) -> None:
    sound = tone(1, 48_000) * 8 + 0.5
    samples = look(encode(tmp_path / "a.wav", audio=sound, audio_codec="pcm_f32le"), MONO).audio(MONO).samples
    np.testing.assert_array_equal(samples, sound)


def test_a_hole_in_the_audio_is_filled_with_silence(tmp_path: Path, encode: Any, tone: Any, look: Any) -> None:
    whole = encode(tmp_path / "whole.mkv", audio=tone(3, 48_000), audio_codec="pcm_s16le")
    holed = tmp_path / "holed.mkv"
    with av.open(str(whole)) as source, av.open(str(holed), "w") as output:
        stream = output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux():
            if packet.pts is not None and not 1.0 <= float(packet.pts * packet.time_base) < 2.0:
                packet.stream = stream
                output.mux(packet)
    clip = look(holed, MONO)
    samples = clip.audio(MONO).samples
    assert len(samples) == pytest.approx(144_000, abs=100)
    assert np.abs(samples[50_000:94_000]).max() == 0
    assert rms(samples[100_000:140_000]) == pytest.approx(0.25 / np.sqrt(2), rel=1e-2)
    assert any("filled with silence" in note for note in clip.info.notes)


def test_audio_of_another_length_is_neither_cut_nor_padded(
    tmp_path: Path, encode: Any, ramp: Any, tone: Any, look: Any
) -> None:
    info = look(encode(tmp_path / "a.mp4", ramp(25), audio=tone(2.5, 48_000)), VideoView(), MONO).info
    assert info.video_seconds == pytest.approx(1.0)
    assert info.audio_seconds == pytest.approx(2.5, abs=1e-3)


# damage


@pytest.fixture
def busy(tmp_path: Path, encode: Any, tone: Any) -> Path:
    """Noise that fills the file with picture data."""
    images = np.random.default_rng(0).integers(0, 256, (125, 48, 64, 3), np.uint8)
    options = {"qp": "20", "g": "12"}
    path: Path = encode(
        tmp_path / "busy.mp4", images, options=options, audio=tone(5, 48_000), muxer={"movflags": "+faststart"}
    )
    return path


def packets(path: Path, kind: str) -> list[tuple[int, int]]:
    """Where the packets of a kind of stream lie: position and size."""
    with av.open(str(path)) as container:
        return [(p.pos or 0, p.size) for p in container.demux() if p.size and p.stream.type == kind]


def test_truncated_with_the_index_first(busy: Path, look: Any) -> None:
    position, size = packets(busy, "video")[68]
    busy.write_bytes(busy.read_bytes()[: position + size // 2])
    clip = look(busy, VideoView(), MONO)
    assert clip.info.decoded_frames in (68, 69)
    assert clip.info.coverage == pytest.approx(68 / 125, abs=0.02)
    assert any("of 125 declared frames decoded" in note for note in clip.info.notes)
    assert 2 < len(clip.audio(MONO).samples) / 48_000 < 3.2


def test_sixty_flipped_bytes(busy: Path, look: Any) -> None:
    data = bytearray(busy.read_bytes())
    rng = np.random.default_rng(3)
    places = packets(busy, "video")[10:]
    for _ in range(60):
        position, size = places[rng.integers(len(places))]
        data[position + 6 + int(rng.integers(size - 6))] ^= 0xFF
    busy.write_bytes(bytes(data))
    first, again = look(busy, VideoView()), look(busy, VideoView())
    assert first.info.corrupt_frames > 0
    assert first.info.corrupt_frames == again.info.corrupt_frames
    assert f"{first.info.corrupt_frames} corrupt frames" in first.info.notes
    np.testing.assert_array_equal(first.frames().data, again.frames().data)


def test_broken_audio_keeps_the_video(busy: Path, look: Any) -> None:
    data = bytearray(busy.read_bytes())
    for position, size in packets(busy, "audio")[40:60]:
        data[position : position + size] = b"\xff" * size
    busy.write_bytes(bytes(data))
    clip = look(busy, VideoView(), MONO)
    assert len(clip.frames().data) == 125
    assert clip.info.corrupt_frames == 0
    with pytest.raises(Unscored, match="the audio stream is damaged"):
        clip.audio(MONO)
    assert any("the audio stream is damaged" in note for note in clip.info.notes)


def test_broken_video_keeps_the_audio(busy: Path, look: Any) -> None:
    data = bytearray(busy.read_bytes())
    for position, size in packets(busy, "video"):
        data[position : position + size] = bytes(size)
    busy.write_bytes(bytes(data))
    clip = look(busy, VideoView(), MONO)
    assert len(clip.audio(MONO).samples) == 240_000
    assert clip.info.decoded_frames == 0
    assert clip.info.corrupt_frames > 0
    with pytest.raises(Exception, match="no frame of"):
        clip.frames()
