"""Error rates of a clip: what is gated, what does not apply, what is missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avbench.details import pack
from avbench.errors import NotApplicable, Unscored, UsageError
from avbench.media.info import MediaInfo
from avbench.metrics._backbones import _checkpoint, whisper
from avbench.parts import Audio, Metric
from avbench.records import Clip, Prompt, Score, SpeechLine, Status
from avbench.registry import load

library = pytest.importorskip("whisper", reason="the extra paper is not installed")
torch = pytest.importorskip("torch")

RATE = 16_000
FRAMES = np.zeros((50, 16, 16, 3), np.uint8)
ENGLISH = Prompt("p", speech=(SpeechLine("The kettle whistles"), SpeechLine("before the rain begins.")))
CHINESE = Prompt("p", speech=(SpeechLine("今天下午我们去湖边散步。", "zh"),))


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path))
    _checkpoint._opened.cache_clear()


@pytest.fixture(scope="module")
def voice(shared: Path) -> NDArray[np.float32]:
    import soundfile  # type: ignore[import-untyped]
    import soxr

    samples, rate = soundfile.read(shared / "media" / "jfk.flac", dtype="float32")
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    return np.asarray(soxr.resample(mono[: 3 * rate], rate, RATE), np.float32)


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_silence_is_all_deletions_without_asking_whisper(arrays: Any, score: Any, level: float) -> None:
    noise = level * np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    answer = score("wer", arrays(FRAMES, noise, RATE), ENGLISH)
    assert answer["wer"] == answer["cer"] == 1.0
    assert answer["wer_zh_char"].status is Status.NOT_APPLICABLE
    answer = score("wer", arrays(FRAMES, noise, RATE), CHINESE)
    assert answer["cer"] == answer["wer_zh_char"] == answer["wer_zh_whitespace"] == 1.0
    assert answer["wer"].status is Status.NOT_APPLICABLE


@pytest.mark.usefixtures("no_weights")
def test_speech_without_whisper_is_unscored(arrays: Any, score: Any, voice: NDArray[np.float32]) -> None:
    answer = score("wer", arrays(FRAMES, voice, RATE), ENGLISH)
    for column in ("wer", "cer"):
        assert answer[column].status is Status.UNSCORED
        assert re.match("needs weights .*weights pull whisper_large_v3", answer[column].reason)
    assert answer["wer_zh_char"].status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("speech", "reason"),
    [
        ((), "asks for no speech"),
        ((SpeechLine("Hello"), SpeechLine("你好", "zh")), "in en and zh"),
        ((SpeechLine("Bonjour", "fr"),), "language fr"),
        ((SpeechLine("(sobs)"), SpeechLine("[sighs]")), "no words"),
    ],
)
def test_not_applicable(arrays: Any, score: Any, speech: tuple[SpeechLine, ...], reason: str) -> None:
    with pytest.raises(NotApplicable, match=reason):
        score("wer", arrays(FRAMES, np.zeros(RATE, np.float32), RATE), Prompt("p", speech=speech))


def test_no_audio_stream_does_not_apply(arrays: Any, score: Any) -> None:
    with pytest.raises(NotApplicable, match="no audio"):
        score("wer", arrays(FRAMES, np.zeros(0, np.float32), RATE), ENGLISH)


def test_a_perfect_and_a_repeating_transcript(arrays: Any, score: Any, voice: NDArray[np.float32]) -> None:
    """The counting is the metric's; the transcript is put where Whisper's would be."""
    features = arrays(FRAMES, voice, RATE)
    heard = features[whisper.Whisper()]
    for text, rate in (("the kettle WHISTLES before the rain begins", 0.0), ("The kettle. " * 7, 11 / 7)):
        heard._heard["en"] = whisper.Transcript(text, "en", 0.0, 0.0)
        assert score("wer", features, ENGLISH)["wer"] == pytest.approx(rate)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Whisper with random weights, in the official layout."""
    dims = {"n_mels": 128, "n_audio_ctx": 1500, "n_audio_state": 64, "n_audio_head": 1, "n_audio_layer": 1}
    dims |= {"n_vocab": 51866, "n_text_ctx": 24, "n_text_state": 64, "n_text_head": 1, "n_text_layer": 1}
    torch.manual_seed(0)
    state = library.model.Whisper(library.model.ModelDimensions(**dims)).state_dict()
    state = {name: torch.randn_like(value) * 0.3 for name, value in state.items()}
    path = tmp_path_factory.mktemp("whisper") / "large-v3.pt"
    torch.save({"dims": dims, "model_state_dict": state}, path)
    return path


