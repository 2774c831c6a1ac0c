"""CLIP, DINO, DINOv3, SigLIP with its aesthetic head, and ViCLIP, with their pixels, against the references."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from avbench.metrics import _cosines
from avbench.metrics._backbones import _pixels, clip, dino, dinov3, siglip, towers, viclip
from avbench.metrics._backbones.imagebind_text import Tokenizer

if TYPE_CHECKING:
    from tests.backbones.conftest import Arrays, Golden

FILE = "video/towers"
EVERY = (slice(None), slice(None, None, 7), slice(None, None, 7))
TINY_CLIP = clip.ClipConfig(32, 64, 2, 14, 4, 64, 2, 2, 500)
TINY_VICLIP = viclip.ViclipConfig(32, 64, 2, 2, 4, 64, 2, 2)


def _close(found: Any, expected: NDArray[Any], atol: float = 1e-4) -> None:
    np.testing.assert_allclose(found, expected, atol=atol, rtol=0)


@pytest.fixture(scope="module")
def pictures(golden: Golden) -> Arrays:
    """Frames by the names of the golden's keys."""
    cases = golden.meta(FILE)["cases"]
    return {
        name: golden.video(case["case"], (case["n"], case["h"], case["w"]), (case["dy"], case["dx"]))
        for name, case in cases.items()
        if "case" in case
    }


@pytest.fixture(scope="module")
def stills(pictures: Arrays, golden: Golden) -> Arrays:
    return {name: frames for name, frames in pictures.items() if "text" not in golden.meta(FILE)["cases"][name]}


@pytest.mark.parametrize(
    ("key", "pixels"),
    [
        ("clip_float", _pixels.clip_floats),
        ("clip_u8", _pixels.clip_bytes),
        ("clip_pil", _pixels.clip_pil),
        ("dino_float", _pixels.dino_floats),
        ("siglip384", _pixels.siglip),
        ("dinov3", _pixels.dinov3),
    ],
)
def test_pixels(golden: Golden, stills: Arrays, key: str, pixels: Any) -> None:
    for name, frames in stills.items():
        _close(pixels(frames)[0][EVERY], golden.expected(FILE)[f"{name}/{key}"], 1e-5)


@torch.inference_mode()
def test_clip(golden: Golden, stills: Arrays) -> None:
    net, expected = clip.load(golden.state("video/manifests/clip_tiny"), "seeded", TINY_CLIP), golden.expected(FILE)
    for name, frames in stills.items():
        image = net.image(_pixels.clip_floats(frames, 56))
        text = net.text(torch.from_numpy(expected[f"{name}/tokens"])[None])
        _close(image, expected[f"{name}/clip_feat"])
        _close(text[0], expected[f"{name}/clip_text"])
        logits = math.exp(float(net.logit_scale)) * _cosines.cosines(image.numpy(), text.numpy())
        _close(logits, expected[f"{name}/clip_logits_per_text"])


@torch.inference_mode()
def test_dino_and_subject_consistency(golden: Golden, stills: Arrays) -> None:
    state = golden.state("video/manifests/dino_tiny")
    for name, factor in golden.meta(FILE)["rescale"]["dino_tiny"].items():
        state[name] *= factor
    net, expected = dino.load(state, "seeded", dino.DinoConfig(64, 2, 2)), golden.expected(FILE)
    for name, frames in stills.items():
        found = net(_pixels.dino_floats(frames))
        _close(found, expected[f"{name}/dino_cls"])
        _close(_cosines.consistency(found.numpy()), expected[f"{name}/subject_consistency"])


