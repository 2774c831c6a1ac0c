"""CLAP: sound and text in one space, LAION's checkpoints in the network of transformers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench.features import remembered
from avbench.media.info import MediaInfo
from avbench.parts import Audio, AudioBackbone, AudioView
from avbench.weights import locate

from ._checkpoint import down, opened, up
from ._paper import library
from .sound import audible, finite

if TYPE_CHECKING:
    from torch import Tensor

VOCABULARY, MERGES = "roberta_base_vocab", "roberta_base_merges"
RATE = 48_000
SECONDS = 10.0  # longer sounds are cut: the reference takes a random piece of them
TOKENS = 77
START, PAD, END = 0, 1, 2
PEAK = 10 ** (-1 / 20)  # -1 dB of full scale

UNUSED = (
    "*.spectrogram_extractor.*",  # transformers has its own
    "*.logmel_extractor.*",
    "*.tscam_conv.*",
    "*.head.*",
    "*_transform.*",
    "*.attn_mask",
)
CONSTANTS = ("relative_position_index", "position_ids", "token_type_ids")  # built, not read: they hold no learned value
_RENAMES = (
    (r"^audio_branch\.", "audio_model.audio_encoder."),
    (r"^text_branch\.", "text_model."),
    (r"\.bn0\.", ".batch_norm."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.(?=relative_position)", ".attention.self."),
    (r"^(audio|text)_projection\.0\.", r"\1_projection.linear1."),
    (r"^(audio|text)_projection\.2\.", r"\1_projection.linear2."),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One of LAION's checkpoints: its id in the table of weights and the make of its audio branch."""

    weights: str
    depths: tuple[int, int, int, int]
    width: int
    fusion: bool

    def read(self, path: Path) -> Any:
        """The network of one of LAION's files. Raises UsageError."""
        from ._state import read_state

        state = read_state(path, under="state_dict")
        return load({name.removeprefix("module."): value for name, value in state.items()}, self, str(path))


BASE = Variant("clap_htsat_base", (2, 2, 12, 2), 128, fusion=False)
TINY_FUSION = Variant("clap_htsat_tiny_fusion", (2, 2, 6, 2), 96, fusion=True)


@dataclass(frozen=True)
class Clap(AudioBackbone[NDArray[np.float32]]):
    """Unit vector (512,) of the first 10 s, by HTSAT-base, as av-benchmark hears it: no constant part, no rounding."""

    view: ClassVar[AudioView] = AudioView()
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (BASE.weights,)

    def extract(self, audio: Audio, info: MediaInfo) -> NDArray[np.float32]:
        from ._waves import mono

        wave = mono(finite(audio)[None], audio.rate, RATE, SECONDS)
        return embed_audio(_network(BASE), BASE, wave.numpy())


@dataclass(frozen=True)
class VerseClap(AudioBackbone[NDArray[np.float32]]):
    """Unit vector (512,) of the first 10 s, by HTSAT-tiny with fusion, as Verse-Bench: peak at -1 dB, 16 bits."""

    view: ClassVar[AudioView] = AudioView(rate=RATE)
    kept: ClassVar[bool] = True
    weights: ClassVar[tuple[str, ...]] = (TINY_FUSION.weights,)

    def extract(self, audio: Audio, info: MediaInfo) -> NDArray[np.float32]:
        samples = audible(audio)
        loud = quantised(samples * np.float32(PEAK / np.abs(samples).max()))
        return embed_audio(_network(TINY_FUSION), TINY_FUSION, loud[: int(RATE * SECONDS)])


