"""Official checkpoints as networks, each loaded once a process, and what goes to them and comes from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from avbench import devices
from avbench.errors import Unscored, UsageError
from avbench.weights import locate

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

M = TypeVar("M", bound="nn.Module")


def network(load: Callable[[Mapping[str, Tensor], str], M], id: str, under: str | None = None) -> M:
    """The network that `load` makes of the tensors of checkpoint `id`, or of its entry `under`; see `opened`."""
    return opened(_FromState(load, under), id)


def opened(read: Callable[[Path], M], id: str) -> M:
    """The network that `read` makes of the file of checkpoint `id`, on the device that this process computes on.

    Raises Unscored when the file is absent, not the official one, or does not fit.
    """
    path = locate(id)
    net: M = _opened(read, path, path.stat().st_mtime_ns, devices.current())
    return net


def device() -> torch.device:
    """Where networks are put."""
    import torch

    return torch.device(devices.current())


def device_of(net: nn.Module) -> torch.device:
    """Where a network's weights are, and so its inputs must be."""
    return next(net.parameters()).device


def up(data: NDArray[Any] | Tensor, net: nn.Module) -> Tensor:
    """`data` where the network is. A GPU fetches it from pinned memory, while this process goes on."""
    import torch

    tensor = torch.from_numpy(data) if isinstance(data, np.ndarray) else data
    if device_of(net).type == "cuda":
        tensor = _pinned(tensor)
    return tensor.to(device_of(net), non_blocking=True)


def down(found: Tensor) -> NDArray[np.float32]:
    """A network's answer as an array."""
    array: NDArray[np.float32] = found.cpu().numpy()
    return array


def batch(net: nn.Module, on_gpu: int) -> int:
    """How many items go through a network together: `on_gpu` there, one on a CPU, which gains nothing by more."""
    return on_gpu if device_of(net).type == "cuda" else 1


@dataclass(frozen=True)
class _FromState:
    load: Callable[[Mapping[str, Tensor], str], Any]
    under: str | None

    def __call__(self, path: Path) -> Any:
        from ._state import read_state

        return self.load(read_state(path, self.under), str(path))


@cache
def _opened(read: Callable[[Path], Any], path: Path, modified: int, device: str) -> Any:
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # the goldens are of full float32
    try:
        return read(path).to(device)
    except UsageError as error:
        raise Unscored(str(error)) from error


def _pinned(tensor: Tensor) -> Tensor:
    return tensor.pin_memory()