@torch.inference_mode()
def test_dinov3_and_identity(golden: Golden, stills: Arrays) -> None:
    config = dinov3.Dinov3Config(64, 4, 2, 128)
    net, expected = dinov3.load(golden.state("video/manifests/dinov3_tiny"), "seeded", config), golden.expected(FILE)
    for name, frames in stills.items():
        tokens = net(_pixels.dinov3(frames))
        assert tokens.shape[1] == golden.meta(FILE)["cases"][name]["dinov3_tokens"]
        cls, last_but_one = tokens[:, 0].numpy(), tokens[:, -2].numpy()
        _close(cls, expected[f"{name}/dinov3_cls"])
        _close(last_but_one, expected[f"{name}/dinov3_token_m2"])
        _close(_cosines.cosines(cls, cls[:1]), expected[f"{name}/id_cls"])
        _close(_cosines.cosines(last_but_one, last_but_one[:1]), expected[f"{name}/id_versebench"])


@torch.inference_mode()
def test_siglip_and_its_aesthetic_head(golden: Golden, stills: Arrays) -> None:
    state = golden.state("video/manifests/aes_v25_tiny")
    tower = {name: value for name, value in state.items() if name.startswith("vision_model.")}
    head = {name.removeprefix("layers."): value for name, value in state.items() if name not in tower}
    net = siglip.load(tower, "seeded", siglip.SiglipConfig(64, 4, 2, 96, 4))
    score = siglip.load_head(head, "seeded", 64)
    for name, frames in stills.items():
        _close(score(net(_pixels.siglip(frames, 56))), golden.expected(FILE)[f"{name}/aes_v25_tiny"])


@torch.inference_mode()
def test_heads_of_real_size(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = golden.expected(FILE)
    cases = {key: said.split(" ")[0] for key, said in golden.meta(FILE)["cases"]["heads"].items()}
    features = torch.from_numpy(golden.noise(f"input/{cases['feat1152']}", 6, 1152))
    head = siglip.load_head(golden.state("video/manifests/aes_v25_head"), "seeded")
    _close(head(features), expected["aes_v25_head/raw_in"])
    _close(head(features), expected["aes_v25_head/bf16"], 2e-3)
    laion = towers.load_laion(golden.state("video/manifests/laion_vit_l_14_linear"), "seeded")
    monkeypatch.setattr(towers, "network", lambda load, id: laion)
    _close(towers.laion_head(golden.noise(f"input/{cases['feat768']}", 6, 768)), expected["laion_head"])


@torch.inference_mode()
def test_viclip(golden: Golden, pictures: Arrays) -> None:
    parts = {"vision_encoder": "viclip_vision_tiny", "text_encoder": "viclip_text_tiny"}
    state = {
        f"{part}.{name}": value
        for part, file in parts.items()
        for name, value in golden.state(f"video/manifests/{file}").items()
    }
    net, expected = viclip.load(state, "seeded", TINY_VICLIP), golden.expected(FILE)
    for name, case in golden.meta(FILE)["cases"].items():
        if "text" not in case:
            continue
        frames = pictures[name]
        picks = towers.middle_frames(len(frames), viclip.FRAMES)
        assert picks == expected[f"{name}/frames"].tolist()
        pixels = _pixels.clip_bytes(frames[picks], 56)
        _close(pixels[0][EVERY], expected[f"{name}/pixels"], 1e-5)
        video = normalize(net.video(pixels[None]), dim=-1)
        text = normalize(net.text(torch.from_numpy(expected[f"{name}/tokens"]).long()[None]), dim=-1)
        for found, key in ((video, "vision"), (text, "text")):
            _close(found[0], expected[f"{name}/{key}"] / np.linalg.norm(expected[f"{name}/{key}"]))
        assert float((video * text).sum()) == pytest.approx(float(expected[f"{name}/score"]), abs=1e-4)


def test_viclips_tokens(golden: Golden, clip_vocabulary: Path) -> None:
    for name, case in golden.meta(FILE)["cases"].items():
        if "text" in case:
            (row,) = Tokenizer(clip_vocabulary)([case["text"]], viclip.CONTEXT)
            assert row.tolist() == golden.expected(FILE)[f"{name}/tokens"].tolist()


def test_the_middle_frames(golden: Golden) -> None:
    for case in golden.meta("video/aggregate")["middle"]:
        assert towers.middle_frames(case["vlen"], case["num_frames"]) == case["indices"]
