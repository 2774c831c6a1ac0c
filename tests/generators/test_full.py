"""Full size: official checkpoints' keys and shapes, parity with diffusers at toy width, and what a clip costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from avbench.errors import UsageError
from avbench.generators._joint.checkpoints import (
    UNUSED,
    diffusers_name,
    load_uniavgen,
    load_wan,
    shaped,
    uniavgen_name,
    wan_name,
)
from avbench.generators._joint.config import AudioConfig, Interaction, ModelConfig
from avbench.generators._joint.cost import cost
from avbench.generators._joint.encoders import Features
from avbench.generators._joint.full import FULL, Full, empty
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.passes import Content
from avbench.generators._joint.presets import PRESETS

MANIFESTS = Path(__file__).parents[3] / "shared" / "manifests"
needs_manifests = pytest.mark.skipif(not MANIFESTS.is_dir(), reason="no manifests of the official checkpoints here")
PRESET = {name: preset for presets in FULL.values() for name, preset in presets.items()}
TOY = ModelConfig(
    video_channels=8,
    audio_channels=6,
    width=64,
    heads=2,
    layers=2,
    ffn=2,
    interaction=Interaction(a2v="none", v2a="none"),
    predict="velocity",
    skip=False,
    captions="features",
    text_width=40,
)


def manifest(name: str) -> dict[str, torch.Size]:
    keys = json.loads((MANIFESTS / f"{name}.json").read_text())["keys"]
    return {key: torch.Size(shape) for key, shape in keys.items()}


@needs_manifests
@pytest.mark.parametrize(
    ("preset", "official"),
    [("harmony-5b", "wan2.2_ti2v_5b"), ("harmony-1.3b", "wan2.1_t2v_1.3b"), ("uniavgen-7b", "wan2.2_ti2v_5b")],
)
@pytest.mark.parametrize("layout", ["orig", "diffusers"])
def test_the_video_stream_covers_wans_tensors_exactly(preset: str, official: str, layout: str) -> None:
    """Invariant 5."""
    keys, ours = manifest(f"{official}.{layout}"), empty(PRESET[preset].model).state_dict()
    names = {name: wan for name in ours if (wan := wan_name(name))}
    names = {name: wan if layout == "orig" else diffusers_name(wan) for name, wan in names.items()}
    assert set(names.values()) == keys.keys() and len(names) == 825
    for name, theirs in names.items():
        official_tensor = torch.empty(keys[theirs], device="meta")
        assert shaped(name, official_tensor, ours[name].shape, 2).shape == ours[name].shape


@needs_manifests
def test_the_key_map_is_the_official_one() -> None:
    pairs = json.loads((MANIFESTS / "keymap_wan_orig_to_diffusers.json").read_text())
    assert len(pairs) == 825 and all(diffusers_name(wan) == name for wan, name in pairs.items())


@needs_manifests
def test_uniavgens_released_checkpoint_fills_the_model_exactly() -> None:
    keys, ours = manifest("uniavgen.sora2-mini"), empty(PRESET["uniavgen-7b"].model).state_dict()
    names = {name: theirs for name in ours if (theirs := uniavgen_name(name))}
    assert ours.keys() - names.keys() == {"prefix"} and not ours["prefix"].numel()
    assert keys.keys() - set(names.values()) == UNUSED and len(keys) == 2036
    for name, theirs in names.items():
        assert shaped(name, torch.empty(keys[theirs], device="meta"), ours[name].shape, 2).shape == ours[name].shape


@pytest.fixture(params=["orig", "diffusers"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[JointModel, object]:
    """A toy joint model that read the weights of diffusers' Wan from a file, and the latter."""
    diffusers = pytest.importorskip("diffusers", reason="needs diffusers")
    torch.manual_seed(0)
    theirs = diffusers.WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=32, in_channels=8, out_channels=8, text_dim=40, freq_dim=256,
        ffn_dim=128, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads", eps=1e-6,
    ).eval()  # fmt: skip
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    state = {name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}
    ours = JointModel(TOY).eval().requires_grad_(False)
    if request.param == "orig":
        back = {diffusers_name(wan): wan for name in ours.state_dict() if (wan := wan_name(name))}
        state = {back[name]: tensor for name, tensor in state.items()}
        torch.save(state, tmp_path / "wan.pth")
        load_wan(ours, tmp_path / "wan.pth", torch.float32)
    else:  # in two shards
        halves = list(state)[::2], list(state)[1::2]
        for n, half in enumerate(halves):
            save_file({name: state[name] for name in half}, tmp_path / f"part-{n}.safetensors")
        places = {name: f"part-{n}.safetensors" for n, half in enumerate(halves) for name in half}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
        load_wan(ours, tmp_path, torch.float32)
    return ours, theirs


@pytest.mark.slow
@torch.no_grad()
def test_the_video_stream_equals_diffusers_wan(filled: tuple[JointModel, object]) -> None:
    """Invariant 4, with one level a sample and with one a latent."""
    ours, theirs = filled
    z, text = torch.randn(2, 8, 3, 8, 6), torch.randn(2, 7, 40)
    features = Features(ours.texts.video(text))
    latents, tokens = torch.rand(2, 3), 12
    for s, levels in ((latents[:, 0], latents[:, 0]), (latents, latents.repeat_interleave(tokens, 1))):
        official = theirs(z, 1000 * levels, text, return_dict=False)[0]  # type: ignore[operator]
        found = ours(Content(z, s), None, features).video
        assert found is not None
        column = s.view(2, 1, -1, 1, 1)
        torch.testing.assert_close(found, z - column * official, atol=1e-4, rtol=1e-4)


