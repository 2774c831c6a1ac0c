"""The visual metrics from frames to numbers, through networks of the official shape with narrow layers."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from avbench.errors import NotApplicable, Unscored
from avbench.metrics import i2v_subject
from avbench.metrics._backbones import _pixels, clip, dino, dinov3, imagebind_text, siglip, towers, viclip
from avbench.parts import Metric
from avbench.records import Prompt, Score, Status
from avbench.registry import load

PROMPT = Prompt("p", video_caption="a red ball", tags=("style:oil painting",))
WEIGHTS = {
    "aesthetic_laion": "clip_vit_l_14",
    "aesthetic_v25": "aesthetic_v2_5",
    "background_consistency": "clip_vit_b_32",
    "clip_score": "clip_vit_b_32",
    "dynamic_degree": "raft_large",
    "i2v_subject": "dino_vitb16",
    "id_dinov3": "dinov3_vitl16",
    "imaging_spaq": "musiq_spaq",
    "maniqa": "maniqa_koniq",
    "motion_score": "raft_large",
    "motion_smoothness": "amt_s",
    "musiq_koniq": "musiq_koniq",
    "overall_consistency": "viclip_l_14",
    "subject_consistency": "dino_vitb16",
}


def _clip_of(out: int, patch: int, side: int) -> clip.Clip:
    return clip.Clip(clip.ClipConfig(out, 64, 1, patch, side, 64, 1, 1, 600))


NARROW: dict[str, Callable[[], nn.Module]] = {
    "clip_vit_b_32": lambda: _clip_of(16, 32, 7),
    "clip_vit_l_14": lambda: _clip_of(768, 14, 16),
    "laion_aesthetic_l_14": lambda: nn.Linear(768, 1),
    "dino_vitb16": lambda: dino.Dino(dino.DinoConfig(24, 2, 1)),
    "viclip_l_14": lambda: viclip.Viclip(viclip.ViclipConfig(16, 64, 2, 1, 16, 64, 1, 1)),
    "siglip_so400m": lambda: siglip.Siglip(siglip.SiglipConfig(24, 2, 1, 32, 27)),
    "aesthetic_v2_5": lambda: siglip.Head(24),
    "dinov3_vitl16": lambda: dinov3.Dinov3(dinov3.Dinov3Config(32, 2, 1, 64)),
}

TOWERS = [name for name in WEIGHTS if WEIGHTS[name] in NARROW]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Networks of random weights, on the CPU, and a vocabulary of letters."""
    torch.manual_seed(0)
    nets = {id: make().eval().requires_grad_(False) for id, make in NARROW.items()}
    for net in nets.values():
        for value in net.parameters():
            value.normal_(std=0.3)
    vocabulary = tmp_path / "vocabulary.txt.gz"
    vocabulary.write_bytes(gzip.compress(b"#version\na b"))
    tokenizer = imagebind_text.Tokenizer(vocabulary)
    monkeypatch.setattr(imagebind_text, "tokenizer", lambda: tokenizer)
    monkeypatch.setattr(towers, "network", lambda load, id, under=None: nets[id])
    monkeypatch.setattr(towers, "device", lambda: torch.device("cpu"))
    towers._seen.cache_clear()


@pytest.fixture(scope="module")
def frames() -> NDArray[np.uint8]:
    """Ten frames of 60 x 90 of coloured squares that drift."""
    squares = np.random.default_rng(0).integers(0, 256, (10, 15, 3), np.uint8).repeat(6, 0).repeat(6, 1)
    return np.stack([np.roll(squares, (t, 3 * t), (0, 1)) for t in range(10)])


SILENT = np.zeros(0, np.float32)


@pytest.mark.parametrize("name", TOWERS)
def test_numbers_do_not_depend_on_chunks(
    narrow: None, arrays: Any, frames: NDArray[np.uint8], tmp_path: Path, name: str, score: Callable[..., Any]
) -> None:
    picture = tmp_path / "reference.png"
    cv2.imwrite(str(picture), frames[3][..., ::-1])
    prompt = replace(PROMPT, reference_image=picture)
    one, many = (score(name, arrays(frames, SILENT, 16000, chunk=chunk), prompt) for chunk in (1, 16))
    metric = load(Metric, name)
    for column in metric.columns:
        assert one[column.name] == pytest.approx(many[column.name], abs=1e-5)
        assert column.low <= one[column.name] <= column.high


@pytest.mark.parametrize("name", ["subject_consistency", "background_consistency"])
def test_a_frozen_clip_is_consistent_and_a_moving_one_less(
    narrow: None, arrays: Any, frames: NDArray[np.uint8], name: str, score: Callable[..., Any]
) -> None:
    frozen = score(name, arrays(frames[:1].repeat(4, axis=0), SILENT, 16000))
    assert frozen[name] == pytest.approx(1.0, abs=1e-6)
    assert score(name, arrays(frames, SILENT, 16000))[name] < 1 - 1e-4
    with pytest.raises(NotApplicable, match="at least 2"):
        score(name, arrays(frames[:1], SILENT, 16000))


def test_the_reference_picture_is_itself(
    narrow: None, arrays: Any, frames: NDArray[np.uint8], tmp_path: Path, score: Callable[..., Any]
) -> None:
    picture = tmp_path / "reference.png"
    cv2.imwrite(str(picture), frames[0][..., ::-1])
    same = replace(PROMPT, reference_image=picture)
    frozen = arrays(frames[:1].repeat(2, axis=0), SILENT, 16000)
    assert score("id_dinov3", frozen, same) == pytest.approx(dict.fromkeys(score("id_dinov3", frozen, same), 1.0))
    with pytest.raises(NotApplicable, match="no reference image"):
        score("id_dinov3", frozen, PROMPT)
    with pytest.raises(Unscored, match="No such file"):
        score("id_dinov3", frozen, replace(PROMPT, reference_image=tmp_path / "absent.png"))


