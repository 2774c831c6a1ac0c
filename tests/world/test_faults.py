from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from avbench.records import Prompt, Sample, SpeechLine
from avbench.world import faults
from avbench.world.render import render
from avbench.world.speakers import SPEAKERS
from avbench.world.truth import Take

Talk = Callable[..., Take]


@pytest.mark.parametrize("seconds", [-0.32, -0.04, 0.0, 0.2, 0.5])
def test_shift_moves_sound_and_its_truth_and_nothing_else(bells: Take, seconds: float) -> None:
    moved = faults.shift_audio(bells, seconds)
    by = round(seconds * 16000)
    inner = slice(max(0, by), len(bells.audio) + min(0, by))
    source = slice(max(0, -by), len(bells.audio) - max(0, by))
    assert np.array_equal(moved.audio[inner], bells.audio[source])
    assert len(moved.audio) == len(bells.audio)
    kept = [e.time + seconds for e in bells.truth.events if 0 <= e.time + seconds < 4.04]
    assert [e.time for e in moved.truth.events] == pytest.approx(kept)
    assert np.array_equal(moved.frames, bells.frames)
    assert np.array_equal(moved.truth.object_box, bells.truth.object_box)


def test_shift_and_back_is_the_same_but_for_the_edge(speech: Take) -> None:
    back = faults.shift_audio(faults.shift_audio(speech, 0.1), -0.1)
    assert np.array_equal(back.audio[:-1600], speech.audio[:-1600])
    assert not back.audio[-1600:].any()


def test_swap_takes_the_other_sound_and_its_truth(speech: Take, bells: Take) -> None:
    swapped = faults.swap_audio(bells, speech)
    assert np.array_equal(swapped.audio, speech.audio)
    assert np.array_equal(swapped.frames, bells.frames)
    assert swapped.truth.words == speech.truth.words and swapped.truth.speaker == speech.truth.speaker
    assert not swapped.truth.events
    assert np.array_equal(swapped.truth.object_box, bells.truth.object_box)


def test_mute_leaves_nothing_to_hear(speech: Take) -> None:
    quiet = faults.mute(speech)
    assert not quiet.audio.any() and len(quiet.audio) == len(speech.audio)
    assert not quiet.truth.words and not quiet.truth.phones and quiet.truth.speaker is None
    assert np.array_equal(quiet.truth.aperture, speech.truth.aperture)


def test_freeze_holds_picture_and_its_truth(speech: Take) -> None:
    frozen = faults.freeze(speech, 1.0)
    assert np.array_equal(frozen.frames[:26], speech.frames[:26])
    assert (frozen.frames[25:] == frozen.frames[25]).all()
    assert (frozen.truth.aperture[25:] == speech.truth.aperture[25]).all()
    assert (frozen.truth.mouth_box[25:] == speech.truth.mouth_box[25]).all()
    assert np.array_equal(frozen.audio, speech.audio) and frozen.truth.words == speech.truth.words
    assert not (speech.frames[25:] == speech.frames[25]).all(), "the source is untouched"


def test_blur_takes_detail_away_monotonously(speech: Take) -> None:
    detail = [np.abs(np.diff(faults.blur(speech, s).frames[::20].astype(float), axis=2)).mean() for s in (0.5, 1, 2, 4)]
    assert detail == sorted(detail, reverse=True) and detail[0] > 2 * detail[-1]


@pytest.mark.parametrize("snr", [-5.0, 0.0, 10.0, 30.0])
def test_noise_has_the_asked_ratio(bells: Take, snr: float) -> None:
    noisy = faults.noise(bells, snr)
    power = np.mean(bells.audio.astype(float) ** 2)
    added = np.mean((noisy.audio.astype(float) - bells.audio) ** 2)
    assert 10 * np.log10(power / added) == pytest.approx(snr, abs=0.1)
    assert np.array_equal(noisy.audio, faults.noise(bells, snr).audio)
    assert not np.array_equal(noisy.audio, faults.noise(bells, snr, seed=1).audio)


def test_drop_words_silences_exactly_those(speech: Take) -> None:
    words = speech.truth.words
    dropped = faults.drop_words(speech, [1, 4])
    assert [w.text for w in dropped.truth.words] == [w.text for i, w in enumerate(words) if i not in (1, 4)]
    for i, word in enumerate(words):
        a, b = round(word.start * 16000), round(word.end * 16000)
        if i in (1, 4):
            assert not dropped.audio[a:b].any()
        else:
            assert np.array_equal(dropped.audio[a + 80 : b - 80], speech.audio[a + 80 : b - 80])
    assert len(dropped.truth.phones) < len(speech.truth.phones)
    assert faults.drop_words(speech, range(len(words))).truth.speaker is None


