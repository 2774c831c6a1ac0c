"""Clips that can be read but would fool a metric: scored in one folder beside a good one, and beside their equals."""

from __future__ import annotations

import json
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

PICTURE = ("temporal_flickering", "motion_flow")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, scored: Any, encode: Any, flashes: Any, clicks: Any) -> Any:
    folder = tmp_path_factory.mktemp("metrics") / "clips"
    folder.mkdir()
    frames, sound = flashes(), clicks()
    pcm, floats = {"audio_codec": "pcm_s16le"}, {"audio_codec": "pcm_f32le"}
    encode(folder / "good.mkv", frames, audio=sound, **pcm)
    # sound
    encode(folder / "silent.mkv", frames, audio=0 * sound, **pcm)
    encode(folder / "clipped.mkv", frames, audio=np.clip(20 * sound, -1, 1), **pcm)
    encode(folder / "offset.mkv", frames, audio=sound / 2 + np.float32(0.1), **pcm)
    encode(folder / "not_numbers.mkv", frames, audio=np.where(np.arange(len(sound)) == 99, np.nan, sound), **floats)
    for rate in (8_000, 16_000, 48_000, 96_000):
        encode(folder / f"tone_{rate}.wav", audio=tone(rate), rate=rate, **pcm)
    for layout, channels in (("stereo", 2), ("5.1", 6)):
        many = np.repeat(tone(48_000)[:, None], channels, axis=1)
        encode(folder / f"tone_{layout}.wav", audio=many, layout=layout, **pcm)
    # picture
    encode(folder / "black.mkv", 0 * frames, audio=sound, **pcm)
    encode(folder / "frozen.mkv", np.repeat(frames[10:11], 75, axis=0), audio=sound, **pcm)
    encode(folder / "one_frame.mkv", frames[:1], audio=sound[:1920], **pcm)
    encode(folder / "short.mkv", frames[:5], audio=sound[:9600], **pcm)
    encode(folder / "turned_by_hand.mp4", np.rot90(frames, axes=(1, 2)), audio=sound)
    encode(folder / "turned_by_flag.mp4", frames, rotation=90, audio=sound)
    encode(folder / "odd_size.mkv", frames[:, :47, :63], pix_fmt="yuv444p", audio=sound, **pcm)
    encode(folder / "ten_bit.mkv", frames, pix_fmt="yuv420p10le", audio=sound, **pcm)
    encode(folder / "full_range.mkv", frames, full_range=True, audio=sound, **pcm)
    # time
    changes = [0, *(t for t in range(1, 75) if t == 74 or (frames[t] != frames[t - 1]).any())]
    encode(folder / "variable_rate.mkv", frames[changes], pts=changes, time_base=Fraction(1, 25), audio=sound, **pcm)
    encode(folder / "late_video.mkv", frames, pts=list(range(13, 88)), audio=sound, **pcm)
    encode(folder / "long_sound.mkv", frames, audio=clicks(3.8), **pcm)
    encode(folder / "short_sound.mkv", frames, audio=clicks(2.2), **pcm)
    merge(folder / "streams.mkv", encode(folder.parent / "small.mkv", frames[:, :32, :32], audio=sound, **pcm),
          folder / "good.mkv")  # fmt: skip
    return scored(folder)


