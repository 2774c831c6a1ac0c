"""Every odd file of the shared folder: what the decoder finds, whatever the header says."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.errors import MediaError, NotApplicable
from avbench.media.load import load_audio, load_image
from avbench.media.probe import probe
from avbench.parts import AudioView, VideoView

SMALL = VideoView(size=(32, 32))
AT_25 = VideoView(fps=25, size=(32, 32))

# file: frames, (width, height), fps, video seconds, audio seconds, sample rate
CLIPS = {
    "grid_sbwe5n.mpg": (75, (360, 288), Fraction(25), 3.0, 131_328 / 44_100, 44_100),
    "grid_swwp2s.mpg": (75, (360, 288), Fraction(25), 3.0, 131_328 / 44_100, 44_100),
    "nasa_13013.mp4": (390, (480, 270), Fraction(30_000, 1001), 13.013, 13.056, 16_000),
    "ovi_kitchen_two_women.mp4": (122, (1280, 704), Fraction(24), 122 / 24, 5.02, 44_100),
    "mova_cat_yarn.mp4": (193, (624, 352), Fraction(24), 193 / 24, 8.06, 48_000),
    "universe1_00000.mp4": (125, (768, 480), Fraction(25), 5.0, 5.0, 16_000),
    "universe1_00041.mp4": (125, (512, 512), Fraction(25), 5.0, 5.0, 16_000),
    "wan_pose_noaudio.mp4": (350, (960, 540), Fraction(50), 7.0, None, None),
}


@pytest.mark.parametrize("name", CLIPS)
def test_clip(shared: Path, look: Any, name: str) -> None:
    frames, size, fps, seconds, audio_seconds, rate = CLIPS[name]
    seen = look(shared / "media" / name, SMALL, AT_25, AudioView(None))
    info = seen.info
    assert (info.decoded_frames, info.corrupt_frames) == (frames, 0)
    assert ((info.video.width, info.video.height), info.video.fps) == (size, fps)
    assert info.video_seconds == pytest.approx(seconds, abs=1e-6)
    np.testing.assert_allclose(seen.frames(SMALL).times, np.arange(frames) / float(fps), atol=1e-6)
    np.testing.assert_allclose(seen.frames(AT_25).times, np.arange(math.ceil(round(seconds * 25, 6))) / 25, atol=1e-9)
    if audio_seconds is None:
        with pytest.raises(NotApplicable, match="no audio stream"):
            seen.audio(AudioView(None))
        return
    assert info.audio_seconds == pytest.approx(audio_seconds, abs=1e-6)
    assert (seen.audio(AudioView(None)).rate, seen.audio(AudioView(None)).start) == (rate, 0.0)


def test_the_facts_of_media_json_agree(shared: Path) -> None:
    for fact in json.loads((shared / "media" / "media.json").read_text()):
        if fact["file"] not in CLIPS or "size" not in fact:
            continue
        info = probe(shared / "media" / fact["file"])
        assert info.video is not None
        assert [info.video.width, info.video.height] == fact["size"]
        assert info.video.fps == fact["fps"]
        assert (info.audio.rate if info.audio else None) == fact.get("audio_hz")


def test_mpeg_program_stream_has_no_frame_count(shared: Path) -> None:
    video = probe(shared / "media" / "grid_sbwe5n.mpg").video
    assert video is not None
    assert video.declared_frames is None
    assert video.duration == pytest.approx(2.98)  # the header leaves out the last frame


def test_six_streams_the_best_are_taken_and_named(shared: Path) -> None:
    info = probe(shared / "media" / "nasa_13013.mp4")
    assert info.video is not None
    assert info.audio is not None
    assert (info.video.index, info.audio.index) == (3, 4)
    assert info.notes == ("2 video streams: stream 3 is used", "2 audio streams: stream 4 is used")


def test_audio_only(shared: Path, look: Any) -> None:
    heard = look(shared / "media" / "jfk.flac", SMALL, AudioView(16_000))
    assert heard.info.video is None
    assert heard.info.decoded_frames is None
    assert heard.audio(AudioView(16_000)).samples.shape == (176_000,)
    with pytest.raises(NotApplicable, match="no video stream"):
        heard.frames(SMALL)


def test_a_picture_reads_as_a_clip_of_one_frame(shared: Path, look: Any) -> None:
    path = shared / "media" / "portrait_astronaut.png"
    assert look(path, VideoView()).info.decoded_frames == 1
    image = load_image(path)
    assert image.shape == (512, 512, 3)
    np.testing.assert_array_equal(look(path, VideoView()).frames().data[0], image)


def test_a_side_car_is_read_only_for_a_clip_without_audio(shared: Path, look: Any) -> None:
    media, wav = shared / "media", shared / "media" / "universe1_00000.wav"
    own = look(media / "universe1_00000.mp4", AudioView(), audio_path=wav)
    assert own.info.audio.codec == "aac"
    assert "side-car universe1_00000.wav ignored: the clip has an audio stream" in own.info.notes
    beside = look(media / "wan_pose_noaudio.mp4", AudioView(), SMALL, audio_path=wav)
    assert beside.info.audio.codec == "pcm_s16le"
    assert beside.info.notes == ("the audio is that of the side-car universe1_00000.wav",)
    np.testing.assert_array_equal(beside.audio().samples, load_audio(wav, 16_000))
    assert len(beside.frames(SMALL).data) == 350


def test_load_audio_resamples_and_refuses_a_picture(shared: Path) -> None:
    assert load_audio(shared / "media" / "jfk.flac", 8_000).shape == (88_000,)
    with pytest.raises(MediaError, match="no audio stream"):
        load_audio(shared / "media" / "portrait_astronaut.png", 16_000)