def test_faults_compose(bells: Take, talk: Talk) -> None:
    other = talk("Good evening to all of you.")
    take = faults.noise(faults.freeze(faults.swap_audio(bells, other), 2.0), 20.0)
    assert take.truth.words == other.truth.words
    assert (take.frames[50:] == take.frames[50]).all()


def test_overdrive_is_a_flat_top_at_full_scale(speech: Take) -> None:
    loud = faults.overdrive(speech, 12)
    assert np.abs(loud.audio).max() == 1.0 and (np.abs(loud.audio) == 1.0).sum() > 100
    gain = 10 ** (12 / 20) / np.abs(speech.audio).max()
    quiet = np.abs(speech.audio) * gain < 1
    assert np.allclose(loud.audio[quiet], speech.audio[quiet] * gain, atol=1e-6)
    assert not faults.overdrive(faults.mute(speech), 12).audio.any()


def test_low_pass_takes_the_top_and_delays_nothing(speech: Take) -> None:
    t = np.arange(16000) / 16000
    tone = replace(speech, audio=(np.sin(2 * np.pi * 200 * t) + np.sin(2 * np.pi * 3000 * t)).astype(np.float32))
    low = faults.low_pass(tone, 1000).audio[2000:-2000]
    assert np.abs(low - np.sin(2 * np.pi * 200 * t[2000:-2000])).max() < 1e-3
    assert faults.low_pass(tone, 8000) is tone


def test_shuffled_frames_are_the_same_ones_near_their_places(speech: Take) -> None:
    mixed = faults.shuffle_frames(speech, 0.4)
    key = [frame.tobytes() for frame in speech.frames]
    assert sorted(frame.tobytes() for frame in mixed.frames) == sorted(key)
    for start in range(0, len(key), 10):
        assert sorted(key[start : start + 10]) == sorted(frame.tobytes() for frame in mixed.frames[start : start + 10])
    assert sorted(mixed.truth.aperture) == sorted(speech.truth.aperture)
    assert not np.array_equal(mixed.truth.aperture, speech.truth.aperture)
    assert mixed.truth.words == speech.truth.words


def test_jpeg_and_exposure_spoil_the_picture_alone(speech: Take) -> None:
    def error(take: Take) -> float:
        return float(np.abs(take.frames.astype(int) - speech.frames).mean())

    assert 0 < error(faults.jpeg(speech, 70)) < error(faults.jpeg(speech, 20)) < error(faults.jpeg(speech, 5))
    assert np.array_equal(faults.expose(speech, -1).frames, np.round(speech.frames / 2).astype(np.uint8))
    assert faults.expose(speech, 1).frames.max() == 255
    assert np.array_equal(faults.expose(speech, 1).audio, speech.audio)


def test_plain_clips_take_the_same_faults(speech: Take) -> None:
    plain = Sample(speech.frames, speech.fps, speech.audio, speech.sample_rate)
    late, known = faults.shift_audio(plain, 0.3), faults.shift_audio(speech, 0.3)
    assert isinstance(late, Sample) and np.array_equal(late.audio, known.audio)
    assert np.array_equal(faults.freeze(plain, 1.0).frames, faults.freeze(speech, 1.0).frames)
    stereo = replace(plain, audio=np.stack([plain.audio, plain.audio], axis=1))
    assert np.array_equal(faults.shift_audio(stereo, 0.3).audio[:, 0], late.audio)
    with pytest.raises(ValueError, match="differ in form: 16000 Hz with 2 channels and 16000 Hz with 1 channels"):
        faults.swap_audio(stereo, plain)


def test_another_face_keeps_voice_and_mouth() -> None:
    prompt = Prompt("x", video_caption="A man talks.", speech=(SpeechLine("Good morning."),), tags=("speaker:ivan",))
    own, other = render(prompt, 0, 64), render(prompt, 0, 64, face_of=SPEAKERS["lucia"])
    assert np.array_equal(own.audio, other.audio) and own.truth.words == other.truth.words
    assert np.array_equal(own.truth.aperture, other.truth.aperture) and other.truth.speaker == "ivan"
    assert not np.array_equal(own.frames, other.frames)