def test_a_wider_patch_embedding_ignores_what_is_new_at_first(tmp_path: Path) -> None:
    narrow = JointModel(TOY)
    state = {wan: tensor for name, tensor in narrow.state_dict().items() if (wan := wan_name(name))}
    state["patch_embedding.weight"] = torch.randn(64, 8, 1, 2, 2)
    state |= {name: tensor[0] for name, tensor in state.items() if name.endswith("modulation")}
    torch.save(state, tmp_path / "wan.pth")
    wide = JointModel(replace(TOY, image_cond="channel_concat"))
    load_wan(wide, tmp_path / "wan.pth", torch.float32)
    weight = wide.video.enter.weight.unflatten(1, (4, 20))
    assert bool((weight[..., 8:] == 0).all()) and bool((weight[..., :8] != 0).all())


def test_a_wrong_checkpoint_is_told_apart(tmp_path: Path) -> None:
    model = JointModel(TOY)
    state = {wan: tensor for name, tensor in model.state_dict().items() if (wan := wan_name(name))}
    torch.save({**state, "img_emb.proj.0.weight": torch.zeros(1)}, tmp_path / "i2v.pth")
    with pytest.raises(UsageError, match="it has img_emb"):
        load_wan(model, tmp_path / "i2v.pth")
    del state["head.head.bias"]
    torch.save(state, tmp_path / "short.pth")
    with pytest.raises(UsageError, match=r"it lacks head\.head\.bias"):
        load_wan(model, tmp_path / "short.pth")
    with pytest.raises(UsageError, match="holds no checkpoint"):
        load_wan(model, tmp_path / "none.pth")


@torch.no_grad()
def test_uniavgens_layout_runs_end_to_end(tmp_path: Path) -> None:
    """A toy model of the released layout is written, read back and run; the face masks are in (0, 1)."""
    released = PRESET["uniavgen-7b"].model
    toy = replace(
        released, video_channels=8, audio_channels=6, width=64, heads=2, layers=4, ffn=2, text_width=40,
        audio=replace(released.audio, width=32, heads=1, ffn=2),
    )  # fmt: skip
    torch.manual_seed(0)
    ours, again = JointModel(toy), JointModel(toy)
    for parameter in ours.parameters():
        parameter.copy_(0.1 * torch.randn_like(parameter))
    state = {}
    for name, tensor in ours.state_dict().items():
        theirs = uniavgen_name(name)
        if theirs == "patch_embedding.weight":
            tensor = tensor.unflatten(1, (1, 2, 2, 8)).permute(0, 4, 1, 2, 3)
        elif name.endswith("modulation"):
            tensor = tensor[0]
        if theirs:
            state[theirs] = tensor.contiguous()
    save_file(state | {"audio_padding": torch.zeros(32)}, tmp_path / "released.safetensors")
    load_uniavgen(again, tmp_path / "released.safetensors", torch.float32)
    full = replace(PRESET["uniavgen-7b"], model=toy, height=64, width=64, frames=5)
    video, audio, condition = full.batch(1, "cpu")
    video = replace(video, z=torch.randn_like(video.z), reference=torch.randn_like(video.z[:, :, :1]))
    condition = replace(condition, letters=torch.randint(1, 2545, (1, 9)))
    one, other = (model(video, audio, model.encode(condition)) for model in (ours, again))
    assert torch.equal(one.both[0], other.both[0]) and torch.equal(one.both[1], other.both[1])
    assert list(one.masks) == [1, 3] and all(mask.min() > 0 and mask.max() < 1 for mask in one.masks.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "billions"), [("harmony-5b", 7.84), ("jova-5b", 10.0), ("uniavgen-7b", 7.056), ("harmony-1.3b", 3.41)]
)
def test_full_size_costs_what_arithmetic_says(preset: str, billions: float) -> None:
    """The video stream's matrix products and self-attention are nearly all of it."""
    full, found = PRESET[preset], cost(PRESET[preset])
    assert found.parameters / 1e9 == pytest.approx(billions, rel=0.002)
    latents, cells = 1 + (full.frames - 1) // 4, full.height * full.width // (2 * full.stride) ** 2
    tokens, config = latents * cells, full.model
    block = 4 * config.width**2 + 2 * config.width * round(config.ffn * config.width)
    linear = 2 * tokens * config.layers * (block + 2 * config.width**2)
    attention = 4 * tokens**2 * config.width * config.layers
    assert found.forward / (linear + attention) == pytest.approx(1.09, abs=0.08)


def test_tiny_costs_are_counted() -> None:
    preset = PRESETS["harmony"]["nano"]
    found = cost((preset.model, preset.sample))
    assert found.parameters == sum(p.numel() for p in JointModel(preset.model).parameters())
    steps = preset.sample.steps
    assert steps * 2 * found.forward <= found.clip <= steps * 2.2 * found.forward


def test_a_full_preset_is_a_clip_of_its_own_size() -> None:
    video, audio, condition = Full.batch(PRESET["harmony-5b"], 1, "meta")
    assert video.z.shape == (1, 48, 31, 44, 80) and audio.z.shape == (1, 158, 20)
    assert AudioConfig().text == "cross" and condition.video.shape == (1, 512, 4096)