def test_transcripts_repeat_and_follow_the_language(checkpoint: Path, voice: NDArray[np.float32]) -> None:
    model = whisper.load(checkpoint)
    first = whisper.transcribe(model, voice, "en")
    assert first == whisper.transcribe(model, voice, "en")
    assert first.text
    assert first.text != whisper.transcribe(model, voice, "zh").text
    assert -100 < first.log_probability < 0 <= first.no_speech_probability <= 1
    assert whisper.transcribe(model, voice, "en", beam=1).log_probability != first.log_probability


def test_what_the_cache_keeps_of_the_sound_is_the_same_to_the_bit() -> None:
    noise = np.random.default_rng(0).normal(0, [[1e-5], [1.0]], (2, RATE)).ravel().astype(np.float32)
    backbone = whisper.Whisper()
    speech = backbone.extract(Audio(noise, RATE, 0.0), MediaInfo(Path("a"), "wav", None, None))
    assert backbone.unpack(backbone.pack(speech)).samples.tobytes() == speech.samples.tobytes()


def test_every_window_is_kept(checkpoint: Path, voice: NDArray[np.float32]) -> None:
    model = whisper.load(checkpoint)
    window = np.pad(voice, (RATE, 26 * RATE))
    once, twice = (whisper.transcribe(model, np.tile(window, n), "en") for n in (1, 2))
    assert twice.text == once.text * 2
    assert twice.log_probability == pytest.approx(once.log_probability, abs=1e-4)


def test_a_speech_is_transcribed_once_a_language(
    checkpoint: Path, voice: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []

    def locate(id: str) -> Path:
        loads.append(id)
        return checkpoint

    monkeypatch.setattr(_checkpoint, "locate", locate)
    _checkpoint._opened.cache_clear()
    speech = whisper.Speech(voice)
    assert speech.transcript("en") is speech.transcript("en")
    assert speech.transcript("zh").language == "zh"
    assert loads == ["whisper_large_v3"] * 2
    _checkpoint._opened.cache_clear()


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "large-v3.pt"
    for content in (b"", b"not a checkpoint"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"large-v3\.pt: do not fit Whisper"):
            whisper.load(path)
    torch.save({"model_state_dict": {}}, path)
    with pytest.raises(UsageError, match="do not fit Whisper"):
        whisper.load(path)


def test_sixteen_bits() -> None:
    samples = np.array([-2, -1, -0.5 / 32768, 0, 0.4 / 32768, 1 / 32768, 1], np.float32)
    assert (whisper.quantised(samples) * 32768).tolist() == [-32768, -32768, 0, 0, 0, 1, 32767]


def test_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from avbench.metrics._backbones._paper import library as import_library

    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(Unscored, match=r"^needs extra paper .*pip install 'avbench\[paper\]'"):
        import_library("jiwer")


def test_the_facts_behind_a_rate(arrays: Any, voice: NDArray[np.float32]) -> None:
    features = arrays(FRAMES, voice, RATE)
    heard = features[whisper.Whisper()]
    heard._heard["en"] = whisper.Transcript("The Kettle, whistles!", "en", -0.5, 0.1)
    answer = load(Metric, "wer")().score(Clip(Path("p"), ENGLISH, "m"), features)
    wer, cer = answer["wer"], answer["cer"]
    assert isinstance(wer, Score) and isinstance(cer, Score) and wer.detail and cer.detail
    pack(wer.detail)
    assert (wer.value, wer.detail["hits"], wer.detail["deletions"]) == (4 / 7, 3, 4)
    assert wer.detail["asked"] == "The kettle whistles before the rain begins."
    assert (wer.detail["heard"], wer.detail["hypothesis"]) == ("The Kettle, whistles!", "the kettle whistles")
    assert cer.detail["text_handling"] == "cer_whisper_english" and "asked" not in cer.detail  # told once
