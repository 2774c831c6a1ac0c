"""UniAVGen's released checkpoint: our model gives what the authors' code gives, at toy width with the same weights."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from avbench.generators._joint.checkpoints import load_uniavgen, uniavgen_name
from avbench.generators._joint.encoders import WanCondition
from avbench.generators._joint.full import FULL, empty
from avbench.generators._joint.model import JointModel
from avbench.generators._joint.passes import Content, Rows

pytestmark = pytest.mark.slow
GOLDEN = json.loads((Path(__file__).parent / "uniavgen_golden.json").read_text())


def sines(name: str, shape: tuple[int, ...]) -> Tensor:
    """The tensor of that name in the golden model."""
    places = torch.arange(math.prod(shape), dtype=torch.float64)
    found = torch.sin(0.37 * places + zlib.crc32(name.encode()) % 1000).view(shape).float()
    return 1 + 0.2 * found if "norm" in name and name.endswith("weight") else 0.15 * found


def wave(start: int, *shape: int) -> Tensor:
    return torch.sin(1.7 * torch.arange(math.prod(shape), dtype=torch.float64) + start).float().view(shape)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> JointModel:
    """All 30 layers, 48 and 24 wide, read from a file in the released layout."""
    full = FULL["uniavgen"]["uniavgen-7b"].model
    audio = replace(full.audio, width=24, heads=1, ffn=2)
    config = replace(
        full,
        video_channels=4,
        audio_channels=6,
        width=48,
        heads=2,
        ffn=2,
        text_width=16,
        audio=audio,
        token_rate=57 / 9,
    )
    model, state = empty(config), {"audio_padding": torch.zeros(24)}
    for ours, tensor in model.state_dict().items():
        theirs, shape = uniavgen_name(ours), tuple(tensor.shape)
        if theirs == "patch_embedding.weight":
            shape = (48, 4, 1, 2, 2)
        elif ours.endswith("modulation"):
            shape = shape[1:]
        if theirs is not None:
            state[theirs] = sines(theirs, shape)
    path = tmp_path_factory.mktemp("released") / "model.safetensors"
    save_file(state, path)
    load_uniavgen(model, path, torch.float32)
    return model.eval()


@torch.no_grad()
@pytest.mark.parametrize("kind", ["joint", "apart"])
@pytest.mark.parametrize("voiced", [False, True])
def test_it_answers_as_the_authors_code(released: JointModel, kind: str, voiced: bool) -> None:
    """With a picture that is also the first latent, with and without a voice, with and without interactions."""
    s, picture = torch.tensor([0.7]), wave(2, 1, 4, 1, 4, 4)
    z, heard = wave(0, 1, 4, 3, 4, 4), wave(1, 1, 57, 6)
    z = torch.cat([picture, z[:, :, 1:]], 2)
    text = torch.cat([wave(4, 5, 16), torch.zeros(3, 16)])[None]
    letters = torch.tensor([[3, 7, 1, 9, 2, 4, 4, 8, 5, 6, 1]]) + 1  # 0 is the filler here
    features = released.encode(WanCondition(text, None, letters))
    video = Content(z, s, 1, picture)
    audio = Content(heard, s, 0, wave(3, 1, 11, 6) if voiced else None)
    found = released(video, audio, features, rows=Rows(0 if kind == "apart" else None)).both
    golden = GOLDEN[kind + " voiced" * voiced]
    velocity_v, velocity_a = ((noisy - clean) / 0.7 for noisy, clean in zip((z, heard), found, strict=True))
    torch.testing.assert_close(velocity_v[0, :, 1:].flatten()[::5], torch.tensor(golden["video"]), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(velocity_a.flatten()[::23], torch.tensor(golden["audio"]), atol=1e-4, rtol=1e-3)
