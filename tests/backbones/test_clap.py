"""CLAP against the reference's numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from avbench.errors import Unscored, UsageError
from avbench.media.info import MediaInfo
from avbench.metrics._backbones import _checkpoint, clap
from avbench.parts import Audio

pytest.importorskip("transformers", reason="the extra paper is not installed")

if TYPE_CHECKING:
    from tests.backbones.conftest import Golden

BASE, FUSION = "av_semantics/clap_base", "av_semantics/clap_tiny_fusion"
ATOL = 5e-5


@pytest.fixture(scope="module")
def base(golden: Golden) -> Any:
    return clap.load(golden.state(f"{BASE}_manifest", "lift_bn0"), clap.BASE, "seeded")


@pytest.mark.slow
def test_audio(golden: Golden, base: Any) -> None:
    waves, expected = golden.inputs(BASE), golden.expected(BASE)
    found = np.stack([clap.embed_audio(base, clap.BASE, wave) for wave in waves.values()])
    np.testing.assert_allclose(found, expected["audio"], atol=ATOL, rtol=0)
    rounded = clap.embed_audio(base, clap.BASE, clap.quantised(waves["192000"]))
    np.testing.assert_allclose(rounded[None], expected["audio_quantised_item0"], atol=ATOL, rtol=0)


@pytest.mark.slow
def test_text(golden: Golden, base: Any) -> None:
    expected = golden.expected(BASE)
    ids, mask = (torch.from_numpy(expected[name]) for name in ("input_ids", "attention_mask"))
    np.testing.assert_allclose(clap.embed_text(base, ids, mask), expected["text"], atol=ATOL, rtol=0)
    alone = np.concatenate([clap.embed_text(base, ids[i : i + 1], mask[i : i + 1]) for i in range(len(ids))])
    np.testing.assert_allclose(alone, expected["text"], atol=ATOL, rtol=0)


@pytest.mark.slow
def test_audio_with_fusion(golden: Golden) -> None:
    net = clap.load(golden.state(f"{FUSION}_manifest", "lift_bn0"), clap.TINY_FUSION, "seeded")
    found = [clap.embed_audio(net, clap.TINY_FUSION, wave) for wave in golden.inputs(FUSION).values()]
    np.testing.assert_allclose(np.stack(found), golden.expected(FUSION)["audio"], atol=ATOL, rtol=0)


@pytest.mark.parametrize(("file", "variant"), [(BASE, clap.BASE), (FUSION, clap.TINY_FUSION)])
def test_log_mel(golden: Golden, file: str, variant: clap.Variant) -> None:
    (expected,) = [value for name, value in golden.expected(file).items() if name.endswith("every_20th")]
    mel = clap.log_mel(variant, golden.inputs(file)["384000"])
    np.testing.assert_allclose(mel[0, 0, ::20], expected, atol=1e-3, rtol=0)


def test_sounds_are_repeated_only_while_they_fit() -> None:
    noise = np.random.default_rng(0).standard_normal(5 * clap.RATE + 100).astype(np.float32)
    fits, exceeds = noise[: 5 * clap.RATE], noise
    assert clap.log_mel(clap.BASE, fits).equal(clap.log_mel(clap.BASE, np.tile(fits, 2)))
    assert clap.log_mel(clap.BASE, exceeds)[0, 0, -1].max() < -90  # zeros follow


@pytest.mark.parametrize("backbone", [clap.Clap(), clap.VerseClap()])
def test_only_the_first_ten_seconds_count(backbone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[np.ndarray[Any, Any]] = []
    monkeypatch.setattr(clap, "_network", lambda variant: None)
    monkeypatch.setattr(clap, "embed_audio", lambda network, variant, wave: heard.append(wave))
    noise = np.random.default_rng(0).standard_normal(12 * clap.RATE).astype(np.float32)
    backbone.extract(Audio(noise, clap.RATE, 0.0), MediaInfo(Path("a"), "mp4", None, None))
    assert len(heard[0]) == 10 * clap.RATE
    if isinstance(backbone, clap.VerseClap):
        peak = np.abs(noise).max()
        np.testing.assert_allclose(heard[0], noise[: len(heard[0])] * (10 ** (-1 / 20) / peak), atol=1 / 32767)
    else:
        np.testing.assert_allclose(heard[0], noise[: len(heard[0])] - noise.mean(), atol=1e-6)


@pytest.mark.slow
def test_official_file(golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LAION's layout: training state beside the weights, whose names are those of a data-parallel module."""
    state = golden.state(f"{FUSION}_manifest", "lift_bn0")
    path = tmp_path / "630k-audioset-fusion-best.pt"
    torch.save(
        {"epoch": 45, "name": "x", "state_dict": {f"module.{name}": value for name, value in state.items()}}, path
    )
    monkeypatch.setattr(_checkpoint, "locate", lambda id: {clap.TINY_FUSION.weights: path}[id])
    _checkpoint._opened.cache_clear()
    wave = golden.inputs(FUSION)["240000"]
    found = clap.VerseClap().extract(Audio(wave, clap.RATE, 0.0), MediaInfo(Path("a"), "mp4", None, None))
    _checkpoint._opened.cache_clear()
    loud = clap.quantised(wave * np.float32(clap.PEAK / np.abs(wave).max()))
    net = clap.load(state, clap.TINY_FUSION, "seeded")
    np.testing.assert_array_equal(found, clap.embed_audio(net, clap.TINY_FUSION, loud))


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    """Two letters and one merge, under the places of RoBERTa's special tokens."""
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", "a", "b", "ab"]
    (tmp_path / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n")
    return clap.read_tokenizer(tmp_path / "vocab.json", tmp_path / "merges.txt")


@pytest.mark.parametrize("words", [0, 1, 75, 76, 200])
def test_tokens(tokenizer: Any, words: int) -> None:
    ids, mask = clap.tokens(tokenizer, "ab" * words)
    kept = min(words, 75)
    assert ids.shape == mask.shape == (1, 77)
    assert mask[0].tolist() == [1] * (kept + 2) + [0] * (75 - kept)
    assert ids[0].tolist() == [0, *[6] * kept, 2, *[1] * (75 - kept)]


def test_official_tokens() -> None:
    try:
        tokenizer = clap._tokenizer()
    except Unscored as reason:
        pytest.skip(str(reason))
    ids, mask = clap.tokens(tokenizer, "Hello world!")
    assert ids[0, : mask.sum()].tolist() == [0, 31414, 232, 328, 2]


def test_names_of_transformers_and_parts_of_attention() -> None:
    state = {
        "audio_branch.layers.0.blocks.1.attn.qkv.weight": torch.arange(6.0).view(6, 1),
        "audio_branch.layers.0.blocks.1.mlp.fc2.bias": torch.zeros(1),
        "text_projection.2.bias": torch.zeros(2),
    }
    layer = "audio_model.audio_encoder.layers.0.blocks.1."
    found = dict(clap.renamed(state))
    assert [*found] == [
        *(f"{layer}attention.self.{part}.weight" for part in ("query", "key", "value")),
        f"{layer}output.dense.bias",
        "text_projection.linear2.bias",
    ]
    assert found[f"{layer}attention.self.value.weight"].flatten().tolist() == [4, 5]


@pytest.mark.slow
def test_another_checkpoint_is_refused_by_name(golden: Golden) -> None:
    state = {
        name: torch.empty(shape, device="meta") for name, (shape, _) in golden.manifest(f"{FUSION}_manifest").items()
    }
    with pytest.raises(UsageError, match=r"music\.pt: do not fit ClapModel"):
        clap.load(state, clap.BASE, "music.pt")


@pytest.mark.parametrize("backbone", [clap.Clap(), clap.VerseClap()])
def test_missing_weights(backbone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path))
    _checkpoint._opened.cache_clear()
    sound = Audio(np.ones(clap.RATE, np.float32), clap.RATE, 0.0)
    with pytest.raises(Unscored, match=r"^needs weights .*weights pull clap_htsat"):
        backbone.extract(sound, MediaInfo(Path("a"), "mp4", None, None))
