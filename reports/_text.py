"""Text from strangers (model names, reasons) made safe for one line."""

from __future__ import annotations

import unicodedata


def one_line(text: str) -> str:
    """The text without control characters, line ends and direction marks: they become spaces."""
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in text)
