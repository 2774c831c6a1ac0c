"""An AVBENCH_HOME with seeded weights, in their official formats, in the places of the checkpoints."""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.signal import get_window
from torch import Tensor, nn

from avbench import weights
from avbench.metrics._backbones import clip, dino, dinov3, maniqa, siglip, viclip
from avbench.metrics._backbones._state import outline

Manifest = Mapping[str, tuple[list[int], str]]


def pooled(manifest: Manifest, alive: bool = False) -> dict[str, Tensor]:
    """Weights under all names of a manifest that lie in one pool of numbers: quickly made, and small files.

    `alive` ones are as large as their layers need for what tells inputs apart to reach the output.
    """
    sizes = {name: int(torch.Size(shape).numel()) for name, (shape, _) in manifest.items()}
    pool = torch.empty(max(sizes.values())).normal_(0, 0.02, generator=torch.Generator().manual_seed(0))
    state = {}
    for name, (shape, dtype) in manifest.items():
        if "float" not in dtype:
            state[name] = torch.zeros(shape, dtype=getattr(torch, dtype))
        elif name.endswith("running_var"):
            state[name] = torch.ones(shape)
        else:
            state[name] = pool[: sizes[name]].view(shape)
            if alive and len(shape) > 1:
                state[name] = state[name] * (50 * (2 / torch.Size(shape[1:]).numel()) ** 0.5)
            elif alive and name.endswith("weight"):  # a norm's
                state[name] = 1 + state[name]
    return state


def drawn(make: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """The same under the names of a network of ours of official size."""
    names = outline(make).state_dict()
    return pooled({name: (list(value.shape), str(value.dtype).removeprefix("torch.")) for name, value in names.items()})


def scripted(state: Mapping[str, Tensor], path: Path) -> None:
    """A TorchScript archive with these parameters in half precision, as OpenAI publishes CLIP."""
    root = nn.Module()
    for name, value in state.items():
        *folders, last = name.split(".")
        owner = root
        for folder in folders:
            if not hasattr(owner, folder):
                owner.add_module(folder, nn.Module())
            owner = getattr(owner, folder)
        owner.register_parameter(last, nn.Parameter(value.half(), requires_grad=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(root), path)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`place("s3fd")`: where that checkpoint lies in the home of these tests."""
    folder = tmp_path_factory.mktemp("official") / "weights"
    folder.mkdir()
    return lambda id: folder / weights.find(id).file


@pytest.fixture(scope="session")
def manifest(golden: Callable[[str], Path], seeded_weights: Any) -> Callable[[str], Manifest]:
    """`manifest("video/manifests/amt_s.json")`: names, shapes and types of an official checkpoint."""
    return lambda file: seeded_weights.load_manifest(golden(file))


@pytest.fixture(scope="session")
def home(
    place: Callable[[str], Path],
    golden: Callable[[str], Path],
    manifest: Callable[[str], Manifest],
    one_face: dict[str, Tensor],
) -> Path:
    """A file in the place of every checkpoint of lip sync, DeSync, ImageBind, CLAP, AudioBox and Whisper."""
    from safetensors.torch import save_file

    whisper = pytest.importorskip("whisper", reason="the extra paper is not installed")
    torch.save(one_face, place("s3fd"))
    torch.save(pooled(manifest("lipsync/manifest_syncnet.json")), place("syncnet_v2"))
    torch.save(pooled(manifest("av_semantics/synchformer_manifest.json")), place("synchformer"))
    torch.save(pooled(manifest("av_semantics/imagebind_huge_manifest.json")), place("imagebind_huge"))
    with gzip.open(place("imagebind_bpe"), "wt", encoding="utf-8") as file:
        file.write("version\na b\n")
    for make, id in (("base", "clap_htsat_base"), ("tiny_fusion", "clap_htsat_tiny_fusion")):
        clap = pooled(manifest(f"av_semantics/clap_{make}_manifest.json"))
        torch.save({"state_dict": {f"module.{name}": value for name, value in clap.items()}}, place(id))
    place("roberta_base_vocab").write_text(json.dumps({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4}))
    place("roberta_base_merges").write_text("#version: 0.2\n")
    audiobox = pooled(manifest("distribution/manifests/audiobox_aesthetics.json"))
    save_file({name: value.clone() for name, value in audiobox.items()}, place("audiobox_aesthetics"))
    config = json.loads(golden("distribution/{}_audiobox.json").read_text())["config"]
    place("audiobox_aesthetics_config").write_text(json.dumps(config))
    dims = {"n_mels": 128, "n_audio_ctx": 1500, "n_audio_state": 64, "n_audio_head": 1, "n_audio_layer": 1}
    dims |= {"n_vocab": 51866, "n_text_ctx": 24, "n_text_state": 64, "n_text_head": 1, "n_text_layer": 1}
    torch.manual_seed(0)
    tiny = whisper.model.Whisper(whisper.model.ModelDimensions(**dims)).state_dict()
    tiny = {name: torch.randn_like(value) * 0.3 for name, value in tiny.items()}  # its positions start as they lie
    torch.save({"dims": dims, "model_state_dict": tiny}, place("whisper_large_v3"))
    return place("s3fd").parents[1]


@pytest.fixture(scope="session")
def whole_home(
    home: Path,
    place: Callable[[str], Path],
    manifest: Callable[[str], Manifest],
) -> Path:
    """The same with the checkpoints of pictures and of sets: all that the six sets of columns need."""
    from safetensors.torch import save_file
    from torchvision.models.optical_flow import raft_large

    for id, config in (("clip_vit_b_32", clip.B_32), ("clip_vit_l_14", clip.L_14)):
        scripted(drawn(lambda config=config: clip.Clip(config)), place(id))  # type: ignore[misc]
    for id, make in (("siglip_so400m", siglip.Siglip), ("dinov3_vitl16", dinov3.Dinov3)):
        save_file({name: value.clone() for name, value in drawn(make).items()}, place(id))
    torch.save({name: value.bfloat16() for name, value in drawn(siglip.Head).items()}, place("aesthetic_v2_5"))
    torch.save(drawn(lambda: nn.Linear(768, 1)), place("laion_aesthetic_l_14"))
    torch.save(drawn(dino.Dino), place("dino_vitb16"))
    torch.save({"model": drawn(viclip.Viclip)}, place("viclip_l_14"))
    torch.save(drawn(lambda: raft_large(weights=None)), place("raft_large"))
    torch.save({"state_dict": pooled(manifest("video/manifests/amt_s.json"))}, place("amt_s"))
    for id in ("musiq_spaq", "musiq_koniq"):
        torch.save(pooled(manifest("video/manifests/musiq.json")), place(id))
    torch.save(drawn(maniqa.Maniqa), place("maniqa_koniq"))
    torch.save(pooled(manifest("av_semantics/passt_manifest.json")), place("passt"))
    torch.save(pooled(manifest("distribution/manifests/i3d_400.json"), alive=True), place("i3d_400"))
    torch.save(pooled(manifest("distribution/manifests/inception_fid.json"), alive=True), place("inception_fid"))
    sound = pooled(manifest("distribution/manifests/audioclip_audio.json"))
    sound["window"] = torch.from_numpy(get_window("blackmanharris", 1654)).float()
    sound |= {"fbsp.m": sound["fbsp.m"].abs(), "fbsp.fb": 1 + sound["fbsp.fb"]}  # wavelets have an order and a width
    sound["fbsp.fc"] = sound["fbsp.fc"] + torch.arange(1025)
    torch.save({f"audio.{name}": value for name, value in sound.items()}, place("audioclip"))
    return home
