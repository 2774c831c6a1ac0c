"""Reads the tensors of a TorchScript archive as data; the code inside is neither compiled nor run."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def is_torchscript(path: Path) -> bool:
    """Whether the file is a zip written by `torch.jit.save` (only those hold a `constants.pkl`)."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Parameters and buffers under their dotted names. Raises pickle.UnpicklingError for anything but plain data."""
    with zipfile.ZipFile(path) as archive:
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(pickled) as stream:
            root = _Unpickler(stream, archive, pickled.removesuffix(".pkl")).load()
    return dict(_tensors(root, ""))


class _Module:
    """Stands for any scripted module: holds its attributes and has no behaviour."""

    attributes: dict[str, Any]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.attributes = state


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(stream)
        self._archive, self._folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__"):
            return _Module
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return _tensor
        if module == "collections" and name == "OrderedDict":
            return OrderedDict
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch.jit._pickle":  # typed lists and tags: the value is the first argument
            return _first
        raise pickle.UnpicklingError(f"refuses {module}.{name}")

    def persistent_load(self, key: Any) -> Tensor:
        _, dtype, name, _, _ = key
        return torch.frombuffer(bytearray(self._archive.read(f"{self._folder}/{name}")), dtype=dtype)


def _first(value: Any, *_: Any) -> Any:
    return value


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    return storage.as_strided(size, stride, offset)


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, _Module):
        for key, child in value.attributes.items():
            yield from _tensors(child, f"{name}.{key}" if name else key)
