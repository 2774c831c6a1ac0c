"""A nano model and a training set of synthetic clips: no renderer, no shipped weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from avbench.generators._joint.data import Dataset, fit, write_shard
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.presets import PRESETS
from avbench.generators._joint.recipe import Preset
from avbench.generators._joint.shots import Shot
from avbench.generators._joint.text import Condition
from avbench.generators._joint.timemap import Timeline
from avbench.records import Prompt


@pytest.fixture(scope="session")
def nano() -> Preset:
    return _small("harmony")


@pytest.fixture(scope="session")
def small() -> Callable[[str], Preset]:
    return _small


def _small(system: str) -> Preset:
    """A system's nano preset, smaller still."""
    found = PRESETS[system]["nano"]
    return replace(
        found,
        model=replace(found.model, frames=17, layers=2),
        train=replace(found.train, held_out=2, crop=9, probe_every=10, save_every=10),
    )


@pytest.fixture(scope="session")
def shots(nano: Preset) -> list[Shot]:
    """A bright square that grows with the loudness of a tone."""
    rng, made = np.random.default_rng(0), []
    size, frames = nano.model.size, nano.model.frames
    for i in range(12):
        loud = np.abs(np.sin(np.arange(frames) * rng.uniform(0.2, 0.6)))
        film = rng.integers(0, 6, (frames, size, size, 3)).astype(np.uint8)
        for t, height in enumerate((loud * 12).astype(int)):
            film[t, 8 : 8 + height, 10:20] = 200
        time = np.arange(frames * 640) / 16000
        tone = np.sin(2 * np.pi * rng.uniform(200, 900) * time) * np.repeat(loud, 640) * 0.3
        mouth = np.zeros((Timeline(frames, 1).latents, size // 8, size // 8), np.bool_)
        mouth[:, 1:3, 1:3] = i % 3 > 0
        spoken = ("", [0.0]) if i % 3 == 0 else ("oh no", [0.1, 0.2, 0.3, 0.35, 0.45, 0.55])
        prompt, face = Prompt(str(i), video_caption=f"square {i}"), mouth.astype(np.float16)
        who = ("ana", "", "bruno")[i % 3]
        made.append(Shot(film, tone.astype(np.float32), mouth, prompt, *spoken, face, who, nano.model.audio.spelling))
    return made


@pytest.fixture(scope="session")
def data(nano: Preset, shots: list[Shot], tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("data")
    codecs = fit(shots, nano.model)
    save_file({name: tensor.contiguous() for name, tensor in codecs.tensors().items()}, folder / "codecs.safetensors")
    write_shard(folder / "shard_0000.npz", shots, codecs)
    return Dataset(folder, nano.model)


@pytest.fixture
def model(nano: Preset) -> JointModel:
    """A model with random weights everywhere, the zero-initialised layers included."""
    torch.manual_seed(1)
    fresh = JointModel(nano.model).eval()
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return fresh


@pytest.fixture
def condition(data: Dataset) -> Condition:
    return data.batch([1, 2]).condition


@pytest.fixture(scope="session")
def toy_vae() -> Callable[[], Any]:
    return _vae


def _vae() -> Any:
    """diffusers' Wan2.2 VAE at toy width, with constants that are not one."""
    diffusers = pytest.importorskip("diffusers", reason="needs the extra `full`")
    torch.manual_seed(0)
    return diffusers.AutoencoderKLWan(
        base_dim=8, decoder_base_dim=8, z_dim=4, is_residual=True, in_channels=12, out_channels=12, patch_size=2,
        num_res_blocks=1, scale_factor_spatial=16, latents_mean=[0.1, -0.2, 0.3, 0.0], latents_std=[0.5, 2.0, 1.5, 1.0],
    ).eval()  # fmt: skip


@pytest.fixture(scope="session")
def toy_umt5() -> Callable[[Path], None]:
    return _umt5


def _umt5(folder: Path) -> None:
    """A tokenizer of words and an encoder of two layers, as transformers saves them."""
    transformers = pytest.importorskip("transformers", reason="needs the extra `full`")
    tokenizers = pytest.importorskip("tokenizers")
    words = ["<pad>", "</s>", "<unk>", "a", "woman", "speaks", "rain", "falls", ".", "hello"]
    whole = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    whole.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    whole.post_processor = tokenizers.processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=whole, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    fast.save_pretrained(folder / "tokenizer")
    torch.manual_seed(0)
    config = transformers.UMT5Config(
        vocab_size=16, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    transformers.UMT5EncoderModel(config).eval().save_pretrained(folder / "text_encoder")
