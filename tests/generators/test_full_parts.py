"""Codecs and texts at full size: held to MMAudio's numbers, to diffusers, to transformers, to official key lists."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from avbench.errors import UsageError
from avbench.generators._joint.bigvgan import BigVgan, fold, low_pass
from avbench.generators._joint.full_codecs import MelFrames, MelVae, WanVideo
from avbench.generators._joint.full_texts import Captions, Transcripts, cleaned, signs
from avbench.generators._joint.mmaudio import AudioVae

MANIFESTS = Path(__file__).parents[3] / "shared" / "manifests"
needs_manifests = pytest.mark.skipif(not MANIFESTS.is_dir(), reason="no manifests of the official checkpoints here")
GOLDEN = json.loads((Path(__file__).parent / "mmaudio_golden.json").read_text())


def manifest(name: str) -> dict[str, torch.Size]:
    keys = json.loads((MANIFESTS / f"{name}.json").read_text())["keys"]
    return {key: torch.Size(shape) for key, shape in keys.items()}


def sines(name: str, shape: torch.Size) -> Tensor:
    """The tensor of that name in the golden models."""
    found = torch.sin(0.37 * torch.arange(math.prod(shape), dtype=torch.float64) + zlib.crc32(name.encode()) % 1000)
    found = found.view(shape).float()
    if name.endswith("original0"):
        return 0.3 * (1.5 + 0.5 * found)
    return found if name.endswith(("weight", "original1")) else 0.1 * found


def wave(*shape: int) -> Tensor:
    return torch.sin(1.7 * torch.arange(math.prod(shape), dtype=torch.float64)).float().view(shape)


def official_vocoder(ours: BigVgan) -> dict[str, Tensor]:
    """A state dict with the names that MMAudio's loader has: weights as direction and gain, filters beside."""
    state: dict[str, Tensor] = {"activation_post.upsample.filter": low_pass()}
    for name, tensor in ours.state_dict().items():
        if name.endswith(".weight"):
            base = name.removesuffix("weight") + "parametrizations.weight.original"
            state[f"{base}0"] = sines(f"{base}0", torch.Size([len(tensor), 1, 1]))
            state[f"{base}1"] = sines(f"{base}1", tensor.shape)
        else:
            state[name] = sines(name, tensor.shape)
    return state


