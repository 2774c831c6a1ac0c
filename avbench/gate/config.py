"""gate.toml: which metrics decide and how much worse they may get. Whatever is not known is refused with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from avbench.errors import UsageError
from avbench.records import Direction

MOST = 8  # deciding metrics: with more, Holm leaves each little power
DEFAULT = "gate.toml"


class Scale(StrEnum):
    """What a margin is counted in."""

    UNIT = ""
    MEAN = "%"
    SPREAD = "sd"


@dataclass(frozen=True, slots=True)
class Margin:
    """How much worse a metric may get: in its unit, in % of the baseline's mean, or in spreads of its prompts."""

    size: float
    scale: Scale = Scale.UNIT

    def of(self, mean: float, spread: float) -> float:
        """The margin in the metric's unit."""
        return self.size * {Scale.UNIT: 1.0, Scale.MEAN: abs(mean) / 100, Scale.SPREAD: spread}[self.scale]


@dataclass(frozen=True, slots=True)
class Rule:
    """A deciding metric. `direction` None is the metric's own; `line` is where the file says so."""

    metric: str
    margin: Margin
    direction: Direction | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Config:
    """A gate.toml. `default` is the one that ships: of its rules those count whose metric the baseline has."""

    source: str
    rules: Mapping[str, Rule]
    alpha: float = 0.05
    minimum_prompts: int = 20
    resamples: int = 10_000
    seed: int = 0
    missing: int = 0
    new_failures: int = 0
    coverage_margin: float = 0.1
    guard_margin: float = 0.1
    ignored_guards: tuple[str, ...] = ()

    default: bool = False

    def rules_for(self, known: Iterable[str]) -> Mapping[str, Rule]:
        """The rules that apply to a baseline with the metrics `known`. Raises UsageError for one that it has not."""
        names = list(known)
        if self.default:
            found = {name: rule for name, rule in self.rules.items() if name in names}
            if not found:
                raise UsageError(
                    f"none of the metrics of the default gate is in the baseline ({', '.join(names)}): write your own "
                    "with `avbench gate RUN --init`"
                )
            return found
        for name, rule in self.rules.items():
            if name not in names:
                near = get_close_matches(name, names, n=3) or names
                place = f"{self.source}:{rule.line}: metrics.{name}"
                raise UsageError(f"{place}: the baseline has no such metric; it has {', '.join(near)}")
        return self.rules


def default_text() -> str:
    """The gate.toml that ships."""
    return files("avbench.gate").joinpath(DEFAULT).read_text(encoding="utf-8")


def read_config(path: Path | None) -> Config:
    """The configuration in a file, or the one that ships. Raises UsageError with file, line and field."""
    if path is None:
        return parse(default_text(), "the default gate.toml", default=True)
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; `avbench gate --init` writes one") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text; save the file as UTF-8") from None


def parse(text: str, source: str, *, default: bool = False) -> Config:
    """The configuration in a text. Raises UsageError with `source`, line and field."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: not TOML: {error}") from None
    table = _Table(source, text, "", content)
    table.only("gate", "clips", "guards", "metrics")
    gate, clips, guards, metrics = (table.table(name) for name in ("gate", "clips", "guards", "metrics"))
    gate.only("alpha", "minimum_prompts", "resamples", "seed")
    clips.only("missing", "new_failures", "coverage_margin")
    guards.only("margin", "ignore")
    rules = {name: _rule(metrics.table(name), name) for name in metrics.content}
    if not rules:
        raise UsageError(f"{source}: no [metrics.NAME] section: nothing would decide")
    if len(rules) > MOST:
        metrics.refuse(list(rules)[MOST], f"at most {MOST} metrics may decide, this is one too many")
    return Config(
        source,
        rules,
        alpha=gate.number("alpha", 0.05, 0.0001, 0.5),
        minimum_prompts=gate.count("minimum_prompts", 20, 2),
        resamples=gate.count("resamples", 10_000, 100),
        seed=gate.count("seed", 0, 0),
        missing=clips.count("missing", 0, 0),
        new_failures=clips.count("new_failures", 0, 0),
        coverage_margin=clips.number("coverage_margin", 0.1, 0, 1),
        guard_margin=guards.number("margin", 0.1, 0, 1),
        ignored_guards=guards.words("ignore"),
        default=default,
    )


def _rule(table: _Table, name: str) -> Rule:
    table.only("margin", "direction")
    if "margin" not in table.content:
        raise UsageError(f"{table.place()}: margin is missing; say how much worse the metric may get")
    direction = table.content.get("direction")
    known = [kind.value for kind in Direction]
    if direction is not None and direction not in known:
        table.refuse("direction", f"must be one of {', '.join(known)}")
    margin = _margin(table, table.content["margin"])
    return Rule(name, margin, Direction(direction) if direction else None, table.line())


def _margin(table: _Table, value: object) -> Margin:
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%|sd)\s*", value)):
        return Margin(float(found[1]), Scale(found[2]))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        table.refuse("margin", f'must be a number from 0 up, "5 %" or "0.25 sd", got {value!r}')
    return Margin(float(value))


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of a TOML file, whose complaints name file, line and field."""

    source: str
    text: str
    name: str
    content: Mapping[str, Any]

    def table(self, key: str) -> _Table:
        inner = self.content.get(key, {})
        if not isinstance(inner, dict):
            self.refuse(key, "must be a table, [" + self._full(key) + "]")
        return _Table(self.source, self.text, self._full(key), inner)

    def only(self, *known: str) -> None:
        for key in self.content:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                self.refuse(key, "unknown" + (f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"))

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self.content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.refuse(key, f"must be a number from {low} to {high}, got {value!r}")
        return float(value)

    def count(self, key: str, default: int, low: int) -> int:
        value = self.content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            self.refuse(key, f"must be a whole number from {low} up, got {value!r}")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self.refuse(key, f"must be a list of names, got {value!r}")
        return tuple(value)

    def refuse(self, key: str, problem: str) -> NoReturn:
        raise UsageError(f"{self.source}:{line_of(self.text, self._full(key))}: {self._full(key)}: {problem}")

    def line(self) -> int:
        return line_of(self.text, self.name)

    def place(self) -> str:
        return f"{self.source}:{self.line()}: {self.name}"

    def _full(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key


def line_of(text: str, name: str) -> int:
    """The line, from 1, in which the dotted key or table `name` of a TOML text is set; 1 where it cannot be told."""
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if head := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            table = _plain(head[1])
            if table == name or table.startswith(name + "."):
                return number
        elif key := re.match(r"\s*([\w.\"'\- ]+?)\s*=", line):
            full = f"{table}.{_plain(key[1])}" if table else _plain(key[1])
            if full == name or full.startswith(name + ".") or name.startswith(full + "."):
                return number
    return 1


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
