"""Files that cannot be read, or not as a whole, scored in one folder beside a good one."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from avbench.cli import app

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
DOT = struct.pack("<BHHHHB", 0x2C, 0, 0, 1, 1, 0) + bytes([2, 2, 0x44, 1, 0])  # a GIF frame of one pixel

REFUSED = {
    "empty.mp4": "empty",
    "words.mp4": "invalid",
    "zeros.mp4": "invalid",
    "no_index.mp4": "invalid",
    "playlist.mp4": "invalid",
    "playlist.ts": "invalid",
    "script.mkv": "invalid",
    "huge.mp4": "too_large",
    "huge.gif": "too_large",
    "many.avi": "too_many_frames",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, scored: Any, encode: Any, flashes: Any, clicks: Any) -> Any:
    folder = tmp_path_factory.mktemp("inputs") / "clips"
    folder.mkdir()
    good = encode(folder / "good.mp4", flashes(), audio=clicks())
    data = good.read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (125, 32, 32, 3), np.uint8)
    busy = encode(folder.parent / "busy.mp4", noise, options={"qp": "20", "g": "12"}, audio=clicks(5),
                  muxer={"movflags": "+faststart"})  # fmt: skip
    plain = encode(folder.parent / "plain.avi", flashes(), codec="mpeg4", options={}, audio=clicks())

    encode(folder / "no_audio.mp4", flashes())
    encode(folder / "no_video.m4a", audio=clicks(), format="mp4")
    (folder / "empty.mp4").touch()
    (folder / "words.mp4").write_text("these are words, not pictures\n" * 99)
    (folder / "zeros.mp4").write_bytes(bytes(9_999))
    (folder / "no_index.mp4").write_bytes(data[: data.index(b"moov") - 4])
    (folder / "playlist.mp4").write_text(PLAYLIST.format("/etc/passwd"))
    (folder / "playlist.ts").write_text(PLAYLIST.format(good))
    (folder / "script.mkv").write_text("ffconcat version 1.0\nfile good.mp4\n")
    encode(folder / "huge.mp4", np.zeros((1, 4096, 4112, 3), np.uint8), options={"preset": "ultrafast"})
    (folder / "huge.gif").write_bytes(gif(16_384, 8_704) + DOT + b"\x3b")
    (folder / "many.avi").write_bytes(claim_frames(plain, 60_000))
    (folder / "boast.avi").write_bytes(claim_frames(plain, 120))
    (folder / "quarter.mp4").write_bytes(claim_quarter(data))
    (folder / "truncated.mp4").write_bytes(busy.read_bytes()[: sum(packets(busy, "video")[67])])
    (folder / "flipped.mp4").write_bytes(flip(busy, 60))
    (folder / "broken_audio.mp4").write_bytes(overwrite(busy, packets(busy, "audio")[40:60]))
    return scored(folder, code=3)


def gif(width: int, height: int) -> bytes:
    """The start of a GIF of that size in black and white."""
    return struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x80, 0, 0) + bytes(3) + b"\xff" * 3


def packets(path: Path, kind: str) -> list[tuple[int, int]]:
    """Position and size of each packet of a kind of stream."""
    with av.open(str(path)) as container:
        return [(p.pos or 0, p.size) for p in container.demux() if p.size and p.stream.type == kind]


def flip(path: Path, count: int) -> bytes:
    data, rng, places = bytearray(path.read_bytes()), np.random.default_rng(3), packets(path, "video")[10:]
    for _ in range(count):
        position, size = places[rng.integers(len(places))]
        data[position + 6 + int(rng.integers(size - 6))] ^= 0xFF
    return bytes(data)


def overwrite(path: Path, places: list[tuple[int, int]]) -> bytes:
    data = bytearray(path.read_bytes())
    for position, size in places:
        data[position : position + size] = b"\xff" * size
    return bytes(data)


def claim_frames(avi: Path, count: int) -> bytes:
    """The AVI file with another number of frames in its header."""
    data = bytearray(avi.read_bytes())
    for start in (data.index(b"avih") + 24, data.index(b"strh") + 40):
        data[start : start + 4] = struct.pack("<I", count)
    return bytes(data)


def claim_quarter(mp4: bytes) -> bytes:
    """The MP4 file with a quarter of its length in its headers."""
    data = bytearray(mp4)
    for box, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        start = data.index(box) + offset
        data[start : start + 4] = struct.pack(">I", struct.unpack(">I", data[start : start + 4])[0] // 4)
    return bytes(data)


def test_the_run_goes_on_and_ends_incomplete(run: Any) -> None:
    """Bad files are counted as failed items, the good ones are scored, and the exit status is 3."""
    assert f"incomplete: {len(REFUSED)} of {len(REFUSED) + 8} items failed" in run.done.stderr
    found = run.outcomes("good.mp4")
    assert found["temporal_flickering"].status == found["onset_offset"].status == "ok"
    assert run.raised("good.mp4") == set()
    assert set(run.table().groupby("prompt_id").metric.nunique()) == {len(found)}  # no file loses a row


def test_no_score_is_a_number_unless_it_is_ok(run: Any) -> None:
    """What is not scored has no value, not zero, and says why; what is scored is finite."""
    table = run.table()
    assert np.isfinite(table[table.status == "ok"].value).all()
    others = table[table.status != "ok"]
    assert len(others) and others.value.isna().all() and (others.reason != "").all()


@pytest.mark.parametrize(("clip", "kind"), REFUSED.items())
def test_a_file_that_cannot_be_read_is_a_failed_item(run: Any, clip: str, kind: str) -> None:
    """An empty file is `decode_error:empty`; text, a file without its index, a play list and a script that name other
    files are `decode_error:invalid`; frames above 4096 x 4096 pixels and more than 20,000 frames are refused by the
    header alone; where the header hides the size, the decoder refuses the frame before it takes memory.
    """
    for outcome in run.outcomes(clip).values():
        assert outcome.status == "failed" and outcome.reason.startswith(f"decode_error:{kind}: ")
        assert "root:" not in outcome.reason and (clip != "huge.gif" or "above the limit" in outcome.reason)


def test_a_truncated_clip_is_scored_and_flagged(run: Any) -> None:
    """A clip cut in the middle is scored for what is there: the guard says `truncated`, the notes how much is left."""
    assert "truncated" in run.raised("truncated.mp4")
    note = next(note for note in run.notes("truncated.mp4") if "declared frames decoded" in note)
    assert 67 <= int(note.split()[0]) <= 69 and " of 125 " in note
    assert run.outcomes("truncated.mp4")["temporal_flickering"].status == "ok"


def test_flipped_bytes_are_flagged(run: Any) -> None:
    """Damaged frames are counted, and the clip's scores carry the guard `corrupt`."""
    assert "corrupt" in run.raised("flipped.mp4")
    assert any(note.endswith(" corrupt frames") for note in run.notes("flipped.mp4"))