def tone(rate: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (0.25 * np.sin(2 * np.pi * 997 * np.arange(2 * rate) / rate)).astype(np.float32)


def merge(path: Path, *parts: Path) -> None:
    """All streams of the parts in one file."""
    with av.open(str(path), "w") as output, ExitStack() as stack:
        sources = [stack.enter_context(av.open(str(part))) for part in parts]
        streams = [[output.add_stream_from_template(stream) for stream in source.streams] for source in sources]
        for source, own in zip(sources, streams, strict=True):
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = own[packet.stream.index]
                    output.mux(packet)


def test_the_good_clip_raises_no_guard(run: Any) -> None:
    """The clip that the others are measured by is sound: no guard, sound and picture together."""
    assert run.raised("good.mkv") == set()
    assert run.value("good.mkv", "onset_offset") == pytest.approx(0, abs=0.02)


def test_a_silent_track_is_flagged(run: Any) -> None:
    """A silent track raises the guard `silent`; loudness and sync are not scored, silence is."""
    assert run.raised("silent.mkv") == {"silent"}
    found = run.outcomes("silent.mkv")
    assert found["silence_ratio"].value == 1.0 and found["speech_ratio"].value == 0.0
    for metric in ("loudness_lufs", "onset_offset", "lip_envelope_lag", "av_align"):
        assert found[metric].status in ("unscored", "not_applicable") and found[metric].reason


def test_clipped_and_offset_sound_is_flagged(run: Any) -> None:
    """Flat tops raise the guard `clipped`, a constant in the samples the guard `dc_offset`."""
    assert run.raised("clipped.mkv") == {"clipped"}
    assert run.raised("offset.mkv") == {"dc_offset"}


def test_samples_that_are_no_numbers_are_refused(run: Any) -> None:
    """Float audio with NaN is unscored with a count and raises `corrupt`; the picture is scored all the same."""
    found = run.outcomes("not_numbers.mkv")
    assert run.raised("not_numbers.mkv") == {"corrupt"}
    assert (
        found["loudness_lufs"].status == "unscored" and "1 samples that are not finite" in found["loudness_lufs"].reason
    )
    assert found["temporal_flickering"].value == run.value("good.mkv", "temporal_flickering")


def test_black_and_frozen_pictures_are_flagged(run: Any) -> None:
    """A black or frozen picture raises its guard beside the perfect smoothness, and has no motion to align."""
    assert run.raised("black.mkv") == {"black", "frozen"}
    assert run.raised("frozen.mkv") == {"frozen"}
    for clip in ("black.mkv", "frozen.mkv"):
        assert run.value(clip, "temporal_flickering") > 0.999
        assert run.outcomes(clip)["onset_offset"].reason == "nothing moves"
        assert run.outcomes(clip)["onset_offset"].status == "unscored"


def test_one_frame_is_too_few_for_motion(run: Any) -> None:
    """Metrics of motion do not apply to a clip of one frame, and say how many they need."""
    for metric in (*PICTURE, "av_align", "onset_offset", "frozen"):
        outcome = run.outcomes("one_frame.mkv")[metric]
        assert outcome.status == "not_applicable"
        assert "too few frames" in outcome.reason or "too short" in outcome.reason
    assert "too_short" in run.raised("one_frame.mkv")


def test_a_clip_shorter_than_a_window_is_not_padded(run: Any) -> None:
    """A clip of 0.2 s has no sync and no loudness: not applicable, with its length and the length needed."""
    assert "too_short" in run.raised("short.mkv")
    for metric in ("onset_offset", "loudness_lufs", "speech_ratio"):
        outcome = run.outcomes("short.mkv")[metric]
        assert outcome.status == "not_applicable" and "too short: 0." in outcome.reason and "needed" in outcome.reason


def test_variable_rate_scores_as_constant_rate(run: Any) -> None:
    """A clip whose repeated frames are left out has the sync and the motion of the clip at constant rate."""
    for metric in ("onset_offset", "onset_offset_conf", "motion_flow"):
        expected = run.value("good.mkv", metric)
        assert run.value("variable_rate.mkv", metric) == pytest.approx(expected, abs=0.02, rel=0.05), metric
    assert run.raised("variable_rate.mkv") == set()


def test_a_rotation_flag_scores_as_pictures_turned_by_hand(run: Any) -> None:
    """A clip that is stored lying and flagged as turned scores as the one that is stored upright."""
    for metric in (*PICTURE, "onset_offset", "face_ratio"):
        expected = run.value("turned_by_hand.mp4", metric)
        assert run.value("turned_by_flag.mp4", metric) == pytest.approx(expected, abs=1e-3, rel=0.02), metric


@pytest.mark.parametrize("clip", ["odd_size.mkv", "ten_bit.mkv", "full_range.mkv"])
def test_pixel_formats_score_alike(run: Any, clip: str) -> None:
    """An odd size, 4:4:4, ten bits and full range give the same colours, so the same scores."""
    for metric, within in (("temporal_flickering", 1e-3), ("onset_offset", 0.005)):
        assert run.value(clip, metric) == pytest.approx(run.value("good.mkv", metric), abs=within)
    assert run.raised(clip) == set()


def test_a_late_video_is_seen_by_sync(run: Any) -> None:
    """Video that starts 0.52 s after the audio keeps its start: the notes name it, and the offset moves by as much."""
    assert "the video starts 0.520 s after the audio" in run.notes("late_video.mkv")
    moved = run.value("late_video.mkv", "onset_offset") - run.value("good.mkv", "onset_offset")
    assert moved == pytest.approx(-0.52, abs=0.02)


@pytest.mark.parametrize(("clip", "gap"), [("long_sound.mkv", 0.8), ("short_sound.mkv", -0.8)])
def test_sound_of_another_length_is_flagged(run: Any, clip: str, gap: float) -> None:
    """Audio over 10 % longer or shorter than the video raises `av_duration_gap`; neither is cut or padded."""
    assert run.raised(clip) == {"av_duration_gap"}
    assert run.value(clip, "av_gap_seconds") == pytest.approx(gap, abs=0.01)
    assert run.value(clip, "onset_offset") == pytest.approx(0, abs=0.02)


def test_rates_and_channels_are_equally_loud(run: Any) -> None:
    """A tone is as loud at 8 as at 96 kHz; the same in more channels is louder as BS.1770 says, without the LFE."""
    one = run.value("tone_48000.wav", "loudness_lufs")
    for rate in (8_000, 16_000, 96_000):
        assert run.value(f"tone_{rate}.wav", "loudness_lufs") == pytest.approx(one, abs=0.2)
    assert run.value("tone_stereo.wav", "loudness_lufs") == pytest.approx(one + 10 * np.log10(2), abs=0.05)
    assert run.value("tone_5.1.wav", "loudness_lufs") == pytest.approx(one + 10 * np.log10(3 + 2 * 1.41), abs=0.05)


def test_of_several_streams_one_is_taken_and_named(run: Any) -> None:
    """Of two videos and two sounds the default is scored, and the notes say which."""
    notes = run.notes("streams.mkv")
    assert any(note.startswith("2 video streams: stream ") for note in notes)
    assert any(note.startswith("2 audio streams: stream ") for note in notes)
    assert run.outcomes("streams.mkv")["temporal_flickering"].status == "ok"


def test_aggregates_count_what_is_not_scored(run: Any, avbench_in: Any) -> None:
    """The report is strict JSON: no NaN, and every clip is counted as scored or as something else."""
    done = avbench_in(run.run.parent)("report", "run", "--format", "json")
    rows = json.loads(done.stdout, parse_constant=pytest.fail)["rows"]
    table = run.table()
    assert {row["metric"] for row in rows if not row["of_set"]} == set(table.metric)
    for row in rows:
        counted = [row[key] for key in ("scored", "not_applicable", "unscored", "failed", "not_finite")]
        values = table[(table.metric == row["metric"]) & (table.status == "ok")].value
        assert sum(counted) == table.prompt_id.nunique() and row["scored"] == len(values)
        assert row["mean"] == (pytest.approx(values.mean()) if len(values) else None)


@pytest.mark.slow
def test_faces(tmp_path: Path, scored: Any) -> None:
    """No face, a drawn face, a face in a third of the frames: the lag is unscored and says what was found. Of two faces
    the one that talks is scored. How much of the clip shows a face is a score of its own.
    """
    import cv2

    from avbench.media.mux import write
    from avbench.records import Sample
    from avbench.suites import load_suite
    from avbench.world.render import render

    take = render(load_suite("speech").prompts[0], seed=0, size=96)
    third = take.frames.copy()
    third[len(third) // 3 :] = 60
    drawn = np.full_like(take.frames, 230)
    for picture in drawn:
        cv2.circle(picture, (48, 48), 30, (255, 200, 0), -1)
        for eye in (38, 58):
            cv2.circle(picture, (eye, 42), 3, (0, 0, 0), -1)
        cv2.line(picture, (38, 62), (58, 62), (0, 0, 0), 2)
    still = np.repeat(take.frames[:1], len(take.frames), axis=0)
    (tmp_path / "clips").mkdir()
    for name, frames in {
        "talker": take.frames, "none": np.full_like(take.frames, 60), "drawn": drawn, "third": third,
        "two": np.concatenate([still, take.frames], axis=2),
    }.items():  # fmt: skip
        write(tmp_path / "clips" / f"{name}.mp4", Sample(frames, take.fps, take.audio, take.sample_rate))
    run = scored(tmp_path / "clips", "--metrics", "lip_envelope")
    for clip in ("talker.mp4", "two.mp4"):
        assert run.value(clip, "lip_envelope_lag") == pytest.approx(0, abs=0.05)
        assert run.value(clip, "face_ratio") > 0.95
    for clip, ratio in (("none.mp4", 0), ("drawn.mp4", 0), ("third.mp4", 1 / 3)):
        lag = run.outcomes(clip)["lip_envelope_lag"]
        assert lag.status == "unscored" and "no face in half of the frames" in lag.reason
        assert run.value(clip, "face_ratio") == pytest.approx(ratio, abs=0.06)
