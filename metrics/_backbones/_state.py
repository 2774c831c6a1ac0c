"""Strict and safe reading of checkpoints: tensors only, every key accounted for."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar
from zipfile import ZIP_STORED, BadZipFile, ZipFile, is_zipfile

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from avbench.errors import UsageError

from ._torchscript import is_torchscript, read_torchscript

M = TypeVar("M", bound=nn.Module)

CODE = 16 << 20  # bytes of source in a TorchScript archive, which is compressed
_SHOWN = 6  # names printed of a long list
_BATCH_COUNTER = "*num_batches_tracked"  # checkpoints of before 2018 lack it; evaluation never reads it


def read_state(path: Path, under: str | None = None) -> dict[str, Tensor]:
    """The tensors of a `.safetensors`, PyTorch or TorchScript file; `under` names the entry that holds them, if any.

    Nothing in the file is executed. Raises UsageError when the file is absent, damaged, or needs code to be read.
    """
    if not path.is_file():
        raise UsageError(f"weights {path}: no such file; run `avbench weights pull` or put it there")
    try:
        if is_zipfile(path):
            _check_archive(path)
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        elif is_torchscript(path):
            state = read_torchscript(path)
        else:
            with _numpy_allowed():
                state = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError, BadZipFile) as error:
        raise UsageError(f"weights {path}: not readable as plain tensors ({_first_line(error)})") from error
    if under is not None and path.suffix != ".safetensors":
        if not isinstance(state, Mapping) or under not in state:
            raise UsageError(f"weights {path}: has no entry {under!r}; is this the official file?")
        state = state[under]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UsageError(f"weights {path}: is not a state dict (names to tensors); is this the official file?")
    return dict(state)


def _check_archive(path: Path) -> None:
    """PyTorch never compresses tensors; a file that does would unpack to whatever size it likes, or be read wrongly."""
    with ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.compress_type != ZIP_STORED and ("/data/" in entry.filename or entry.file_size > CODE):
                raise ValueError(f"{entry.filename} is compressed, {entry.file_size} bytes when unpacked")


def build(make: Callable[[], M], state: Mapping[str, Tensor], source: str, unused: Iterable[str] = ()) -> M:
    """The network of `make` holding `state`, in evaluation mode; weights are taken over, not copied.

    `unused` are patterns of official keys the network has no use for; every other key must match in name and shape,
    or a UsageError names the ones that do not. `source` is the file, for that message.
    """
    module = outline(make)
    wanted = module.state_dict()
    given = {key: value for key, value in state.items() if not any(fnmatch(key, pattern) for pattern in unused)}
    absent = [key for key in wanted if key not in given]
    missing = [key for key in absent if not fnmatch(key, _BATCH_COUNTER)]
    unexpected = [key for key in given if key not in wanted]
    misshapen = [
        f"{key} is {tuple(given[key].shape)}, not {tuple(value.shape)}"
        for key, value in wanted.items()
        if key in given and given[key].shape != value.shape
    ]
    named = (("missing", missing), ("unexpected", unexpected), ("wrong shape", misshapen))
    faults = [_listed(title, names) for title, names in named if names]
    if faults:
        raise UsageError(f"weights {source}: do not fit {type(module).__name__}; " + "; ".join(faults))
    counters = {key: torch.zeros((), dtype=torch.int64) for key in absent}
    module.load_state_dict({**given, **counters}, assign=True)
    return module.eval().requires_grad_(False)


def outline(make: Callable[[], M]) -> M:
    """The network of `make` with names and shapes but no values; costs no memory."""
    with torch.device("meta"), _NoInit():
        return make()


def uninitialised(make: Callable[[], M]) -> M:
    """The network of `make` without the random start that loading replaces; constants that it computes are there."""
    with _NoInit():
        return make()


class _NoInit(TorchFunctionMode):
    """Values without storage need no start; asking for normal ones makes torch import its compiler, for seconds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.normal_, Tensor.uniform_) or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _numpy_allowed() -> AbstractContextManager[Any]:
    """Lets plain NumPy numbers and arrays through: trainers keep step counts and sampler states beside the weights."""
    makers: dict[str, Any] = {"scalar": np.float64(0).__reduce__()[0], "_reconstruct": np.zeros(1).__reduce__()[0]}
    names = [(make, f"numpy.{core}.multiarray.{name}") for name, make in makers.items() for core in ("core", "_core")]
    kinds = {type(np.dtype(code)) for code in np.typecodes["AllInteger"] + np.typecodes["Float"] + "?"}
    return torch.serialization.safe_globals([*names, np.ndarray, np.dtype, *kinds])


def _listed(title: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{title}: {', '.join(names[:_SHOWN])}{more}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