def test_clip_scores_scale_and_their_prompts(
    narrow: None, arrays: Any, frames: NDArray[np.uint8], score: Callable[..., Any]
) -> None:
    features = arrays(frames, SILENT, 16000)
    answer = score("clip_score", features, PROMPT)
    each = towers.clip_text("a red ball") @ features[towers.ClipFrames(own=True)].T
    assert answer["clip_score"] == pytest.approx(float(_unit(features, each).mean()), abs=1e-5)
    assert answer["clip_score_scaled"] == pytest.approx(float(2.5 * _unit(features, each).clip(min=0).mean()), abs=1e-5)
    bare = score("clip_score", features, Prompt("p"))
    assert all(isinstance(found, Score) and found.status is Status.NOT_APPLICABLE for found in bare.values())
    with pytest.raises(NotApplicable, match="no video caption"):
        score("overall_consistency", features, Prompt("p"))


def test_scales_of_the_clip_score(
    narrow: None, arrays: Any, frames: NDArray[np.uint8], score: Callable[..., Any]
) -> None:
    answer = score("clip_score", arrays(frames, SILENT, 16000), PROMPT)
    raw = answer["clip_score"]
    assert answer["clip_score_percent"] == pytest.approx(max(0, 100 * raw))
    assert answer["clip_score_shifted"] == pytest.approx((1 + raw) / 2)


def test_i2v_subject_by_hand() -> None:
    frames = np.array([[1, 0], [0.6, 0.8], [-1, 0]], np.float32)  # like: 1, 0.6, 0; following: 0.6, 0
    assert i2v_subject.subject(frames, np.array([1, 0], np.float32)) == pytest.approx(0.4 + 0.3 * 0.3)
    with pytest.raises(NotApplicable, match="at least 2"):
        i2v_subject.subject(frames[:1], frames[0])


def test_a_frozen_clip_of_the_reference_image_has_its_subject(
    narrow: None, arrays: Any, frames: NDArray[np.uint8], tmp_path: Path, score: Callable[..., Any]
) -> None:
    """At 256 px the pixels of frames, resized as floats, and of the image, resized by Pillow, are the same."""
    square = np.asarray(cv2.resize(frames[0, :32, :32], (256, 256)), np.uint8)
    picture = tmp_path / "reference.png"
    cv2.imwrite(str(picture), square[..., ::-1])
    frozen = arrays(np.stack([square, square]), SILENT, 16000)
    assert score("i2v_subject", frozen, replace(PROMPT, reference_image=picture))["i2v_subject"] == pytest.approx(1)
    moving = arrays(frames, SILENT, 16000)
    assert score("i2v_subject", moving, replace(PROMPT, reference_image=picture))["i2v_subject"] < 1 - 1e-4
    with pytest.raises(NotApplicable, match="no reference image"):
        score("i2v_subject", moving, PROMPT)


@pytest.mark.parametrize("size", [(300, 420), (256, 256), (130, 97)])
def test_i2v_pixels_are_torchvisions(size: tuple[int, int]) -> None:
    transforms = pytest.importorskip("torchvision.transforms", reason="the extra paper is not installed")
    from PIL import Image

    frames = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    same = [
        transforms.Resize(256, interpolation=transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop(224),
    ]
    norm = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    floats = transforms.Compose([*same, transforms.Lambda(lambda x: x.float().div(255.0)), norm])
    expected = floats(torch.from_numpy(frames).permute(0, 3, 1, 2).float())
    torch.testing.assert_close(_pixels.dino_square(frames), expected, atol=1e-6, rtol=0)
    picture = transforms.Compose([*same, transforms.ToTensor(), norm])(Image.fromarray(frames[0]))
    torch.testing.assert_close(_pixels.dino_picture(frames[:1])[0], picture, atol=1e-6, rtol=0)


def _unit(features: Any, products: NDArray[np.float32]) -> NDArray[np.float32]:
    frames = features[towers.ClipFrames(own=True)]
    text = towers.clip_text("a red ball")
    return np.asarray(products / np.linalg.norm(frames, axis=1) / np.linalg.norm(text))


def test_viclip_sees_eight_frames_of_a_long_clip_and_refuses_a_longer_one(
    narrow: None, arrays: Any, frames: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    eight = frames[towers.middle_frames(len(frames), 8)]
    long, short = (arrays(part, SILENT, 16000)[towers.ViclipVideo()] for part in (frames, eight))
    np.testing.assert_allclose(long, short, atol=1e-6)
    monkeypatch.setattr(towers, "LONGEST", 9)
    with pytest.raises(Unscored, match="too_long"):
        arrays(frames, SILENT, 16000)[towers.ViclipVideo()]


@pytest.mark.parametrize("name", WEIGHTS)
def test_without_weights_there_is_a_command_and_no_number(
    weights_home: Path, arrays: Any, frames: NDArray[np.uint8], score: Callable[..., Any], name: str, tmp_path: Path
) -> None:
    prompt = replace(PROMPT, reference_image=tmp_path / "any.png")
    with pytest.raises(Unscored, match=f"avbench weights pull {WEIGHTS[name]}"):
        score(name, arrays(frames, SILENT, 16000), prompt)
