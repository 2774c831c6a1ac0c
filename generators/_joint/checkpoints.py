"""Official checkpoints into a joint model: Wan's video stream in both its layouts, and UniAVGen's released model.

Tensors are read one by one, from one file or from shards, so a model needs no more memory than itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from avbench.errors import UsageError

from .model import JointModel

# Wan's original name to diffusers' (WanTransformer3DModel); norm3 is diffusers' norm2.
_DIFFUSERS = (
    (r"patch_embedding\.", "patch_embedding."),
    (r"text_embedding\.0\.", "condition_embedder.text_embedder.linear_1."),
    (r"text_embedding\.2\.", "condition_embedder.text_embedder.linear_2."),
    (r"time_embedding\.0\.", "condition_embedder.time_embedder.linear_1."),
    (r"time_embedding\.2\.", "condition_embedder.time_embedder.linear_2."),
    (r"time_projection\.1\.", "condition_embedder.time_proj."),
    (r"head\.modulation", "scale_shift_table"),
    (r"head\.head\.", "proj_out."),
    (r"(blocks\.\d+)\.modulation", r"\1.scale_shift_table"),
    (r"(blocks\.\d+)\.self_attn\.([qkv])\.", r"\1.attn1.to_\2."),
    (r"(blocks\.\d+)\.cross_attn\.([qkv])\.", r"\1.attn2.to_\2."),
    (r"(blocks\.\d+)\.self_attn\.o\.", r"\1.attn1.to_out.0."),
    (r"(blocks\.\d+)\.cross_attn\.o\.", r"\1.attn2.to_out.0."),
    (r"(blocks\.\d+)\.self_attn\.norm", r"\1.attn1.norm"),
    (r"(blocks\.\d+)\.cross_attn\.norm", r"\1.attn2.norm"),
    (r"(blocks\.\d+)\.norm3\.", r"\1.norm2."),
    (r"(blocks\.\d+)\.ffn\.0\.", r"\1.ffn.net.0.proj."),
    (r"(blocks\.\d+)\.ffn\.2\.", r"\1.ffn.net.2."),
)
# Our name to Wan's original one.
_WAN = (
    (r"video\.enter\.", "patch_embedding."),
    (r"texts\.video\.", "text_embedding."),
    (r"video\.level\.embed\.", "time_embedding."),
    (r"video\.level\.project\.", "time_projection.1."),
    (r"video\.blocks\.", "blocks."),
    (r"video\.head\.", "head."),
)
# Our name to the one in Sora2-mini's checkpoint; its interaction k stands before our block 2k + 1.
_UNIAVGEN = (
    (r"video\.enter\.", "patch_embedding."),
    (r"texts\.video\.", "text_embedding_video."),
    (r"texts\.speech\.embed\.", "text_embedding.text_embed."),
    (r"texts\.speech\.blocks\.(\d+)\.(gamma|beta)", r"text_embedding.text_blocks.\1.grn.\2"),
    (r"texts\.speech\.blocks\.", "text_embedding.text_blocks."),
    (r"texts\.speech\.project\.", "text_proj."),
    (r"audio\.enter\.", "audio_embedding."),
    (r"(video|audio)\.level\.embed\.", r"time_embedding@\1."),
    (r"(video|audio)\.level\.project\.", r"time_projection@\1.1."),
    (r"(video|audio)\.head\.", r"head@\1."),
    (r"video\.blocks\.", "blocks."),
    (r"audio\.blocks\.", "audio_blocks."),
)
UNUSED = frozenset({"audio_padding"})  # what Sora2-mini fills ragged batches with; ours are never ragged


def wan_name(ours: str) -> str | None:
    """Wan's name of a parameter of the video stream or of its texts; None for any other."""
    return _renamed(ours, _WAN)


def diffusers_name(wan: str) -> str:
    """diffusers' name of a tensor of Wan's."""
    found = _renamed(wan, _DIFFUSERS)
    if found is None:
        raise KeyError(wan)
    return found


def uniavgen_name(ours: str) -> str | None:
    """The name in UniAVGen's released checkpoint; None for a parameter that is not in it."""
    if met := re.match(r"(a2v|v2a|face)\.(\d+)\.(attention\.)?(.*)", ours):
        kind, block, _, rest = met.groups()
        place = f"{int(block) // 2}"
        return f"a2v_blocks.{place}.mask_head.{rest}" if kind == "face" else f"{kind}_blocks.{place}.{rest}"
    found = _renamed(ours, _UNIAVGEN)
    return found and found.replace("@video", "").replace("@audio", "_audio")


def load_wan(model: JointModel, path: Path, dtype: torch.dtype = torch.bfloat16, device: str = "cpu") -> None:
    """Fills the video stream and its text projection from a Wan checkpoint, original or diffusers layout.

    A patch embedding narrower than the model's (channels beside the noise) is widened by zeros. The rest of the model
    is left as it is. Raises UsageError naming what is missing, left over or of another shape.
    """
    with Tensors(path) as source:
        diffusers = any(name.startswith("condition_embedder.") for name in source)
        names = {ours: wan for ours in model.state_dict() if (wan := wan_name(ours))}
        fill(model, source, {o: diffusers_name(w) if diffusers else w for o, w in names.items()}, path, dtype, device)


