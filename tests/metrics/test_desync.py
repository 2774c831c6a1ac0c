"""DeSync: from a file to seconds, through Synchformers of any size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from avbench.errors import NotApplicable, Unscored
from avbench.media.info import MediaInfo
from avbench.media.sweep import sweep
from avbench.metrics._backbones import synchformer_input as protocol
from avbench.metrics._backbones import synchformer_tower as tower
from avbench.metrics._backbones._synchformer_trunks import SynchformerConfig
from avbench.metrics._backbones._waves import mono
from avbench.metrics._backbones.synchformer import Synchformer
from avbench.metrics.desync import DeSync
from avbench.parts import Audio, AudioView, Features, Frames
from avbench.records import Clip, Prompt, Score, Status

CLIP = Clip(Path("clip"), Prompt("p"), "model")


class Found(Features):
    """Features that are there already."""

    def __init__(self, video: int, audio: int) -> None:
        self.info = MediaInfo(Path("clip"), "array", None, None)
        self._found = {
            tower.SynchformerVideo(): np.zeros((video, 8, 24), np.float32),
            tower.SynchformerAudio(): np.zeros((audio, 6, 24), np.float32),
        }

    def __getitem__(self, backbone: Any) -> Any:
        return self._found[backbone]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Synchformer]:
    """A Synchformer of the official shape with narrow layers."""
    torch.manual_seed(0)
    config = SynchformerConfig(dim=24, heads=2, blocks=1, head_blocks=1, head_heads=2)
    net = Synchformer(config).eval().requires_grad_(False)
    monkeypatch.setattr(tower, "official", lambda: net)
    yield net


def _answer(monkeypatch: pytest.MonkeyPatch, classes: list[int], segments: int) -> dict[str, float | Score]:
    """The columns where the network says `classes`, block by block."""
    logits = np.eye(21, dtype=np.float32)[classes]
    monkeypatch.setattr("avbench.metrics.desync.compare", lambda video, audio, picks: logits[: len(picks)])
    return dict(DeSync().score(CLIP, Found(segments, segments + 1)))


def _values(answer: dict[str, float | Score]) -> dict[str, float | None]:
    return {name: score.value if isinstance(score, Score) else score for name, score in answer.items()}


def _facts(score: float | Score) -> object:
    return score.detail if isinstance(score, Score) else None


def test_signs_and_aggregates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grid has steps of 0.2 s from -2 s."""
    answer = _answer(monkeypatch, [5, 20, 12], 30)  # -1.0, 2.0, 0.4
    expected = {"desync": 0.7, "desync_signed": -0.3, "desync_verse": -1.0, "desync_javis": (1.0 + 2.0 + 0.4) / 3}
    assert _values(answer) == pytest.approx(expected)
    blocks = [{"start": start, "offset": offset} for start, offset in ((0, -1.0), (4.48, 2.0), (5.12, 0.4))]
    facts = {"segments": 30, "blocks": [pytest.approx(block) for block in blocks]}
    assert _facts(answer["desync"]) == {**facts, "first": pytest.approx(-1.0), "last": pytest.approx(0.4)}


def test_one_block_counts_for_first_and_last(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _answer(monkeypatch, [13], 14)
    assert _values(answer) == pytest.approx(dict.fromkeys(answer, 0.6), abs=1e-6)


def test_short_clips_have_only_the_value_of_javisbench(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _answer(monkeypatch, [0], 13)
    assert _values(answer)["desync_javis"] == pytest.approx(2.0)
    assert _facts(answer["desync_javis"]) == {"segments": 13, "blocks": [{"start": 0.0, "offset": -2.0}]}
    for name in ("desync", "desync_signed", "desync_verse"):
        score = answer[name]
        assert isinstance(score, Score)
        assert (score.status, score.value) == (Status.NOT_APPLICABLE, None)
        assert "too_short: 13 segments, at least 14 (4.8 s)" in score.reason


def test_less_than_a_segment_is_too_short(small: Synchformer) -> None:
    extractor = tower.SynchformerVideo().open(MediaInfo(Path("clip"), "array", None, None))
    extractor.push(Frames(np.zeros((15, 32, 32, 3), np.uint8), np.arange(15) / 25))
    with pytest.raises(NotApplicable, match="too_short: 15 frames"):
        extractor.finish()
    with pytest.raises(NotApplicable, match=r"too_short: 0\.50 s of sound"):
        silence = Audio(np.zeros(8000, np.float32), 16_000, 0.0)
        tower.SynchformerAudio().extract(silence, MediaInfo(Path("clip"), "array", None, None))


def test_sound_that_starts_late_is_moved(small: Synchformer) -> None:
    """Half a second of silence in front, or a start half a second later: the same sound beside the same picture."""
    wave = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)
    info = MediaInfo(Path("clip"), "array", None, None)
    late = tower.SynchformerAudio().extract(Audio(wave, 16_000, 0.5), info)
    padded = tower.SynchformerAudio().extract(Audio(np.pad(wave, (8000, 0)), 16_000, 0.0), info)
    np.testing.assert_array_equal(late, padded)
    assert late.shape == (9, 6, 24)


@pytest.mark.slow
def test_a_real_clip_equals_the_protocol_over_all_of_its_frames(shared: Path, small: Synchformer) -> None:
    from avbench.parts import AudioBackbone, VideoBackbone, VideoExtractor, VideoView

    path = shared / "media" / "universe1_00000.mp4"

    class Keeper(VideoExtractor[NDArray[np.uint8]]):
        def __init__(self) -> None:
            self.frames: list[NDArray[np.uint8]] = []

        def push(self, frames: Frames) -> None:
            self.frames += list(frames.data)

        def finish(self) -> NDArray[np.uint8]:
            return np.stack(self.frames)

    class Keep(VideoBackbone[NDArray[np.uint8]]):
        view = VideoView()

        def open(self, info: MediaInfo) -> Keeper:
            return Keeper()

    class Hear(AudioBackbone[Audio]):
        view = AudioView()

        def extract(self, audio: Audio, info: MediaInfo) -> Audio:
            return audio

    keep, hear = Keep(), Hear()
    features = sweep(path, [*DeSync.needs, keep, hear])
    pixels = torch.cat([protocol.frames(features[keep][i : i + 8]) for i in range(0, 125, 8)])
    sound = features[hear]
    wave = mono(sound.samples[None], sound.rate, 16_000, remove_dc=False)
    with torch.inference_mode():
        video = small.video(protocol.video_segments(pixels)).numpy()
        audio = small.audio(protocol.audio_segments(wave)).numpy()
    assert len(video) == 14
    np.testing.assert_allclose(features[tower.SynchformerVideo()], video, atol=1e-5)
    np.testing.assert_allclose(features[tower.SynchformerAudio()], audio, atol=1e-5)
    expected = protocol.offsets(tower.compare(video, audio, protocol.first_and_last(14)))
    answer = _values(dict(DeSync().score(CLIP, features)))
    assert answer["desync"] == answer["desync_javis"] == pytest.approx(np.abs(expected).mean())


def test_missing_weights_name_the_command(weights_home: Path) -> None:
    with pytest.raises(Unscored, match="run avbench weights pull synchformer"):
        tower.SynchformerVideo().open(MediaInfo(Path("clip"), "array", None, None))
