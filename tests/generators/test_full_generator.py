"""Full size through its real code path, at toy width: files on a disk, loaded, sampled, decoded; what is missing."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from avbench.errors import UsageError
from avbench.generators._joint.axes import Shape, axes
from avbench.generators._joint.bigvgan import BigVgan
from avbench.generators._joint.checkpoints import diffusers_name, uniavgen_name, wan_name
from avbench.generators._joint.clips import cover
from avbench.generators._joint.config import Interaction
from avbench.generators._joint.full import FULL, Full
from avbench.generators._joint.full_generator import FullGenerator
from avbench.generators._joint.full_parts import Places, chosen, streamed
from avbench.generators._joint.interaction import CrossModal
from avbench.generators._joint.mmaudio import AudioVae
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.references import MODES
from avbench.generators._joint.timemap import Timeline
from avbench.media import mux
from avbench.media.load import load_image
from avbench.parts import Request
from avbench.records import Prompt, Sample, SpeechLine

PRESET = {name: preset for presets in FULL.values() for name, preset in presets.items()}


def toy(name: str) -> Full:
    """A preset at toy width: two or four layers, 64 x 64 pixels, 9 frames, three steps."""
    full = PRESET[name]
    channels = 80 if full.released else 4
    equal = full.model.mixed
    audio = replace(full.model.audio, **({} if equal else {"width": 48, "heads": 2}), ffn=2)
    model = replace(
        full.model, video_channels=4, audio_channels=channels, width=64, heads=2, layers=4 if full.released else 2,
        ffn=2, text_width=16, audio=audio,
    )  # fmt: skip
    sample = replace(full.sample, steps=3, anchor_every=2)
    return replace(full, model=model, sample=sample, height=64, width=64, frames=9, stride=16)


def official(ours: dict[str, Tensor], name: Any, full: Full) -> dict[str, Tensor]:
    """Our tensors under the names, and in the shapes, of others."""
    state = {}
    for key, tensor in ours.items():
        theirs = name(key)
        if theirs is None:
            continue
        if theirs == "patch_embedding.weight":
            columns = full.model.video_channels
            tensor = tensor.unflatten(1, (1, 2, 2, -1)).permute(0, 4, 1, 2, 3)[:, :columns]
        elif key.endswith("modulation"):
            tensor = tensor[0]
        state[theirs] = tensor.contiguous()
    return state


@dataclass
class Disk:
    """A folder of weights as a user has it, and the preset that it is of."""

    full: Full
    places: Places
    model: JointModel

    def generator(self) -> FullGenerator:
        return FullGenerator("cpu", self.full, self.places, torch.float32)


Put = Callable[[str], Disk]


@pytest.fixture
def put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_vae: Callable[[], Any], toy_umt5: Callable[[Path], None]
) -> Put:
    """Writes every file that a preset needs, with seeded weights."""
    for package in ("diffusers", "transformers", "ftfy"):
        pytest.importorskip(package, reason="needs the extra `full`")
    from transformers import Qwen2_5OmniToken2WavBigVGANModel
    from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import Qwen2_5OmniBigVGANConfig

    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path))

    def written(name: str) -> Disk:
        full = toy(name)
        places = Places.of(replace(full, model=replace(full.model, video_channels=48)))
        torch.manual_seed(7)
        model = JointModel(full.model).eval().requires_grad_(False)
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        toy_vae().save_pretrained(places.wan / "vae")
        toy_umt5(places.wan)
        state = model.state_dict()
        places.joint.path.mkdir(parents=True, exist_ok=True)
        if full.released:
            vocoder = Qwen2_5OmniToken2WavBigVGANModel(Qwen2_5OmniBigVGANConfig(upsample_initial_channel=64))
            vocoder.save_pretrained(places.sound[0].path)
            save_file(
                official(state, uniavgen_name, full) | {"audio_padding": torch.zeros(48)},
                places.joint.path / "diffusion_pytorch_model.safetensors",
            )
        else:
            for place in places.sound:
                place.path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(AudioVae(80, 4, 8).state_dict(), places.sound[0].path)
            torch.save(
                {"generator": BigVgan(80, 64, (4, 4, 2, 2, 2, 2), (3, 7, 11)).state_dict()}, places.sound[1].path
            )
            own = {key: tensor.contiguous() for key, tensor in state.items() if not wan_name(key) and tensor.numel()}
            save_file(own, places.joint.path / "model.safetensors")
            stream = official(state, lambda key: (w := wan_name(key)) and diffusers_name(w), full)
            (places.wan / "transformer").mkdir()
            save_file(stream, places.wan / "transformer" / "diffusion_pytorch_model.safetensors")
        if places.letters is not None:
            places.letters.path.parent.mkdir(parents=True, exist_ok=True)
            places.letters.path.write_text("".join(f"{c}\n" for c in " Helo again.'"), encoding="utf-8")
        return Disk(full, places, model)

    return written


def talk(folder: Path, id: str = "p") -> Request:
    picture = folder / "face.png"
    cv2.imwrite(str(picture), np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8))
    line = (SpeechLine("Hello again."),)
    return Request(
        Prompt(id, video_caption="a woman speaks", audio_caption="rain falls", speech=line, seconds=0.4,
               reference_image=picture), 5,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["harmony-5b", "jova-5b", "uniavgen-7b"])
def test_a_clip_is_made_of_files_on_a_disk(
    name: str, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = put(name)
    made = disk.generator()
    loaded = made.parts.model.state_dict()
    for key, tensor in disk.model.state_dict().items():
        if key != "video.enter.weight":  # JoVA's is wider than Wan's: what is new is zero
            torch.testing.assert_close(loaded[key], tensor, msg=key)
    sample = made.generate([talk(tmp_path)])[0]
    assert sample.frames.shape == (9, 64, 64, 3) and sample.fps == disk.full.fps
    assert len(sample.audio) == round(9 * sample.sample_rate / disk.full.fps) and np.isfinite(sample.audio).all()
    assert sample.frames.std() > 1 and len(str(made.settings()["weights"])) == 64
    again = disk.generator().generate([replace(talk(tmp_path), diagnostics=True)])[0]
    assert again.maps["attention"].shape == (9, 2, 2) and again.maps["difference"].shape == (9, 4, 4)
    np.testing.assert_allclose(again.maps["attention"].sum((1, 2)), 1, atol=1e-4)
    assert np.array_equal(again.frames, sample.frames) and np.array_equal(again.audio, sample.audio)
    half = FullGenerator("cpu", disk.full, disk.places).generate([talk(tmp_path)])[0]  # bf16, as on a GPU
    assert np.abs(half.frames.astype(float) - sample.frames).mean() < 12 and np.isfinite(half.audio).all()
    for way in ("parts", "layers"):
        monkeypatch.setenv("AVBENCH_OFFLOAD", way)
        away = disk.generator()
        assert away.parts.offload == way
        assert np.array_equal(away.generate([talk(tmp_path)])[0].frames, sample.frames)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["harmony-5b", "uniavgen-7b"])
def test_references_drive_full_size_too(name: str, put: Put, tmp_path: Path) -> None:
    """A driver stays what it is; a picture given as a film need not have the model's shape."""
    made, request = put(name).generator(), talk(tmp_path)
    clip, rate = tmp_path / "c.mp4", 16000
    drawn = np.random.default_rng(1).integers(0, 255, (30, 48, 96, 3), np.uint8)
    mux.write(clip, Sample(drawn, Fraction(24), np.sin(np.arange(rate) * 0.1).astype(np.float32) * 0.3, rate))
    frames, codec = made.full.frames, made.parts.video
    prompt = replace(request.prompt, reference_audio=clip, reference_video=clip)
    given = {mode: made._given(replace(prompt, tags=(f"mode:{mode}",)), frames) for mode in MODES}
    seen = given["video_driven"].video
    assert seen is not None and seen.shape == made.full.latents_of(frames)
    assert given["continuation"].first_video is not None and given["joint"].voice is not None
    shown = made.generate([replace(request, prompt=replace(prompt, tags=("mode:video_driven",)))])[0]
    expected = ((codec.decode(seen)[0].permute(1, 2, 3, 0) + 1) * 127.5).round().numpy()
    assert np.abs(shown.frames - expected).max() <= 1
    heard = made.generate([replace(request, prompt=replace(prompt, tags=("mode:audio_driven",)))])[0]
    sound = given["audio_driven"].audio
    assert sound is not None
    np.testing.assert_allclose(heard.audio, made.parts.sound.decode(sound, len(heard.audio))[0], atol=1e-4)
    assert heard.frames.std() > 1