def load_uniavgen(model: JointModel, path: Path, dtype: torch.dtype = torch.bfloat16, device: str = "cpu") -> None:
    """Fills all of the model from UniAVGen's released checkpoint. Raises UsageError."""
    with Tensors(path) as source:
        names = {ours: name for ours in model.state_dict() if (name := uniavgen_name(ours))}
        missing = model.state_dict().keys() - names.keys() - {"prefix"}
        if missing:
            raise UsageError(f"{path}: UniAVGen's checkpoint has no {', '.join(sorted(missing)[:3])}")
        fill(model, source, names, path, dtype, device, UNUSED)


def load_joint(
    model: JointModel, path: Path, wan: Path, dtype: torch.dtype = torch.bfloat16, device: str = "cpu"
) -> None:
    """Fills a model from safetensors with its own names; what of the video stream is not among them comes from `wan`.

    Raises UsageError naming what is missing, left over or of another shape.
    """
    with Tensors(path) as own:
        names = {name: name for name, tensor in model.state_dict().items() if tensor.numel()}
        stream = {name for name in names if wan_name(name)}
        if not stream & own.keys():
            load_wan(model, wan, dtype, device)
            names = {name: name for name in names if name not in stream}
        fill(model, own, names, path, dtype, device)


def fill(
    model: JointModel,
    source: Mapping[str, Tensor],
    names: Mapping[str, str],
    path: Path,
    dtype: torch.dtype,
    device: str,
    unused: frozenset[str] = frozenset(),
) -> None:
    """Puts `source[names[ours]]` in the place of every parameter named; every tensor must be used."""
    missing, extra = names.values() - source.keys(), source.keys() - set(names.values()) - unused
    if missing or extra:
        said = [f"{word} {', '.join(sorted(keys)[:3])}" for word, keys in (("lacks", missing), ("has", extra)) if keys]
        raise UsageError(f"{path} is not of this model: it {' and it '.join(said)}")
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    found = {}
    for ours, theirs in names.items():
        tensor = source[theirs]
        if ours != theirs:
            tensor = shaped(ours, tensor, shapes[ours], model.config.patch)
        if tensor.shape != shapes[ours]:
            raise UsageError(f"{path}: {theirs} is {tuple(source[theirs].shape)}, {tuple(shapes[ours])} is needed")
        # what scales and shifts everything else stays exact: it is small
        found[ours] = tensor.to(device, torch.float32 if "modulation" in ours or "norm" in ours else dtype)
    found |= {
        name: torch.empty(shape, dtype=dtype, device=device) for name, shape in shapes.items() if not shape.numel()
    }
    model.load_state_dict(found, strict=False, assign=True)


def shaped(ours: str, tensor: Tensor, shape: torch.Size, patch: int) -> Tensor:
    """A tensor of theirs laid out as ours: patches as rows of (row, column, channel), modulation with one axis more."""
    if ours == "video.enter.weight":
        missing = shape[1] // patch**2 - tensor.shape[1]
        if missing > 0:
            tensor = torch.cat([tensor, tensor.new_zeros(len(tensor), missing, *tensor.shape[2:])], 1)
        return tensor.permute(0, 2, 3, 4, 1).flatten(1)
    return tensor.unsqueeze(0) if ours.endswith("modulation") else tensor


class Tensors(Mapping[str, Tensor]):
    """The tensors of a checkpoint by name, each read when it is asked for.

    `path` is a .safetensors or .pth file, an index of shards (.json), or a folder with either.
    """

    def __init__(self, path: Path) -> None:
        index = path if path.suffix == ".json" else next(iter(sorted(path.glob("*.index.json"))), None)
        if index is not None:
            places = json.loads(index.read_text())["weight_map"]
            self._files = {name: index.parent / file for name, file in places.items()}
        else:
            files = sorted(path.glob("*.safetensors")) or sorted(path.glob("*.pth")) if path.is_dir() else [path]
            if not files or not files[0].is_file():
                raise UsageError(f"{path} holds no checkpoint")
            self._files = {name: file for file in files for name in _names(file)}
        self._open: dict[Path, Any] = {}  # a file's names take longer to read than its tensors

    def __enter__(self) -> Tensors:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.clear()

    def __getitem__(self, name: str) -> Tensor:
        file = self._files[name]
        safe = file.suffix == ".safetensors"
        if file not in self._open:
            load = partial(torch.load, map_location="cpu", weights_only=True, mmap=True)
            self._open[file] = safe_open(file, "pt") if safe else load(file)
        found: Tensor = self._open[file].get_tensor(name) if safe else self._open[file][name]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _names(file: Path) -> list[str]:
    if file.suffix == ".safetensors":
        with safe_open(file, "pt") as opened:
            return list(opened.keys())
    return list(torch.load(file, map_location="meta", weights_only=True))


def _renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str | None:
    for pattern, to in rules:
        if found := re.match(pattern, name):
            return found.expand(to) + name[found.end() :]
    return None
