"""Keeps secrets out of everything that is stored."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avbench.records import JSON

_NAME = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
_SHORTEST = 8  # shorter values of such variables are words like `1` or `none`
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def clean(text: str) -> str:
    """Text fit to be stored: it is UTF-8, and values of environment variables that sound secret are blotted out."""
    for value, name in _secrets():
        text = text.replace(value, f"[{name}]")
    return _CREDENTIALS.sub("", text).encode("utf-8", "backslashreplace").decode()


def clean_facts(facts: JSON) -> JSON:
    """The same with every text in it clean. (To clean the JSON's text instead might break it.)"""
    if isinstance(facts, str):
        return clean(facts)
    if isinstance(facts, Mapping):
        return {clean(key): clean_facts(value) for key, value in facts.items()}
    return [clean_facts(value) for value in facts] if isinstance(facts, Sequence) else facts


@cache
def _secrets() -> tuple[tuple[str, str], ...]:
    found = [(value, name) for name, value in os.environ.items() if _NAME.search(name) and len(value) >= _SHORTEST]
    return tuple(sorted(found, key=lambda pair: -len(pair[0])))  # a secret may be a part of a longer one
