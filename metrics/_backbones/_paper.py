"""The libraries of the extra `paper`: imported when a metric first needs one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from avbench.errors import Unscored


def library(name: str) -> Any:
    """The module `name`. Raises Unscored with the command that installs it."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise Unscored(f"needs extra paper (no module {error.name}); run pip install 'avbench[paper]'") from error