def test_broken_audio_keeps_the_scores_of_the_video(run: Any) -> None:
    """Damaged audio leaves metrics of the video as they are; those of the sound are unscored with the reason."""
    found = run.outcomes("broken_audio.mp4")
    assert found["temporal_flickering"].status == found["motion_flow"].status == "ok"
    assert run.raised("broken_audio.mp4") == {"corrupt"}
    for metric in ("loudness_lufs", "silence_ratio", "onset_offset", "av_align"):
        assert found[metric].status == "unscored" and "audio stream is damaged" in found[metric].reason


def test_without_audio_metrics_of_the_sound_do_not_apply(run: Any) -> None:
    """Without an audio stream metrics of sound and of sync are not applicable, never 0; the guard is `silent`."""
    found = run.outcomes("no_audio.mp4")
    assert found["temporal_flickering"].status == "ok"
    assert run.raised("no_audio.mp4") == {"silent"}
    for metric in ("loudness_lufs", "speech_ratio", "onset_offset", "av_align", "av_gap_seconds"):
        assert found[metric].status == "not_applicable" and "no audio stream" in found[metric].reason


def test_without_video_metrics_of_the_picture_do_not_apply(run: Any) -> None:
    """A file with sound alone: metrics of the picture and of sync are not applicable."""
    found = run.outcomes("no_video.m4a")
    assert found["loudness_lufs"].status == "ok"
    for metric in ("temporal_flickering", "motion_flow", "onset_offset", "face_ratio", "frozen"):
        assert found[metric].status == "not_applicable" and "no video stream" in found[metric].reason


def test_what_the_decoder_counts_wins_over_the_header(run: Any) -> None:
    """A header that claims more frames than there are is flagged as truncated; a wrong length changes no score."""
    assert run.raised("boast.avi") == {"truncated"}
    assert "75 of 120 declared frames decoded" in run.notes("boast.avi")
    for metric in ("temporal_flickering", "motion_flow", "onset_offset", "av_gap_seconds"):
        assert run.value("quarter.mp4", metric) == pytest.approx(run.value("good.mp4", metric), abs=0.03)


def test_frames_beyond_the_limit_stop_the_decoder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file without a frame count is refused at the 20,001st frame, whatever its size."""
    frame = bytes([0x21, 0xF9, 4, 4, 2, 0, 0, 0]) + DOT  # each is shown for 20 ms
    (tmp_path / "many.gif").write_bytes(gif(1, 1) + frame * 20_001 + b"\x3b")
    words = ("score", str(tmp_path / "many.gif"), "--metrics", "audio_levels", "--workers", "0")
    with pytest.raises(SystemExit) as end:
        app([*words, "--out", str(tmp_path / "run")])
    assert end.value.code == 3
    assert "decode_error:too_many_frames" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["concat:good.mp4|good.mp4", "http://localhost/good.mp4", "file:good.mp4", "-"])
def test_a_name_is_never_a_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A path that looks like a protocol names no file: the call is refused with exit status 2, nothing is opened."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.mp4").write_bytes(b"not read")
    with pytest.raises(SystemExit) as end:
        app(["score", name, "--out", str(tmp_path / "run")])
    assert end.value.code == 2
    assert "does not exist" in capsys.readouterr().err and not (tmp_path / "run").exists()
