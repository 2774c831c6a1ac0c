"""Columns by the world's own scorers: what they need, what they refuse, and what the shipped weights tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avbench.errors import NotApplicable
from avbench.metrics._backbones import domain, world_space
from avbench.metrics._backbones.transcript import Transcript
from avbench.metrics._backbones.world_ear import WorldEar
from avbench.metrics._backbones.world_space_net import Space, SpaceConfig
from avbench.parts import Frames, Metric, VideoExtractor
from avbench.records import Prompt, SpeechLine, Status
from avbench.registry import load
from avbench.world.render import render
from avbench.world.speech import library

RATE = 16_000
FRAMES = np.zeros((50, 16, 16, 3), np.uint8)
ENGLISH = Prompt("p", speech=(SpeechLine("The kettle’s old."), SpeechLine("Buy another!")))
CHINESE = Prompt("p", speech=(SpeechLine("他在公园。", "zh"),))
needs_espeak = pytest.mark.skipif(library() is None, reason="no espeak-ng: pip install 'avbench[world]'")


@pytest.fixture(autouse=True)
def of_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """These arrays are no pictures of the world; whether a clip is, tests/metrics/test_scorer_training.py asks."""
    monkeypatch.setattr(domain.WorldLook, "open", lambda self, info: _Familiar())


class _Familiar(VideoExtractor[float]):
    def push(self, frames: Frames) -> None: ...

    def finish(self) -> float:
        return 1.0


@pytest.fixture(scope="module")
def voice() -> Any:
    prompt = Prompt("v", speech=(SpeechLine("The kettle is old"),), tags=("speaker:ana", "place:plain"))
    return render(prompt, 0, stills=()).audio


def test_world_and_official_columns_have_one_name_and_two_backends() -> None:
    for official in ("wer", "imagebind", "javis_score"):
        theirs, ours = load(Metric, official), load(Metric, f"{official}_world")
        assert {column.name for column in ours.columns} <= {column.name for column in theirs.columns}
        assert ours.backend == "world-1" != theirs.backend
        assert ours.core and not theirs.core, "the weights ship"


@needs_espeak
def test_rates_by_letters_and_by_pinyin(arrays: Any, score: Any, voice: Any) -> None:
    """The counting is the metric's; the transcript is put where the recogniser's would be."""
    features = arrays(FRAMES, voice, RATE)
    heard = features[WorldEar()]._heard
    heard["en"] = Transcript("the kettle's cold buy another", "en", 0.0)
    answer = score("wer_world", features, ENGLISH)
    assert answer["wer"] == pytest.approx(1 / 5)
    assert answer["cer"] == pytest.approx(1 / 28)
    assert answer["wer_zh_char"].status is Status.NOT_APPLICABLE
    heard["zh"] = Transcript("ta1 zai4 gong1 yuan4", "zh", 0.0)
    answer = score("wer_world", features, CHINESE)
    assert answer["cer"] == answer["wer_zh_char"] == pytest.approx(1 / 4)
    assert answer["wer"].status is Status.NOT_APPLICABLE


@needs_espeak
def test_digits_are_refused(arrays: Any, score: Any, voice: Any) -> None:
    features = arrays(FRAMES, voice, RATE)
    features[WorldEar()]._heard["en"] = Transcript("it is five", "en", 0.0)
    answer = score("wer_world", features, Prompt("p", speech=(SpeechLine("It is 5."),)))
    assert answer["wer"].status is Status.UNSCORED and "digits" in answer["wer"].reason


def test_silence_and_other_languages(arrays: Any, score: Any) -> None:
    features = arrays(FRAMES, np.zeros(2 * RATE, np.float32), RATE)
    assert score("wer_world", features, ENGLISH)["wer"] == 1.0
    with pytest.raises(NotApplicable, match="language fr"):
        score("wer_world", features, Prompt("p", speech=(SpeechLine("Bonjour", "fr"),)))


def test_cosines_are_those_of_the_towers(arrays: Any, score: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Space(SpaceConfig(out=16, width=16, picture=4, sound=16)).eval().requires_grad_(False)
    monkeypatch.setattr(world_space, "_network", lambda: net)
    frames = np.random.default_rng(0).integers(0, 255, (50, 64, 64, 3), dtype=np.uint8)
    sound = np.random.default_rng(1).standard_normal(2 * RATE).astype(np.float32) * 0.1
    features = arrays(frames, sound, RATE)
    answer = score("imagebind_world", features, Prompt("p", video_caption="A dog", audio_caption=""))
    video, audio = features[world_space.WorldVideo()], features[world_space.WorldAudio()]
    assert answer["ib_av"] == pytest.approx(float(video @ audio), abs=1e-5)
    assert answer["ib_tv"] == pytest.approx(float(video @ world_space.read("A dog")), abs=1e-5)
    assert answer["ib_ta"] == pytest.approx(float(audio @ world_space.read("A dog")), abs=1e-5)
    answer = score("imagebind_world", features, Prompt("p", video_caption="A dog", audio_caption="barking"))
    assert answer["ib_ta"] == pytest.approx(float(audio @ world_space.read("barking")), abs=1e-5)
    answer = score("imagebind_world", features, Prompt("p"))
    assert answer["ib_ta"].status is Status.NOT_APPLICABLE and "no caption" in answer["ib_ta"].reason
    answer = score("javis_score_world", features)
    each = features[world_space.WorldFrames()]
    assert each.shape == (50, 16)
    assert answer["avh_score"] == pytest.approx((each @ audio).mean(), abs=1e-5)
    assert answer["javis_score"] <= answer["avh_score"]
