"""Finds parts by file name. Listing imports no part, so `avbench --help` and `avbench list` stay instant."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from avbench.errors import UsageError
from avbench.parts import Benchmark, Generator, Metric, Report

P = TypeVar("P")

FOLDERS: dict[type, str] = {
    Benchmark: "benchmarks",
    Generator: "generators",
    Metric: "metrics",
    Report: "reports",
}


def names(kind: type) -> list[str]:
    """Names of all parts of a kind, own and third-party, sorted; imports none of them."""
    return sorted({*_own(kind), *_foreign(kind)})


def load(kind: type[P], name: str) -> type[P]:
    """The class of the part `name`. Raises UsageError for an unknown name or a part that fails to import."""
    module_name, foreign = name.replace("-", "_"), _foreign(kind)
    if name in _own(kind):
        try:
            module = import_module(f"avbench.{FOLDERS[kind]}.{module_name}")
        except ImportError as error:
            raise UsageError(f"{kind.__name__.lower()} {name!r} cannot be loaded: {error}") from error
        found = [c for c in vars(module).values() if _is_part(c, kind) and c.__module__ == module.__name__]
        if len(found) != 1:
            raise UsageError(f"{module.__name__} must define one {kind.__name__}, found {len(found)}")
        return found[0]  # type: ignore[no-any-return]
    if name in foreign:
        try:
            part = foreign[name].load()
        except Exception as error:  # a stranger's code may raise anything on import
            raise UsageError(f"{kind.__name__.lower()} {name!r} ({foreign[name].value}) is broken: {error}") from error
        if not _is_part(part, kind):
            raise UsageError(f"{foreign[name].value} is not a {kind.__name__}")
        return part  # type: ignore[no-any-return]
    raise UsageError(f"unknown {kind.__name__.lower()} {name!r}; known: {', '.join(names(kind))}")


def _own(kind: type) -> Iterator[str]:
    folder = import_module(f"avbench.{FOLDERS[kind]}")
    for module in pkgutil.iter_modules(folder.__path__):
        if not module.name.startswith("_"):
            yield module.name.replace("_", "-") if kind is Benchmark else module.name


def _foreign(kind: type) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"avbench.{FOLDERS[kind]}")}


def _is_part(candidate: object, kind: type) -> bool:
    return inspect.isclass(candidate) and issubclass(candidate, kind) and not inspect.isabstract(candidate)
