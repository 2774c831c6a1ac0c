"""Networks whose weights ship in the package: one safetensors file each, fp16, with its sizes and facts as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from avbench.errors import Unscored, UsageError

M = TypeVar("M", bound=nn.Module)
FOLDER = Path(__file__).parents[1] / "_world"
Sizes = Mapping[str, Any]
Load = Callable[[Mapping[str, Tensor], str, Sizes], M]  # weights, their file for messages, sizes as JSON holds them


def ships(name: str) -> bool:
    """Whether the package has weights for the network `name` of the world."""
    return (FOLDER / f"{name}.safetensors").is_file()


def shipped(load: Load[M], name: str) -> M:
    """The network `name` of the world, on the GPU where there is one.

    Raises Unscored where it has no weights, and UsageError where its file is broken.
    """
    path = FOLDER / f"{name}.safetensors"
    if not ships(name):
        raise Unscored(f"{name} has no weights here; run avbench train {name} --out DIR, copy its weights to {path}")
    return _loaded(load, path)


def read(load: Load[M], path: Path) -> M:
    """The network that `write` wrote to `path`, in full precision, in evaluation mode."""
    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in list(file.keys())}
        sizes = json.loads(facts["sizes"])
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise UsageError(f"{path} is no weights file of this package: {error}") from error
    return load({key: t.float() if t.is_floating_point() else t for key, t in state.items()}, str(path), sizes)


def write(path: Path, state: Mapping[str, Tensor], sizes: Sizes, facts: Mapping[str, object]) -> Path:
    """The weights in fp16, with the network's `sizes` and whatever `facts` of its training."""
    half = {key: (t.half() if t.is_floating_point() else t).contiguous() for key, t in state.items()}
    told = {key: str(value) for key, value in facts.items()}
    save_file(half, path, {"sizes": json.dumps(dict(sizes)), **told})
    return path


@cache
def _loaded(load: Load[M], path: Path) -> M:
    return read(load, path).to("cuda" if torch.cuda.is_available() else "cpu")
