"""Files that must not be read, and files that may only be read so far."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avbench.errors import MediaError, NotApplicable, Unscored
from avbench.media.probe import Limits, probe
from avbench.media.sweep import sweep
from avbench.parts import AudioView, VideoView


def kind_of(path: Path, limits: Limits = Limits()) -> tuple[str, str]:  # noqa: B008
    """What probe and sweep raise; they must agree."""
    kinds = []
    for read in (lambda: probe(path, limits), lambda: sweep(path, [], limits)):
        with pytest.raises(MediaError) as caught:
            read()
        kinds.append(caught.value.kind)
    return kinds[0], kinds[1]


@pytest.fixture
def clip(tmp_path: Path, encode: Any, ramp: Any, tone: Any) -> Path:
    path: Path = encode(tmp_path / "clip.mp4", ramp(25), audio=tone(1, 48_000))
    return path


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    assert kind_of(tmp_path / "clip.mp4") == ("empty", "empty")


@pytest.mark.parametrize(
    "content", [b"these are words, not pictures\n" * 99, bytes(9_999), b"\x00\x00\x00\x18ftypmp42"]
)
def test_not_media(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)
    assert kind_of(tmp_path / "clip.mp4") == ("invalid", "invalid")


def test_index_lost(clip: Path) -> None:
    data = clip.read_bytes()
    clip.write_bytes(data[: data.index(b"moov") - 4])
    assert kind_of(clip) == ("invalid", "invalid")


def test_folder_missing_and_forbidden(tmp_path: Path, clip: Path) -> None:
    assert kind_of(tmp_path) == ("invalid", "invalid")
    assert kind_of(tmp_path / "absent.mp4") == ("not_found", "not_found")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert kind_of(tmp_path / "pipe.mp4") == ("invalid", "invalid")


@pytest.mark.parametrize("name", ["concat:clip.mp4|clip.mp4", "http://localhost/a.mp4", "-", "file:clip.mp4", "a\0b"])
def test_names_are_names(inside: Path, clip: Path, name: str) -> None:
    assert kind_of(Path(name)) == ("not_found", "not_found")


@pytest.mark.parametrize("name", ["concat:a|b", "-", "subfile,,start,0,end,0,,:x", "päth 片.mp4", "%03d.mp4"])
def test_odd_names_open_as_the_files_they_name(inside: Path, clip: Path, name: str) -> None:
    clip.rename(inside / name)
    assert probe(Path(name)).video is not None


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.ffconcat", "list.txt"])
@pytest.mark.parametrize("text", [PLAYLIST, "ffconcat version 1.0\nfile clip.mp4\n"])
def test_play_lists_that_name_local_files_are_refused(inside: Path, clip: Path, name: str, text: str) -> None:
    (inside / name).write_text(text)
    assert kind_of(Path(name)) == ("invalid", "invalid")


def test_frames_too_large_are_refused_before_any_is_decoded(tmp_path: Path, clip: Path) -> None:
    assert kind_of(clip, Limits(pixels=64 * 48 - 1)) == ("too_large", "too_large")
    assert probe(clip, Limits(pixels=64 * 48)).video is not None


@pytest.mark.slow
def test_a_small_file_of_huge_frames(tmp_path: Path, encode: Any) -> None:
    path = encode(tmp_path / "huge.mp4", np.zeros((1, 8704, 16384, 3), np.uint8), options={"preset": "ultrafast"})
    assert path.stat().st_size < 1_000_000
    assert kind_of(path) == ("too_large", "too_large")


def test_a_header_that_hides_the_frame_size_does_not_help(tmp_path: Path, encode: Any, ramp: Any) -> None:
    """The container says 64x48 and the stream 320x240: the decoder itself holds the limit."""
    path = encode(tmp_path / "liar.mp4", ramp(5, 240, 320))
    data = path.read_bytes()
    for box, offset in ((b"avc1", 28), (b"tkhd", 80)):
        start = data.index(box) + offset
        size = (64, 48) if box == b"avc1" else (64 << 16, 48 << 16)
        form = ">HH" if box == b"avc1" else ">II"
        data = data[:start] + struct.pack(form, *size) + data[start + struct.calcsize(form) :]
    path.write_bytes(data)
    limits = Limits(pixels=100 * 100)
    with pytest.raises(MediaError, match="too_large"):
        sweep(path, [], limits)


@pytest.mark.parametrize(("width", "whole"), [(4096, True), (4097, False)])
def test_the_decoder_holds_the_limit_where_the_header_has_no_size(tmp_path: Path, width: int, whole: bool) -> None:
    """40 bytes of GIF ask for a canvas of any size."""
    path = tmp_path / "clip.gif"
    header = struct.pack("<6sHHBBB", b"GIF89a", width, 4096, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    path.write_bytes(header + struct.pack("<BHHHHB", 0x2C, 0, 0, 1, 1, 0) + bytes([2, 2, 0x44, 1, 0, 0x3B]))
    if whole:
        assert sweep(path, []).info.decoded_frames == 1
        return
    with pytest.raises(MediaError, match=r"too_large: .* above the limit of 16777216 pixels"):
        sweep(path, [])


def test_too_many_frames_by_the_header(clip: Path) -> None:
    assert kind_of(clip, Limits(frames=24)) == ("too_many_frames", "too_many_frames")


def test_too_many_frames_found_while_decoding(tmp_path: Path, encode: Any, ramp: Any) -> None:
    path = encode(tmp_path / "clip.ts", ramp(25), format="mpegts")
    video = probe(path, Limits(frames=24)).video
    assert video is not None
    assert video.declared_frames is None
    with pytest.raises(MediaError, match="more than 24 frames"):
        sweep(path, [], Limits(frames=24))
    assert sweep(path, [], Limits(frames=25)).info.decoded_frames == 25


@pytest.mark.slow
def test_twenty_one_thousand_tiny_frames(tmp_path: Path, encode: Any) -> None:
    frames = np.broadcast_to(np.zeros((1, 16, 16, 3), np.uint8), (21_000, 16, 16, 3))
    path = encode(tmp_path / "many.mp4", frames, fps=Fraction(1000), options={"preset": "ultrafast"})
    assert kind_of(path) == ("too_many_frames", "too_many_frames")


def test_too_long_by_the_header_and_while_decoding(tmp_path: Path, clip: Path, encode: Any, ramp: Any) -> None:
    assert kind_of(clip, Limits(seconds=0.9)) == ("too_long", "too_long")
    far = encode(tmp_path / "far.mkv", ramp(3), pts=[0, 1, 90_000], time_base=Fraction(1, 25))
    with pytest.raises(MediaError, match="too_long"):
        sweep(far, [])


def test_too_much_audio_while_decoding(tmp_path: Path, encode: Any, tone: Any) -> None:
    path = encode(tmp_path / "clip.aac", audio=tone(3, 48_000), format="adts")
    with pytest.raises(MediaError, match="too_long"):
        sweep(path, [], Limits(seconds=2))


@pytest.mark.parametrize(("box", "offset"), [(b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)])
def test_a_header_that_lies_about_the_length(clip: Path, look: Any, box: bytes, offset: int) -> None:
    data = bytearray(clip.read_bytes())
    start = data.index(box) + offset
    data[start : start + 4] = struct.pack(">I", struct.unpack(">I", data[start : start + 4])[0] // 4)
    clip.write_bytes(bytes(data))
    info = look(clip, VideoView(), AudioView()).info
    assert info.decoded_frames == 25
    assert info.video_seconds == pytest.approx(1.0)
    assert info.audio_seconds == pytest.approx(1.0, abs=0.03)


def test_a_header_that_lies_about_the_number_of_frames(tmp_path: Path, encode: Any, ramp: Any, look: Any) -> None:
    path = encode(tmp_path / "clip.avi", ramp(25), codec="mpeg4", options={})
    data = bytearray(path.read_bytes())
    for start in (data.index(b"avih") + 4 + 4 + 16, data.index(b"strh") + 4 + 4 + 32):
        data[start : start + 4] = struct.pack("<I", 40)
    path.write_bytes(bytes(data))
    info = look(path, VideoView()).info
    assert info.video.declared_frames == 40
    assert info.decoded_frames == 25
    assert info.coverage == pytest.approx(25 / 40)
    assert "25 of 40 declared frames decoded" in info.notes


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory, encode: Any, ramp: Any, tone: Any) -> list[Path]:
    folder = tmp_path_factory.mktemp("seeds")
    images, sound = ramp(8, 32, 32), tone(0.4, 16_000)
    return [
        encode(folder / "a.mp4", images, audio=sound, rate=16_000, muxer={"movflags": "+faststart"}),
        encode(folder / "a.mkv", images, audio=sound, rate=16_000, audio_codec="flac"),
        encode(folder / "a.ts", images, audio=sound, rate=16_000, format="mpegts"),
        encode(folder / "a.avi", images, codec="mpeg4", options={}, audio=sound, rate=16_000, audio_codec="pcm_s16le"),
        encode(folder / "a.wav", audio=sound, rate=16_000, audio_codec="pcm_f32le"),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_anywhere_ends_in_a_feature_or_a_reason(seeds: list[Path], look: Any, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(seeds), "seed")
    content = bytearray(seed.read_bytes())
    reach = data.draw(st.sampled_from([200, 2_000, len(content)]), "reach")
    places = st.integers(0, min(reach, len(content)) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=30), "damage"):
        content[place] = value
    content = content[: data.draw(st.integers(1, len(content)), "length")]
    path = seed.with_name("damaged" + seed.suffix)
    path.write_bytes(bytes(content))
    view = VideoView(fps=25, size=(16, 16))
    try:
        clip = look(path, view, AudioView())
    except MediaError:
        return
    with suppress(MediaError, NotApplicable, Unscored):
        assert clip.frames(view).data.shape[1:] == (16, 16, 3)
    with suppress(MediaError, NotApplicable, Unscored):
        assert np.isfinite(clip.audio().samples).all()
