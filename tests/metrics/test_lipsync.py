"""LSE-C, LSE-D and offsets: the chain from a file to the columns, and every reason for having no number."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from avbench import weights
from avbench.details import pack
from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.metrics import _lipsync_tower as tower
from avbench.metrics._backbones import s3fd, syncnet
from avbench.metrics._backbones._checkpoint import network
from avbench.metrics._lipsync_clip import TrackSync, clip_sync
from avbench.metrics._lipsync_crop import crops
from avbench.metrics._lipsync_score import sync
from avbench.metrics._lipsync_studio import Rule, TalkingFace
from avbench.metrics._lipsync_track import PRESETS, Track
from avbench.metrics.lipsync import LipSync
from avbench.parts import Features, Frames, VideoBackbone, VideoExtractor, VideoView
from avbench.records import Clip, Prompt, Score, SpeechLine, Status

DIM = 1024
SPEECH = Prompt("p", speech=(SpeechLine("hello"),))


class Found(Features):
    """Features that are there already; exceptions are raised."""

    def __init__(self, faces: object, voice: object) -> None:
        self.info = MediaInfo(Path("clip"), "array", None, None)
        self._found = {tower.LipTower(): faces, tower.VoiceTrack(): voice}

    def __getitem__(self, backbone: Any) -> Any:
        found = self._found[backbone]
        if isinstance(found, Exception):
            raise found
        return found


def _score(faces: object, voice: object = None, prompt: Prompt = SPEECH) -> dict[str, float | Score]:
    answer = LipSync().score(Clip(Path("clip"), prompt, "model"), Found(faces, voice))
    assert list(answer) == [column.name for column in LipSync.columns]
    score = answer["lse_c"]
    assert isinstance(score, Score) and score.detail
    pack(score.detail)  # can be kept
    return {**answer, "lse_c": score if score.value is None else score.value}


def _faces(seen: int, longest: int = 0, size: float = 0.0, frames: int = 125) -> tower.TalkingFaces:
    return tower.TalkingFaces(dict.fromkeys(tower.RULES, ()), frames, 0.0, seen, longest, size)


def _reason(score: float | Score, status: Status) -> str:
    assert isinstance(score, Score)
    assert (score.status, score.value) == (status, None)
    return score.reason


@pytest.mark.parametrize(
    ("faces", "reason"),
    [
        (_faces(0), "no_face: none in 125 frames"),
        (_faces(125, 125, 64.0), "face_too_small: 64 px, more than 100 needed"),
        (_faces(60, 60, 200.0), "track_too_short: the longest face track has 60 detections in 125 frames"),
    ],
)
def test_without_a_track_there_is_a_reason_and_coverage(faces: tower.TalkingFaces, reason: str) -> None:
    answer = _score(faces)
    assert reason in _reason(answer["lse_c"], Status.UNSCORED)
    assert reason in _reason(answer["lse_d_reference"], Status.UNSCORED)
    assert answer["lse_face_ratio"] == faces.seen / 125


def test_clips_that_the_metric_is_not_for() -> None:
    with pytest.raises(NotApplicable, match="too_short: 20 frames at 25 fps, at least 21"):
        _score(_faces(20, 20, 200, frames=20))
    with pytest.raises(NotApplicable, match="no audio"):
        _score(_faces(125, 125, 200), NotApplicable("no audio stream"))
    with pytest.raises(NotApplicable, match="off screen"):
        _score(_faces(0), prompt=Prompt("p", off_screen=True, speech=SPEECH.speech))
    with pytest.raises(NotApplicable, match="no speech"):
        _score(_faces(0), prompt=Prompt("p", video_caption="rain"))


def test_two_faces_and_which_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second face moves with the voice, three frames late: the sound is early by 3, and its track is chosen."""
    rng = np.random.default_rng(0)
    voice = rng.standard_normal((120, DIM)).astype(np.float32)
    stranger = rng.standard_normal((120, DIM)).astype(np.float32)
    talker = np.roll(voice, 3, axis=0)
    box = np.tile([0.0, 0, 200, 200], (125, 1))
    both = (TalkingFace(Track(0, box, 125), (stranger,)), TalkingFace(Track(0, box + 300, 125), (talker,)))
    faces = tower.TalkingFaces(dict.fromkeys(tower.RULES, both), 125, 0.0, 125, 125, 200.0)
    monkeypatch.setattr("avbench.metrics.lipsync.speech", lambda samples, frames: voice)
    heard = tower.Voice(np.zeros(80_000, np.int16), 0.0)
    answer = _score(faces, heard)
    expected = [sync(lip, voice) for lip in (stranger, talker)]
    assert answer["lse_offset"] == 3
    assert (answer["lse_tracks"], answer["lse_windows"], answer["lse_min_track"]) == (2, 120, 100)
    assert answer["lse_d"] == answer["lse_d_mova"] == pytest.approx(expected[1].distance)
    for name in ("reference", "latentsync"):
        assert answer[f"lse_c_{name}"] == pytest.approx(np.mean([found.confidence for found in expected]))
    assert answer["lse_c_mochabench"] == pytest.approx(expected[1].confidence)
    lse_c = LipSync().score(Clip(Path("clip"), SPEECH, "model"), Found(faces, heard))["lse_c"]
    assert isinstance(lse_c, Score) and lse_c.detail
    tracks: Any = lse_c.detail["tracks"]
    assert [track["offset"] for track in tracks] == [found.offset for found in expected]
    for track, found in zip(tracks, expected, strict=True):
        assert min(track["curve"]) == pytest.approx(track["distance"], abs=1e-3)
        assert np.mean(track["distances"]) == pytest.approx(found.distance, abs=1e-3)
    assert tracks[1]["box"] == [300, 300, 500, 500]


