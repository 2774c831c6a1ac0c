"""Finds parts by file name. Listing imports no part, so `avbench --help` and `avbench list` stay instant."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TypeVar

from avbench.errors import UsageError
from avbench.parts import Benchmark, Generator, Metric, Report
from avbench.trainable import Decoder, Scorer, Trainable

P = TypeVar("P")
TRAINABLE = (Generator, Scorer, Decoder)

FOLDERS: dict[type[object], str] = {
    Benchmark: "benchmarks",
    Generator: "generators",
    Metric: "metrics",
    Report: "reports",
    Scorer: "metrics._world",
    Decoder: "generators._decoders",
}
WORDS: dict[type[object], str] = {
    Benchmark: "suite",
    Generator: "model",
    Metric: "metric",
    Report: "report",
    Scorer: "scorer",
    Decoder: "decoder",
}


def names(kind: type[object]) -> list[str]:
    """Names of all parts of a kind, own and third-party, sorted; imports none of them."""
    return sorted({*_own(kind), *foreign(kind)})


def load(kind: type[P], name: str) -> type[P]:
    """The class of the part `name`. Raises UsageError for an unknown name or a part that fails to import."""
    check(kind, name)
    if name in _own(kind):
        try:
            module = import_module(_module(kind, name))
        except ImportError as error:
            raise UsageError(f"{WORDS[kind]} {name!r} cannot be loaded: {error}") from error
        found = [c for c in vars(module).values() if _is_part(c, kind) and c.__module__ == module.__name__]
        if len(found) != 1:
            raise UsageError(f"{module.__name__} must define one {kind.__name__}, found {len(found)}")
        return found[0]  # type: ignore[no-any-return]
    point = foreign(kind)[name]
    try:
        part = point.load()
    except (Exception, SystemExit) as error:  # a stranger's code may do anything on import
        raise UsageError(
            f"{WORDS[kind]} {name!r} ({point.value}) is broken: {type(error).__name__}: {error}"
        ) from error
    if not _is_part(part, kind):
        raise UsageError(f"{WORDS[kind]} {name!r} ({point.value}) is broken: it is not a {kind.__name__}")
    return part  # type: ignore[no-any-return]


def load_trainable(name: str) -> type[Trainable]:
    """The generator, scorer or decoder `name` that can be trained. Raises UsageError naming those there are."""
    for kind in TRAINABLE:
        if name in names(kind):
            part = load(kind, name)
            if not issubclass(part, Trainable):
                raise UsageError(f"{WORDS[kind]} {name!r} cannot be trained here")
            return part
    raise UsageError(_unknown("model, scorer or decoder", name, [known for kind in TRAINABLE for known in names(kind)]))


def check(kind: type[object], name: str) -> None:
    """Raise UsageError with the nearest names unless there is a part of that name; imports nothing."""
    known = names(kind)
    if name not in known:
        raise UsageError(_unknown(WORDS[kind], name, known))


def summary(kind: type[object], name: str) -> str:
    """The first sentence of a part's file, read without importing it. A third-party part is loaded: that it loads
    is what one wants to know of it. Raises UsageError when it does not.
    """
    if name not in _own(kind):
        words = inspect.getdoc(load(kind, name)) or foreign(kind)[name].value
    else:
        folder = import_module(f"avbench.{FOLDERS[kind]}")
        module = _module(kind, name).rpartition(".")[2]
        file = next(file for path in folder.__path__ for file in _sources(Path(path), module))
        words = ast.get_docstring(ast.parse(file.read_bytes())) or ""
    return " ".join(words.partition("\n\n")[0].split())


def _unknown(word: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}"
    return f"unknown {word} {name!r}; {hint}"


def foreign(kind: type[object]) -> dict[str, EntryPoint]:
    """Third-party parts by name; a part of our own of the same name wins."""
    return _entry_points(FOLDERS[kind])


def _own(kind: type[object]) -> tuple[str, ...]:
    found = _modules(FOLDERS[kind])
    return tuple(name.replace("_", "-") for name in found) if kind is Benchmark else found


@cache
def _entry_points(folder: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"avbench.{folder}")}


@cache
def _modules(folder: str) -> tuple[str, ...]:
    found = pkgutil.iter_modules(import_module(f"avbench.{folder}").__path__)
    return tuple(module.name for module in found if not module.name.startswith("_"))


def _module(kind: type[object], name: str) -> str:
    return f"avbench.{FOLDERS[kind]}.{name.replace('-', '_')}"


def _sources(folder: Path, module: str) -> Iterator[Path]:
    return (file for file in (folder / f"{module}.py", folder / module / "__init__.py") if file.is_file())


def _is_part(candidate: object, kind: type[object]) -> bool:
    return inspect.isclass(candidate) and issubclass(candidate, kind) and not inspect.isabstract(candidate)