def quantised(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples as LAION's round trip through 16-bit integers leaves them (scale 32767, truncated)."""
    return ((np.clip(samples, -1, 1) * 32767.0).astype(np.int16) / 32767.0).astype(np.float32)


def log_mel(variant: Variant, wave: NDArray[np.float32]) -> Tensor:
    """(1, 1 or 4, 1001, 64) decibels of at most 10 s at 48 kHz, which are repeated while they fit, then zero-padded."""
    features: Tensor = _extractor(variant)(wave, sampling_rate=RATE, return_tensors="pt")["input_features"]
    return features


def embed_audio(network: Any, variant: Variant, wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vector (512,) of (n,) samples at 48 kHz, at most 10 s."""
    import torch

    from avbench.products import inference

    with inference():
        # else fusion mixes in chunks that a short sound does not have
        longer = up(torch.zeros(1, 1, dtype=torch.bool), network)
        pooled = network.audio_model(input_features=up(log_mel(variant, wave), network), is_longer=longer).pooler_output
        return _unit(network.audio_projection(pooled))[0]


def embed_text(network: Any, tokens: Tensor, mask: Tensor) -> NDArray[np.float32]:
    """Unit vectors (N, 512) of (N, 77) tokens and the mask of the real ones."""
    from avbench.products import inference

    with inference():
        pooled = network.text_model(input_ids=up(tokens, network), attention_mask=up(mask, network)).pooler_output
        return _unit(network.text_projection(pooled))


def embed_caption(variant: Variant, text: str) -> NDArray[np.float32]:
    """Unit vector (512,) of a caption. Raises Unscored without the weights."""
    return remembered(_embed_caption, variant.weights, text, weights=(variant.weights, VOCABULARY, MERGES))


def _embed_caption(weights: str, text: str) -> NDArray[np.float32]:
    network = _network({known.weights: known for known in (BASE, TINY_FUSION)}[weights])
    return embed_text(network, *tokens(_tokenizer(), text))[0]


def tokens(tokenizer: Any, text: str) -> tuple[Tensor, Tensor]:
    """RoBERTa's tokens (1, 77) of a text and their mask: start, at most 75, end, then padding."""
    import torch

    ids = [START, *tokenizer.encode(text).ids[: TOKENS - 2], END]
    padded = torch.full((1, TOKENS), PAD)
    padded[0, : len(ids)] = torch.tensor(ids)
    return padded, (torch.arange(TOKENS) < len(ids)).long()[None]


def read_tokenizer(vocabulary: Path, merges: Path) -> Any:
    """RoBERTa's byte-level BPE of its two files."""
    return library("tokenizers.implementations").ByteLevelBPETokenizer(str(vocabulary), str(merges))


def load(state: Mapping[str, Tensor], variant: Variant, source: str) -> Any:
    """The network of a state dict in LAION's layout."""
    from ._state import build, uninitialised

    network = uninitialised(lambda: library("transformers").ClapModel(_config(variant)))
    constants = {name: value for name, value in network.state_dict().items() if name.endswith(CONSTANTS)}
    return build(lambda: network, {**dict(renamed(state)), **constants}, source, UNUSED)


def renamed(state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """LAION's names to those of transformers, which keeps query, key and value apart."""
    for official, value in state.items():
        name = official
        for pattern, ours in _RENAMES:
            name = re.sub(pattern, ours, name)
        if ".attn.qkv." in name:
            for part, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                yield name.replace(".attn.qkv.", f".attention.self.{part}."), rows
        else:
            yield name, value


def _config(variant: Variant) -> Any:
    projection = {"projection_dim": 512, "projection_hidden_act": "relu"}
    fusion = {"enable_fusion": True, "fusion_type": "aff_2d", "enable_patch_fusion": True} if variant.fusion else {}
    audio = {
        "depths": list(variant.depths),
        "num_attention_heads": [4, 8, 16, 32],
        "patch_embeds_hidden_size": variant.width,
        "hidden_size": 8 * variant.width,
    }
    text = {"layer_norm_eps": 1e-5}  # RoBERTa's
    return library("transformers").ClapConfig(
        text_config={**text, **projection}, audio_config={**audio, **fusion, **projection}, **projection
    )


def decibels(wave: NDArray[np.float32], filters: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n,) samples to (1 + n // 480, 64): transformers' own to the bit, but all frames at once."""
    tools = library("transformers.audio_utils")
    padded = np.pad(wave, 512, mode="reflect").astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 1024)[::480]
    spectrum = np.fft.rfft(frames * tools.window_function(1024, "hann")).astype(np.complex64)
    power = np.abs(spectrum, dtype=np.float64) ** 2.0
    mel = np.maximum(1e-10, np.dot(filters.T, power.T))
    return np.asarray(tools.power_to_db(mel), np.float32).T


@cache
def _extractor(variant: Variant) -> Any:
    class Extractor(library("transformers").ClapFeatureExtractor):  # type: ignore[misc]  # it is loaded lazily
        def _np_extract_fbank_features(self, waveform: Any, mel_filters: Any = None) -> Any:
            return decibels(waveform, mel_filters)

    return Extractor(
        feature_size=64,
        sampling_rate=RATE,
        hop_length=480,
        fft_window_size=1024,
        max_length_s=round(SECONDS),
        frequency_min=50,
        frequency_max=14_000,
        truncation="fusion" if variant.fusion else "rand_trunc",
        padding="repeatpad",
    )


def _network(variant: Variant) -> Any:
    return opened(variant.read, variant.weights)


@cache
def _tokenizer() -> Any:
    return read_tokenizer(locate(VOCABULARY), locate(MERGES))


def _unit(vectors: Tensor) -> NDArray[np.float32]:
    from torch.nn.functional import normalize

    return down(normalize(vectors, dim=-1))
