"""One safetensors file holds a trained scorer: weights in half precision, its sizes as JSON, facts of its training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from avbench.errors import Unscored

M = TypeVar("M", bound=nn.Module)


def save(path: Path, config: Mapping[str, Any], state: Mapping[str, Tensor], facts: Mapping[str, object]) -> Path:
    """Writes atomically; returns the path."""
    tensors = {
        name: (tensor.detach().half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in state.items()
    }
    part = path.with_suffix(".part")
    save_file(tensors, part, {"config": json.dumps(config), **{key: str(value) for key, value in facts.items()}})
    part.replace(path)
    return path


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Sizes and weights (float32) of a file of `save`. Raises Unscored when there is none or it is another's."""
    try:
        with safe_open(path, "pt") as file:
            config = json.loads((file.metadata() or {})["config"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise Unscored(f"needs weights {path.name}; train them: avbench train {path.stem} --out DIR") from error
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise Unscored(f"{path} holds no weights of a scorer: {error}") from error
    return config, {name: t.float() if t.dtype == torch.float16 else t for name, t in state.items()}


def fill(net: M, state: Mapping[str, Tensor], path: Path) -> M:
    """The network with these weights, to be used only. Raises Unscored where they do not fit."""
    try:
        net.load_state_dict(dict(state))
    except RuntimeError as error:
        raise Unscored(f"{path} holds weights of another network: {error}") from error
    return net.eval().requires_grad_(False)