@pytest.mark.slow
def test_uniavgen_needs_a_picture_and_begins_with_it(put: Put, tmp_path: Path) -> None:
    disk = put("uniavgen-7b")
    made, request = disk.generator(), talk(tmp_path)
    with pytest.raises(UsageError, match="begins with a picture; give reference_image"):
        made.generate([replace(request, prompt=replace(request.prompt, reference_image=None))])
    shown: Sample = made.generate([request])[0]
    codec = made.parts.video
    assert request.prompt.reference_image is not None
    picture = cover(load_image(request.prompt.reference_image), 64, 64)
    film = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    first = codec.decode(codec.encode(film))[0, :, 0].permute(1, 2, 0)
    assert np.abs(shown.frames[0] - ((first + 1) * 127.5).numpy()).mean() < 2


@pytest.mark.slow
def test_missing_files_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "avbench", "run", "--model", "harmony_5b", "--suite", "speech", "--limit", "1",
         "--workers", "0", "--out", str(tmp_path / "r")],
        capture_output=True, text=True, check=False, env={"AVBENCH_HOME": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 2 and not (tmp_path / "r").exists()
    for said in (
        "harmony-5b needs files that are not there",
        "hf download Wan-AI/Wan2.2-TI2V-5B-Diffusers --local-dir",
        "v1-16.pth",
        "best_netG.pt",
        "vocab.txt",
        "none are public",
    ):
        assert said in done.stderr


def test_what_waits_is_chosen_by_room_or_by_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVBENCH_OFFLOAD", raising=False)
    assert chosen(torch.device("cpu"), [10, 10]) == "none"
    monkeypatch.setenv("AVBENCH_OFFLOAD", "some")
    with pytest.raises(UsageError, match="known: none, parts, layers"):
        chosen(torch.device("cpu"), [1])


def test_streamed_layers_give_the_same_and_go_back() -> None:
    model = nn.Sequential(nn.Linear(300, 300), nn.GELU(), nn.Linear(300, 4))
    x, before = torch.randn(2, 300), {name: p.data_ptr() for name, p in model.named_parameters()}
    with torch.no_grad():
        plain = model(x)
        streamed(model, torch.device("cpu"))
        assert torch.equal(model(x), plain)
    assert {name: p.data_ptr() for name, p in model.named_parameters()} == before


def test_released_windows_are_those_of_the_code() -> None:
    """506 tokens of 81 frames: 51 a window; latent 2 hears 19 to 69; the first and the last repeat an end."""
    windows = Timeline(81, 506).released_windows()
    assert windows.shape == (21, 51)
    assert windows[2].tolist() == list(range(19, 70))
    assert windows[0].unique().tolist() == list(range(14)) and int((windows[0] == 0).sum()) == 38
    assert windows[-1, -1] == 505 and int((windows[-1] == 505).sum()) > 1
    assert bool((windows[1:, 1:] >= windows[1:, :-1]).all())


@torch.no_grad()
def test_released_attention_turns_keys_inside_each_window() -> None:
    """Against a loop with complex rotations: queries by row and column alone, keys by their place in the window, with
    the first frequencies of a rotation over the whole head. The face mask stands before the output projection, whose
    bias it does not touch.
    """
    torch.manual_seed(0)
    config = PRESET["uniavgen-7b"].model
    config = replace(config, width=48, heads=2, audio=replace(config.audio, width=32, heads=2))
    d, latents, rows, columns, tokens = 24, 3, 2, 2, 57
    meeting = axes(config, Shape(latents, rows, columns, tokens)).a2v
    module = CrossModal(48, 32, 2, config.interaction)
    for parameter in module.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    x, source, mask = torch.randn(1, 12, 48), torch.randn(1, tokens, 32), torch.rand(1, 12, 1)
    found = module(x, source, meeting, mask)
    inner, windows = module.attention, Timeline(9, tokens).released_windows()
    q = inner.norm_q(inner.q(x)).view(12, 2, d)
    expected = torch.zeros(12, 48)
    bands = (d - 4 * (d // 6), 2 * (d // 6), 2 * (d // 6))

    def turned(y: Tensor, place: tuple[int, int, int]) -> Tensor:
        spread = (d, bands[1], bands[2]) if place[1:] == (0, 0) else bands  # keys: the whole head's frequencies
        angles = [p / 10000 ** (2 * i / spread[axis]) for axis, p in enumerate(place) for i in range(bands[axis] // 2)]
        pairs = torch.view_as_complex(y.double().view(2, -1, 2))
        spin = torch.tensor([complex(math.cos(a), math.sin(a)) for a in angles])
        return torch.view_as_real(pairs * spin).flatten(1).float()

    for token in range(12):
        latent, cell = divmod(token, rows * columns)
        query = turned(q[token], (0, cell // columns, cell % columns))
        heard = source[0, windows[latent]]
        keys = torch.stack([turned(k, (n, 0, 0)) for n, k in enumerate(inner.norm_k(inner.k(heard)).view(-1, 2, d))])
        weights = (torch.einsum("hd,nhd->hn", query, keys) / math.sqrt(d)).softmax(-1)
        value = torch.einsum("hn,nhd->hd", weights, inner.v(heard).view(-1, 2, d)).flatten()
        expected[token] = inner.o(value * mask[0, token])
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=1e-4)
    nothing = module(x, source, meeting, torch.zeros_like(mask))
    torch.testing.assert_close(nothing, inner.o.bias.expand_as(nothing))


def test_the_quirks_of_released_weights_are_theirs_alone() -> None:
    with pytest.raises(UsageError, match="a2v window, v2a interp"):
        Interaction(compat="sora2-mini")
    full = PRESET["uniavgen-7b"]
    assert full.released and full.tokens_of(81) == 506 and full.latents_of(81) == (1, 48, 21, 44, 80)


@torch.no_grad()
def test_texts_of_other_lengths_stand_in_one_batch() -> None:
    """A short transcript padded to a long one's length, and masked, reads as alone."""
    full = toy("uniavgen-7b")
    torch.manual_seed(0)
    model = JointModel(full.model).eval()
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    video, audio, condition = full.batch(1, "cpu")
    video = replace(video, z=torch.randn_like(video.z), s=torch.tensor([0.7]), reference=torch.randn(1, 4, 1, 4, 4))
    audio = replace(audio, z=torch.randn_like(audio.z), s=torch.tensor([0.7]))
    short, long = (
        model.encode(replace(condition, video=torch.randn(1, 5, 16), letters=torch.randint(1, 99, (1, n))))
        for n in (10, 17)
    )
    both = model(video.repeat(2), audio.repeat(2), long.then(short))
    alone = model(video, audio, short)
    torch.testing.assert_close(both.both[1][1:], alone.both[1], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(both.both[0][1:], alone.both[0], atol=1e-4, rtol=1e-3)
