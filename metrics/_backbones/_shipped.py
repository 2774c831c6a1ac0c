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
from avbench.ledger import NEEDS

M = TypeVar("M", bound=nn.Module)
FOLDER = Path(__file__).parents[1] / "_world"
Sizes = Mapping[str, Any]
Load = Callable[[Mapping[str, Tensor], str, Sizes], M]  # weights, their file for messages, sizes as JSON holds them


def file_of(name: str) -> Path:
    """Where the weights of the network `name` of the world lie or would lie."""
    return FOLDER / f"{name}.safetensors"


def ships(name: str) -> bool:
    """Whether the package has weights for the network `name` of the world."""
    return file_of(name).is_file()


def shipped(load: Load[M], name: str) -> M:
    """The network `name` of the world, on the GPU where there is one.

    Raises Unscored where it has no weights, and UsageError where its file is broken.
    """
    return _loaded(load, file_of(name))


def read(load: Load[M], path: Path) -> M:
    """The network that `write` wrote to `path`, in full precision, in evaluation mode. Raises as `unpack` does."""
    state, sizes = unpack(path)
    return load(state, str(path), sizes)


def unpack(path: Path) -> tuple[dict[str, Tensor], Sizes]:
    """Weights in full precision, and sizes, of a file of `write`.

    Raises Unscored where there is none, and UsageError where it is broken.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in list(file.keys())}
        sizes = json.loads(facts["sizes"])
    except FileNotFoundError as error:
        how = f"avbench train {path.stem} --out DIR, then copy its weights to {path}"
        raise Unscored(f"{NEEDS}weights of {path.stem}, which are not here: {how}") from error
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise UsageError(f"{path} is no weights file of this package: {error}") from error
    return {key: t.float() if t.is_floating_point() else t for key, t in state.items()}, sizes


def write(path: Path, state: Mapping[str, Tensor], sizes: Sizes, facts: Mapping[str, object]) -> Path:
    """The weights in fp16, with the network's `sizes` and whatever `facts` of its training; written atomically."""
    half = {key: (t.detach().half() if t.is_floating_point() else t).cpu().contiguous() for key, t in state.items()}
    part = path.with_suffix(".part")
    save_file(half, part, {"sizes": json.dumps(dict(sizes)), **{key: str(value) for key, value in facts.items()}})
    part.replace(path)
    return path


@cache
def _loaded(load: Load[M], path: Path) -> M:
    return read(load, path).to("cuda" if torch.cuda.is_available() else "cpu")
