"""Each guard against a clip with its fault, and a sound clip that trips none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.media.mux import write
from avbench.media.sweep import sweep
from avbench.metrics.guards import Guards, is_gap
from avbench.records import Sample, Score


def raised(answer: dict[str, float | Score]) -> set[str]:
    return {column.name for column in Guards.columns if column.guard and answer[column.name] == 1.0}


@pytest.mark.parametrize(
    ("suite", "index"), [("speech", 0), ("speech", 16), ("ambient", 8), ("ambient", 0), ("ambient", 20)]
)
def test_a_world_clip_trips_none(arrays: Any, score: Any, world: Any, suite: str, index: int) -> None:
    _, take = world(suite, index)
    answer = score("guards", arrays(take.frames, take.audio, take.sample_rate))
    assert raised(answer) == set()
    assert answer["av_gap_seconds"] == pytest.approx(0.0, abs=0.01)


def test_each_fault_trips_its_guard(arrays: Any, score: Any, world: Any) -> None:
    _, take = world("speech", 0)
    frames, sound, rate = take.frames, take.audio, take.sample_rate
    frozen = np.repeat(frames[:1], len(frames), axis=0)
    faults = {
        "silent": arrays(frames, 0 * sound, rate),
        "frozen": arrays(frozen, sound, rate),
        "av_duration_gap": arrays(frames, sound[: len(sound) * 4 // 5], rate),
        "too_short": arrays(frames[:20], sound[: 20 * rate // 25], rate),
        "clipped": arrays(frames, np.clip(sound * 6, -1, 1), rate),
        "dc_offset": arrays(frames, sound * 0.5 + np.float32(0.1), rate),
        "corrupt": arrays(frames, np.where(np.arange(len(sound)) == 9, np.nan, sound).astype(np.float32), rate),
    }
    assert {name: raised(score("guards", features)) for name, features in faults.items()} == {
        name: {name} for name in faults
    }
    assert raised(score("guards", arrays(0 * frames, sound, rate))) == {"black", "frozen"}
    assert raised(score("guards", arrays(frames, sound[:0], rate))) == {"silent"}


def test_what_the_decoder_counted(arrays: Any, score: Any, world: Any) -> None:
    _, take = world("speech", 0)
    features = arrays(take.frames, take.audio, take.sample_rate)
    whole = features.info
    features.info = replace(whole, corrupt_frames=3)
    assert raised(score("guards", features)) == {"corrupt"}
    features.info = replace(whole, decoded_frames=68)
    assert raised(score("guards", features)) == {"truncated"}


def test_one_frame_is_too_few_to_be_frozen(arrays: Any, score: Any, world: Any) -> None:
    _, take = world("speech", 0)
    answer = score("guards", arrays(take.frames[:1], take.audio[20_000:20_640], take.sample_rate))
    assert isinstance(answer["frozen"], Score) and "at least 2" in answer["frozen"].reason
    assert raised(answer) == {"too_short"}


@pytest.mark.parametrize(
    ("video", "audio", "gap"), [(4.0, 4.0, False), (4.0, 4.3, False), (4.0, 4.5, True), (1.0, 1.15, False)]
)
def test_gap_needs_seconds_and_share(video: float, audio: float, gap: bool) -> None:
    assert is_gap(video, audio) is gap is is_gap(audio, video)


def test_files_trip_the_same_guards(tmp_path: Path, score: Any, world: Any) -> None:
    """Through the encoders and the decoder: a muted, a frozen and a sound clip."""
    _, take = world("speech", 0)
    frozen = np.repeat(take.frames[:1], len(take.frames), axis=0)
    found = {}
    for name, frames, sound in (
        ("sound", take.frames, take.audio),
        ("muted", take.frames, 0 * take.audio),
        ("frozen", frozen, take.audio),
        ("black", 0 * take.frames, take.audio),
        ("mute", take.frames, take.audio[:0]),
    ):
        path = tmp_path / f"{name}.mp4"
        write(path, Sample(frames, take.fps, sound, take.sample_rate))
        found[name] = raised(score("guards", sweep(path, Guards.needs)))
    assert found == {
        "sound": set(),
        "muted": {"silent"},
        "frozen": {"frozen"},
        "black": {"frozen", "black"},
        "mute": {"silent"},
    }


def test_real_clips_trip_none(shared: Path, score: Any) -> None:
    for name in ("grid_sbwe5n.mpg", "universe1_00041.mp4"):
        assert raised(score("guards", sweep(shared / "media" / name, Guards.needs))) == set(), name