def test_mmaudios_codec_is_the_official_one() -> None:
    """Numbers of the official code with the same weights, at toy width."""
    empty = AudioVae(80, 4, 8)
    state = {name: sines(name, tensor.shape) for name, tensor in empty.state_dict().items()}
    state |= official_statistics()
    vae = AudioVae.of(state)
    vocoder = BigVgan.of(official_vocoder(BigVgan(80, 64, (4, 4, 2, 2, 2, 2), (3, 7, 11))))
    with torch.no_grad():
        encoded, decoded = vae.encode(wave(1, 80, 12) - 1.8), vae.decode(wave(1, 4, 6))
        spoken = vocoder(wave(1, 80, 5) - 1)
    assert spoken.shape == (1, 1280) and decoded.shape == (1, 80, 12)
    torch.testing.assert_close(encoded[0, :, ::2].flatten(), torch.tensor(GOLDEN["encoded"]), atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(decoded[0, ::16, ::4].flatten(), torch.tensor(GOLDEN["decoded"]), atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(spoken[0, ::80], torch.tensor(GOLDEN["spoken"]), atol=2e-5, rtol=1e-4)
    old = {n.replace("parametrizations.weight.original0", "weight_g"): t for n, t in official_vocoder(vocoder).items()}
    old = {n.replace("parametrizations.weight.original1", "weight_v"): t for n, t in old.items()}
    folded = fold(old)
    assert all(torch.equal(folded[name], tensor) for name, tensor in vocoder.state_dict().items())


def official_statistics() -> dict[str, Tensor]:
    """Mean and deviation of the golden codec: linear ramps in place of the 80 official numbers."""
    return {"data_mean": torch.linspace(-1.2, -3.0, 80).view(1, 80, 1), "data_std": torch.ones(1, 80, 1)}


@needs_manifests
@pytest.mark.parametrize(("name", "mels", "channels", "width"), [("16k", 80, 20, 384), ("44k", 128, 40, 512)])
def test_mmaudios_keys_are_covered(name: str, mels: int, channels: int, width: int) -> None:
    with torch.device("meta"):
        ours = {key: tensor.shape for key, tensor in AudioVae(mels, channels, width).state_dict().items()}
    assert ours == manifest(f"mmaudio_vae_{name}")


@pytest.mark.slow
@needs_manifests
@pytest.mark.parametrize("version", ["wan2.1", "wan2.2"])
def test_the_librarys_video_vae_has_the_official_keys(version: str) -> None:
    diffusers = pytest.importorskip("diffusers", reason="needs the extra `full`")
    newer: dict[str, Any] = {
        "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "is_residual": True, "in_channels": 12,
        "out_channels": 12, "patch_size": 2, "scale_factor_spatial": 16,
    }  # fmt: skip
    with torch.device("meta"):
        vae = diffusers.AutoencoderKLWan(**newer if version == "wan2.2" else {})
    assert {name: tensor.shape for name, tensor in vae.state_dict().items()} == manifest(f"{version}_vae.diffusers")


@pytest.mark.slow
@needs_manifests
def test_the_librarys_umt5_has_the_official_keys() -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra `full`")
    config = transformers.UMT5Config(
        vocab_size=256384,
        d_model=4096,
        d_kv=64,
        d_ff=10240,
        num_layers=24,
        num_heads=64,
        feed_forward_proj="gated-gelu",
    )
    with torch.device("meta"):
        encoder = transformers.UMT5EncoderModel(config)
    keys = manifest("umt5_xxl_encoder.transformers")
    assert {name: tensor.shape for name, tensor in encoder.state_dict().items()} == keys


@pytest.mark.slow
def test_latents_of_wan_are_normalised_means_and_a_still_is_encoded_anew(toy_vae: Callable[[], Any]) -> None:
    vae = toy_vae()
    codec, video = WanVideo(vae), torch.rand(1, 3, 9, 32, 48) * 2 - 1
    latents = codec.encode(video)
    assert latents.shape == (1, 4, 3, 2, 3)
    with torch.no_grad():
        official = vae.encode(video).latent_dist.mean
        mean, std = (torch.tensor(x).view(1, 4, 1, 1, 1) for x in (vae.config.latents_mean, vae.config.latents_std))
        torch.testing.assert_close(latents, (official - mean) / std)
        torch.testing.assert_close(codec.decode(latents), vae.decode(official).sample.clamp(-1, 1))
    first = codec.decode(latents[:, :, :1])
    torch.testing.assert_close(codec.still(latents), codec.encode(first.expand(-1, -1, 9, -1, -1)))
    assert not torch.allclose(codec.still(latents)[:, :, 1], codec.still(latents)[:, :, 0])


def test_captions_are_umt5s_features_and_zero_beyond_the_end(tmp_path: Path, toy_umt5: Callable[[Path], None]) -> None:
    pytest.importorskip("ftfy", reason="needs the extra `full`")
    toy_umt5(tmp_path)
    from transformers import AutoTokenizer, UMT5EncoderModel

    encoder = UMT5EncoderModel.from_pretrained(tmp_path / "text_encoder")
    captions = Captions(AutoTokenizer.from_pretrained(tmp_path / "tokenizer"), encoder)
    found = captions(["a woman &amp; a  rain.", "rain"])
    assert found.shape == (2, 512, 16) and not found[1, 2:].any() and bool(found[1, 1].any())
    with torch.no_grad():
        alone = encoder(input_ids=torch.tensor([[6, 1]])).last_hidden_state
    torch.testing.assert_close(found[1:, :2], alone)
    assert cleaned(" a &amp;  b\n c ") == "a & b c"


def test_transcripts_are_characters_and_toned_syllables(tmp_path: Path) -> None:
    assert signs("Hi; 你好!") == ["H", "i", ",", " ", " ", "ni2", " ", "hao3", "!"]
    path = tmp_path / "vocab.txt"
    path.write_text(" \nH\ni\nni3\n", encoding="utf-8")
    ids = Transcripts(path)("Hi 你?")
    assert ids.tolist() == [[2, 3, 1, 1, 4, 1, 0, 0, 0, 0]]  # what is unknown is the first entry
    path.write_text("\n".join(f"w{i}" for i in range(3000)), encoding="utf-8")
    with pytest.raises(UsageError, match="has 3000 entries"):
        Transcripts(path)


def test_sound_comes_back_as_long_as_asked_and_silence_is_the_floor() -> None:
    vocoder = BigVgan.of(official_vocoder(BigVgan(80, 64, (4, 4, 2, 2, 2, 2), (3, 7, 11))))
    empty = AudioVae(80, 4, 8)
    state = {name: sines(name, tensor.shape) for name, tensor in empty.state_dict().items()} | official_statistics()
    codec = MelVae(AudioVae.of(state), vocoder)
    sound = torch.sin(torch.arange(16000) * 0.2)[None] * 0.3
    assert codec.encode(sound, 32).shape == (1, 32, 4)
    assert codec.decode(codec.encode(sound, 32), 16000).shape == (1, 16000)
    torch.testing.assert_close(codec.silence(8), codec.encode(torch.zeros(1, 4096), 8), atol=1e-3, rtol=1e-3)


def test_uniavgens_mel_is_librosas() -> None:
    """100 frames a second of 24 kHz sound; 506 for its clip of 5.06 s."""
    librosa = pytest.importorskip("librosa", reason="needs the extra `dev`")
    sound = torch.sin(torch.arange(24000) * 0.11)[None] * 0.4
    codec = MelFrames(lambda mel: mel.mean(1).repeat_interleave(240, -1))
    found = codec.encode(sound, 100)[0] * codec.STD + codec.MEAN
    bank = torch.from_numpy(librosa.filters.mel(sr=24000, n_fft=1024, n_mels=80, fmin=0, fmax=8000))
    padded = torch.nn.functional.pad(sound[None], (392, 392), mode="reflect")[0]
    window = torch.hann_window(1024)
    power = torch.stft(padded, 1024, 240, window=window, center=False, return_complex=True).abs().square()
    torch.testing.assert_close(found.T, (bank @ (power + 1e-9).sqrt())[0].clamp_min(1e-5).log(), atol=1e-3, rtol=1e-3)
    assert codec.decode(codec.encode(sound, 100), 24000).shape == (1, 24000)
    torch.testing.assert_close(codec.silence(3), codec.encode(torch.zeros(1, 720), 3), atol=0.6, rtol=0)
