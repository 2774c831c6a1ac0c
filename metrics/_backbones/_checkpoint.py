"""Official checkpoints as networks, each loaded once a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from avbench.errors import Unscored, UsageError
from avbench.weights import locate

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

M = TypeVar("M", bound="nn.Module")


def network(load: Callable[[Mapping[str, Tensor], str], M], id: str, under: str | None = None) -> M:
    """The network that `load` makes of checkpoint `id`, or of its entry `under`, on the GPU where there is one.

    Raises Unscored when the file is absent, not the official one, or does not fit.
    """
    path = locate(id)
    return _loaded(load, path, under, path.stat().st_mtime_ns)


def device() -> torch.device:
    """The GPU where there is one."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_of(net: nn.Module) -> torch.device:
    """Where a network's weights are, and so its inputs must be."""
    return next(net.parameters()).device


@cache
def _loaded(load: Callable[[Mapping[str, Tensor], str], M], path: Path, under: str | None, modified: int) -> M:
    import torch

    from ._state import read_state

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # the goldens are of full float32
    try:
        net = load(read_state(path, under), str(path))
    except UsageError as error:
        raise Unscored(str(error)) from error
    return net.to(device())
