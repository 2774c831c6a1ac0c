"""Text from strangers (model names, reasons) made safe for where it is shown."""

from __future__ import annotations

import re
import unicodedata


def one_line(text: str) -> str:
    """The text without control characters, line ends and direction marks: they become spaces."""
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in text)


def markdown(text: str) -> str:
    """Text as Markdown text: no table cell, code, link, HTML, mention or line of its own can start in it."""
    safe = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~@])", r"\\\1", safe)


def number(value: float, decimals: int) -> str:
    """The value rounded, without the sign of a rounded-off zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
