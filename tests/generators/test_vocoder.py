"""The vocoder: what it restores of a voice, whose it is, and that its training goes on where it stopped."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from avbench.errors import UsageError
from avbench.generators._decoders.vocoder import NANO, PRESETS, VocoderDecoder, VocoderTraining, build
from avbench.generators._joint import data
from avbench.generators._joint import vocoder as voc
from avbench.generators._joint.codec import AudioCodec
from avbench.generators._joint.presets import PRESETS as SYSTEMS
from avbench.generators._joint.spectrum import BINS, griffin_lim, magnitudes, mel_of, widened
from avbench.generators._joint.weights import load
from avbench.generators.harmony import Harmony
from avbench.world import speech
from avbench.world.speakers import SPEAKERS
from avbench.world.speech import say

needs_espeak = pytest.mark.skipif(speech.library() is None, reason="needs espeak-ng")
TOKENS = 127


@pytest.fixture(scope="module")
def codec() -> AudioCodec:
    return load(Harmony.shipped()).codecs.audio


def voice(name: str) -> Tensor:
    said = say("Seven quiet rivers run under the old stone bridge.", "en", SPEAKERS[name], 5, 4.04).audio
    return torch.from_numpy(np.asarray(said, np.float32))[None]


def pitch(audio: Tensor) -> float:
    librosa = pytest.importorskip("librosa")
    f0, voiced, _ = librosa.pyin(audio[0].double().numpy(), fmin=60, fmax=400, sr=16_000, frame_length=1024)
    return float(np.median(f0[voiced])) if voiced.any() else float("nan")


def test_magnitudes_are_what_the_mel_spectrum_is_of() -> None:
    audio = 0.1 * torch.randn(1, 16384, generator=torch.Generator().manual_seed(0))
    exact = magnitudes(audio, 64)
    assert exact.shape == (1, BINS, 64)
    mel = mel_of(exact)
    torch.testing.assert_close(mel_of(widened(mel)), mel, atol=0.05, rtol=0)
    assert float((mel_of(magnitudes(griffin_lim(exact, 16384), 64)) - mel).abs().mean()) < 0.05


@needs_espeak
def test_it_restores_what_the_codec_left_out(codec: AudioCodec) -> None:
    """In a sentence that it never heard: the spectrum's fine structure, and with it the pitch."""
    plain: list[float] = []
    restored: list[float] = []
    pitches: list[float] = []
    for name in ("ana", "bruno", "fay", "karim"):
        audio = voice(name)
        true = magnitudes(audio, 2 * TOKENS)
        latents = codec.encode(audio, TOKENS)
        loud = true > true.amax() / 100
        mel = codec.mel(latents)
        for magnitude, found in ((widened(mel), plain), (voc.vocoder("cpu")(mel), restored)):
            found.append(float((magnitude.clamp_min(1e-5) / true).log10().abs()[loud].mean()))
        heard = codec.decode(latents, audio.shape[1], voc.vocoder("cpu"))
        assert heard.shape == audio.shape
        pitches.append(abs(12 * np.log2(pitch(heard) / pitch(audio))))
    assert np.mean(restored) < 0.6 * np.mean(plain)
    assert np.median(pitches) < 0.6  # semitones


def test_a_users_own_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path))
    shipped, before = voc.found(), voc.digest()
    own = tmp_path / "weights" / voc.FILE
    own.parent.mkdir()
    shutil.copy(shipped, own)
    assert voc.found() == own and voc.digest() == before
    own.write_bytes(own.read_bytes()[:1000])
    assert voc.digest() != before
    with pytest.raises(UsageError, match="no vocoder that avbench train vocoder wrote"):
        voc.vocoder("cpu")


def test_a_run_knows_what_its_sounds_were_made_by() -> None:
    with_it, without = Harmony(), Harmony(config=replace(SYSTEMS["harmony"]["tiny"].sample, vocoder="griffin_lim"))
    assert with_it.settings()["vocoder"] == voc.digest()
    assert without.settings()["vocoder"] == "griffin_lim"
    with pytest.raises(UsageError, match="vocoder is 'hifigan'; known: trained, griffin_lim"):
        replace(with_it.config, vocoder="hifigan")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones and noise in the layout of `build`."""
    folder, rng = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0)
    time = np.arange(20_000) / 16_000
    waves = [np.sin(2 * np.pi * rng.uniform(80, 400) * time) * 8000 + rng.normal(0, 50, len(time)) for _ in range(64)]
    np.save(folder / "sounds_0000.npy", np.stack(waves).astype(np.int16))
    return folder


def test_stopped_and_resumed_equals_whole(codec: AudioCodec, sounds: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    preset = replace(NANO, frames=16)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = VocoderTraining(preset, codec, sounds, tmp_path / "whole").run(4)
        first = VocoderTraining(preset, codec, sounds, tmp_path / "first")
        first.out.mkdir()
        first.advance(4)
        first.advance(4)
        first.save()
        again = VocoderTraining(preset, codec, sounds, tmp_path / "first")
        again.resume()
        assert again.step == 2
        one, other = load_file(whole), load_file(again.run(4))
        assert one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)
    finally:
        torch.set_num_threads(threads)


def test_it_learns(codec: AudioCodec, sounds: Path, tmp_path: Path) -> None:
    training = VocoderTraining(replace(NANO, frames=16, warmup=1, width=32), codec, sounds, tmp_path)
    losses = [float(training.advance(400)["loss"]) for _ in range(40)]
    assert np.mean(losses[-8:]) < 0.6 * np.mean(losses[:8])


@needs_espeak
def test_what_is_missing_is_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "SHARD", 2)
    build(tmp_path, 4, 0)
    second = tmp_path / "sounds_0001.npy"
    kept = second.read_bytes()
    second.unlink()
    assert build(tmp_path, 4, 0) == tmp_path and second.read_bytes() == kept
    assert np.load(second).shape == (2, 101 * 640)


def test_unknown_presets_are_named(tmp_path: Path) -> None:
    assert VocoderDecoder.presets == tuple(PRESETS)
    with pytest.raises(UsageError, match="unknown preset 'big' of vocoder; known: tiny, nano"):
        VocoderDecoder.train("big", tmp_path, resume=False, device="cpu", steps=None)