@pytest.fixture
def faces_in_the_light(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the networks: a face of 200 px in every bright frame, embeddings at random."""
    box, rng = np.array([[100.0, 50, 300, 290, 0.99]]), np.random.default_rng(0)

    def detect(net: object, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.float64]]:
        return [box if frame.mean() > 60 else np.zeros((0, 5)) for frame in frames]

    def embed(net: object, given: NDArray[Any], count: int) -> NDArray[np.float32]:
        return rng.standard_normal((count, DIM)).astype(np.float32)

    monkeypatch.setattr(tower, "network", lambda load, id: None)
    monkeypatch.setattr(s3fd, "detect", detect)
    monkeypatch.setattr(syncnet, "embed_lip", embed)
    monkeypatch.setattr(syncnet, "embed_audio", embed)


@pytest.mark.usefixtures("faces_in_the_light")
@pytest.mark.parametrize("lit", [range(62), [*range(30), *range(60, 92)]], ids=["first half", "in and out"])
def test_a_face_in_half_of_the_frames(lit: Any) -> None:
    """Coverage is a score; the presets that want a longer track say why there is none; the one chosen is on record."""
    pytest.importorskip("scenedetect", reason="the extra paper is not installed")
    frames = np.zeros((125, 36, 40, 3), np.uint8)
    frames[list(lit)] = 90
    extractor = tower.LipTower().open(MediaInfo(Path("clip"), "array", None, None))
    for start in range(0, 125, 16):
        part = frames[start : start + 16].repeat(10, 1).repeat(10, 2)
        extractor.push(Frames(part, (start + np.arange(len(part))) / 25))
    answer = _score(extractor.finish(), tower.Voice(np.ones(80_000, np.int16), 0.0))
    longest = 62 if lit == range(62) else 32
    assert answer["lse_face_ratio"] == 62 / 125
    assert f"the longest face track has {longest} detections in 125" in _reason(
        answer["lse_c_reference"], Status.UNSCORED
    )
    assert isinstance(answer["lse_c_mova"], float)
    assert isinstance(answer["lse_c_latentsync"], float) == (longest > 50)


def test_items_of_a_clip_become_their_mean() -> None:
    records = [
        TrackSync(Track(0, np.zeros((9, 4)), 9), sync(lip, lip))
        for lip in np.random.default_rng(1).random((2, 40, 8), np.float32)
    ]
    mean = clip_sync(records, PRESETS["reference"])
    assert mean.offset is None
    assert mean.confidence == pytest.approx(np.mean([record.sync.confidence for record in records]))


def test_voice_beside_a_face() -> None:
    voice = tower.Voice(np.arange(1, 16_001, dtype=np.int16), start=0.1)
    assert voice.beside(0.1, 2).tolist() == list(range(1, 1281))
    early = voice.beside(0.08, 1)
    assert (early[:320] == 0).all()
    assert early[320:].tolist() == list(range(1, 321))
    assert len(voice.beside(1.05, 25)) == 800
    assert len(voice.beside(2.0, 25)) == 0


def test_a_cut_is_found_at_its_threshold() -> None:
    pytest.importorskip("scenedetect", reason="the extra paper is not installed")
    shots = tower.Shots((27, 30))
    dark, bright = np.zeros((48, 64, 3), np.uint8), np.full((48, 64, 3), 86, np.uint8)
    found = [shots.cuts(bright if slot >= 20 else dark, slot) for slot in range(40)]
    assert [slot for slot, cuts in enumerate(found) if cuts] == [20]
    assert found[20] == {27}


def test_missing_weights_name_the_command(weights_home: Path) -> None:
    with pytest.raises(Unscored, match='needs weights "s3fd"; run avbench weights pull s3fd'):
        tower.LipTower().open(MediaInfo(Path("clip"), "array", None, None))


def test_weights_that_are_not_official_are_refused(weights_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVBENCH_ALLOW_UNVERIFIED")
    (weights_home / "sfd_face.pth").write_bytes(b"truncated")
    with pytest.raises(Unscored, match="2bdf053a994371d57f6f535cb2682dc3e2990e89"):
        tower.LipTower().open(MediaInfo(Path("clip"), "array", None, None))


class _Bomb:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return Path.touch, (Path("exploded"),)  # type: ignore[return-value]


def test_code_in_weights_is_never_run(weights_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"vgg.0.weight": _Bomb()}, weights_home / "sfd_face.pth")
    with pytest.raises(Unscored, match="not readable as plain tensors"):
        tower.LipTower().open(MediaInfo(Path("clip"), "array", None, None))
    assert not (tmp_path / "exploded").exists()


@dataclass(frozen=True)
class Keep(VideoBackbone[list[NDArray[np.uint8]]]):
    """All frames, for the comparison with what never holds them."""

    view = VideoView()

    def open(self, info: MediaInfo) -> VideoExtractor[list[NDArray[np.uint8]]]:
        return _Keeper()


class _Keeper(VideoExtractor[list[NDArray[np.uint8]]]):
    def __init__(self) -> None:
        self.frames: list[NDArray[np.uint8]] = []

    def push(self, frames: Frames) -> None:
        self.frames += list(frames.data)

    def finish(self) -> list[NDArray[np.uint8]]:
        return self.frames


@pytest.mark.slow
def test_a_real_clip_equals_the_chain_over_all_of_its_frames(
    shared: Path, weights_home: Path, seeded_state: Callable[[str], Any], one_face: dict[str, torch.Tensor]
) -> None:
    state = seeded_state("lipsync/manifest_syncnet.json")
    state["netfclip.3.weight"] *= 0.08
    state["netfcaud.3.bias"] *= 100
    state["netfclip.3.bias"] = state["netfcaud.3.bias"].clone()
    torch.save(state, weights_home / "syncnet_v2.model")
    torch.save(one_face, weights_home / "sfd_face.pth")

    path = shared / "media" / "grid_sbwe5n.mpg"
    features = sweep(path, [*LipSync.needs, Keep()])
    answer = LipSync().score(Clip(path, Prompt("p"), "model"), features)

    frames, voice = features[Keep()], features[tower.VoiceTrack()]
    assert len(frames) == 75
    (face,) = features[tower.LipTower()].by_rule[Rule.of(PRESETS["mova"])]
    assert (face.track.start, face.track.detections, len(face.track.boxes)) == (0, 75, 75)
    few = s3fd.detect(network(s3fd.load, "s3fd"), frames[5:10])
    np.testing.assert_allclose(face.track.boxes[5:10], np.concatenate(few)[:, :4], atol=1e-2)
    assert np.ptp(face.track.boxes, axis=0).min() > 0
    net = network(syncnet.load, "syncnet_v2")
    samples = voice.beside(features[tower.LipTower()].start, 75)
    count = syncnet.windows(75, len(samples))
    np.testing.assert_allclose(face.lip[10:20], syncnet.embed_lip(net, crops(frames, face.track)[10:], 10), atol=2e-3)
    expected = sync(face.lip[:count], syncnet.embed_audio(net, samples, count))
    assert answer["lse_d"] == answer["lse_d_mova"] == pytest.approx(expected.distance, abs=1e-3)
    first = answer["lse_c"]
    assert isinstance(first, Score) and first.detail is not None
    assert first.value == answer["lse_c_latentsync"] == pytest.approx(expected.confidence, abs=1e-3)
    assert (answer["lse_offset"], answer["lse_windows"]) == (expected.offset, count)
    assert (answer["lse_min_track"], answer["lse_face_ratio"]) == (20, 1.0)
    assert "75 detections in 75 frames" in _reason(answer["lse_c_reference"], Status.UNSCORED)


@pytest.mark.slow
def test_without_weights_a_run_is_incomplete(avbench: Any, shared: Path) -> None:
    clips = avbench.folder / "clips"
    clips.mkdir()
    shutil.copy(shared / "media" / "grid_sbwe5n.mpg", clips / "b.mpg")
    result = avbench("score", clips, "--metrics", "lipsync", "--out", avbench.folder / "out", code=3)
    assert "unavailable here" in result.stderr
    scores = pd.read_parquet(avbench.folder / "out" / "scores.parquet")
    assert set(scores.status) == {"unscored"}
    assert set(scores.backend) == {"syncnet_v2"}
    assert set(scores.reason) == {'needs weights "s3fd"; run avbench weights pull s3fd'}


def test_unverified_weights_have_a_backend_of_their_own(weights_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.backend("syncnet_v2") == "syncnet_v2+unverified"
    monkeypatch.delenv(weights.ALLOW)
    assert weights.backend("syncnet_v2") == "syncnet_v2"
