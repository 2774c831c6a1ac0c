from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.metrics._backbones.faces import Faces
from avbench.metrics._backbones.speech_envelope import SpeechEnvelope
from avbench.metrics._backbones.vad import VoiceActivity
from avbench.metrics.lip_envelope import mouth_lag
from avbench.parts import Audio, AudioBackbone, AudioView
from avbench.records import Prompt, Score, Status

FRAME = 1 / 25


@pytest.mark.parametrize("name", ["grid_sbwe5n.mpg", "grid_swwp2s.mpg"])
def test_talkers_of_grid(shared: Path, score: Any, late: Any, name: str) -> None:
    """Real talkers in sync: within 3 frames, and within 1 frame of any shift of their sound."""
    features = sweep(shared / "media" / name, [Faces(), SpeechEnvelope(), VoiceActivity(), _Heard()])
    answer = score("lip_envelope", features)  # no prompt: voice activity decides that it applies
    assert abs(answer["lip_envelope_lag"]) <= 3 * FRAME
    assert answer["lip_envelope_corr"] > 0.5
    assert answer["face_ratio"] == 1.0
    heard = features[_Heard()]
    for frames in (-8, 8):
        samples = late(heard.samples, frames * FRAME, heard.rate)
        voice = SpeechEnvelope().extract(replace(heard, samples=samples), features.info)
        assert mouth_lag(features[Faces()], voice).seconds == pytest.approx(frames * FRAME, abs=FRAME)


@dataclass(frozen=True)
class _Heard(AudioBackbone[Audio]):
    """Hands the audio through, to be shifted."""

    view: ClassVar[AudioView] = AudioView(rate=16_000)

    def extract(self, audio: Audio, info: MediaInfo) -> Audio:
        return audio


@pytest.mark.parametrize("index", [0, 16, 32])
def test_talkers_of_the_world(arrays: Any, score: Any, world: Any, late: Any, index: int) -> None:
    prompt, take = world("speech", index)
    for seconds in (-0.32, 0.0, 0.32):
        moved = late(take.audio, seconds, take.sample_rate)
        answer = score("lip_envelope", arrays(take.frames, moved, take.sample_rate), prompt)
        assert answer["lip_envelope_lag"] == pytest.approx(seconds, abs=1.2 * FRAME)
        assert answer["lip_envelope_corr"] > 0.5


def test_loudness_and_chunks_do_not_matter(arrays: Any, score: Any, world: Any) -> None:
    prompt, take = world("speech", 0)
    first = score("lip_envelope", arrays(take.frames, take.audio, take.sample_rate, chunk=1), prompt)
    second = score("lip_envelope", arrays(take.frames, 0.3 * take.audio, take.sample_rate, chunk=50), prompt)
    assert first == pytest.approx(second, abs=1e-6)


def test_a_swapped_voice_follows_less(arrays: Any, score: Any, world: Any) -> None:
    prompt, take = world("speech", 0)
    own = score("lip_envelope", arrays(take.frames, take.audio, take.sample_rate), prompt)
    other = score("lip_envelope", arrays(take.frames, take.audio[::-1].copy(), take.sample_rate), prompt)
    assert other["lip_envelope_corr"] < own["lip_envelope_corr"] - 0.1


def test_of_two_faces_the_talker_is_scored(arrays: Any, score: Any, world: Any) -> None:
    prompt, take = world("speech", 0)
    still = np.repeat(take.frames[:1], len(take.frames), axis=0)
    for pair in ((still, take.frames), (take.frames, still)):
        features = arrays(np.concatenate(pair, axis=2), take.audio, take.sample_rate)
        assert len([track for track in features[Faces()].tracks if track.coverage > 0.9]) == 2
        answer = score("lip_envelope", features, prompt)
        assert answer["lip_envelope_lag"] == pytest.approx(0.0, abs=1.2 * FRAME)


@pytest.mark.parametrize(("share", "scored"), [(0.0, False), (0.3, False), (0.75, True)])
def test_a_face_in_part_of_the_frames(arrays: Any, score: Any, world: Any, share: float, scored: bool) -> None:
    prompt, take = world("speech", 0)
    frames = take.frames.copy()
    frames[round(share * len(frames)) :] = 60
    answer = score("lip_envelope", arrays(frames, take.audio, take.sample_rate), prompt)
    assert answer["face_ratio"] == pytest.approx(share, abs=0.05)
    lag = answer["lip_envelope_lag"]
    if scored:
        assert lag == pytest.approx(0.0, abs=2 * FRAME)
    else:
        assert isinstance(lag, Score) and lag.status is Status.UNSCORED and "no face in half" in lag.reason


def test_when_it_applies(arrays: Any, score: Any, world: Any) -> None:
    prompt, take = world("speech", 0)
    features = arrays(take.frames, take.audio, take.sample_rate)
    cases = {
        "off screen": replace(prompt, off_screen=True),
        "asks for no speech": Prompt("p", video_caption="a dog", audio_caption="barking"),
    }
    for reason, other in cases.items():
        lag = score("lip_envelope", features, other)["lip_envelope_lag"]
        assert lag.status is Status.NOT_APPLICABLE and reason in lag.reason
    assert isinstance(score("lip_envelope", features, Prompt("p"))["lip_envelope_lag"], float)


@pytest.mark.parametrize(("frames", "reason"), [(1, "too short"), (5, "too short: 0.16 s")])
def test_short_clips(arrays: Any, score: Any, world: Any, frames: int, reason: str) -> None:
    prompt, take = world("speech", 0)
    lag = score("lip_envelope", arrays(take.frames[:frames], take.audio, take.sample_rate), prompt)["lip_envelope_lag"]
    assert lag.status is Status.NOT_APPLICABLE and reason in lag.reason


def test_silence_has_no_lag(arrays: Any, score: Any, world: Any) -> None:
    prompt, take = world("speech", 0)
    lag = score("lip_envelope", arrays(take.frames, 0 * take.audio, take.sample_rate), prompt)["lip_envelope_lag"]
    assert lag.status is Status.NOT_APPLICABLE and "silent" in lag.reason
