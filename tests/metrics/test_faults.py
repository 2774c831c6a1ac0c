"""World clips with controlled faults, written to files and read back: each metric answers to its own fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.parts import Metric
from avbench.records import Sample, Score, Status
from avbench.registry import load
from avbench.world import faults
from avbench.world.truth import Take

FRAME = 1 / 25
Answers = Callable[[Take, str], dict[str, Any]]


@pytest.fixture
def answer(tmp_path: Path, score: Any, world: Any) -> Answers:
    """`answer(take, metric)`: the metric of the take written as a lossy clip and read back."""

    def run(take: Take, name: str) -> dict[str, Any]:
        path = tmp_path / "clip.mp4"
        write(path, Sample(take.frames, take.fps, take.audio, take.sample_rate))
        prompt, _ = world("speech", 0)
        found: dict[str, Any] = score(name, sweep(path, load(Metric, name).needs), prompt)
        return found

    return run


@pytest.mark.parametrize("frames", [-8, 0, 8])
def test_shifted_sound_moves_the_lags(answer: Answers, world: Any, frames: int) -> None:
    seconds = frames * FRAME
    _, talker = world("speech", 0)
    _, drum = world("ambient", 8)
    lips = answer(faults.shift_audio(talker, seconds), "lip_envelope")["lip_envelope_lag"]
    onset = answer(faults.shift_audio(drum, seconds), "onset_offset")["onset_offset"]
    assert lips == pytest.approx(seconds, abs=1.2 * FRAME)
    assert onset == pytest.approx(seconds, abs=0.15)  # the stick moves before and after it strikes


def test_the_longer_frozen_the_less_moves(answer: Answers, world: Any) -> None:
    _, take = world("speech", 0)
    clips = [faults.freeze(take, start) for start in (4.04, 2.0, 1.0, 0.0)]
    flow = [answer(clip, "motion_flow")["motion_flow"] for clip in clips]
    flicker = [answer(clip, "temporal_flickering")["temporal_flickering"] for clip in clips]
    flags = [answer(clip, "guards")["frozen"] for clip in clips]
    assert flow == sorted(flow, reverse=True)
    assert flicker == sorted(flicker)
    assert flags == sorted(flags) and flags[0] == 0.0 and flags[-1] == 1.0


def test_hiss_hides_the_voice_and_widens_the_band(answer: Answers, world: Any) -> None:
    _, take = world("speech", 0)
    clips = [take, *(faults.noise(take, snr) for snr in (10.0, 0.0, -10.0))]
    follows = [answer(clip, "lip_envelope")["lip_envelope_corr"] for clip in clips]
    band = [answer(clip, "bandwidth")["bandwidth_hz"] for clip in clips]
    assert follows == sorted(follows, reverse=True)
    assert band == sorted(band)


def test_a_muted_clip_is_flagged_and_has_no_sync(answer: Answers, world: Any) -> None:
    _, take = world("speech", 0)
    muted = faults.mute(take)
    assert answer(muted, "guards")["silent"] == 1.0
    assert answer(muted, "audio_levels")["silence_ratio"] == 1.0
    lag = answer(muted, "lip_envelope")["lip_envelope_lag"]
    assert isinstance(lag, Score) and lag.status is Status.NOT_APPLICABLE


def test_another_voice_follows_less(answer: Answers, world: Any) -> None:
    _, take = world("speech", 0)
    own = answer(take, "lip_envelope")["lip_envelope_corr"]
    others = [
        answer(faults.swap_audio(take, world("speech", index)[1]), "lip_envelope")["lip_envelope_corr"]
        for index in (4, 16, 32)
    ]
    assert max(others) < own


def test_dropped_words_leave_silence(answer: Answers, world: Any) -> None:
    _, take = world("speech", 0)
    ratios = [
        answer(faults.drop_words(take, range(count)), "speech_ratio")["speech_ratio"]
        for count in (0, len(take.truth.words) // 2, len(take.truth.words))
    ]
    assert ratios[0] > ratios[1] > ratios[2]
