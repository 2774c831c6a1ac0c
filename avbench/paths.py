"""File names for words that users choose: prompt ids, model names, suite names."""

from __future__ import annotations

import hashlib
import os
import re

_PLAIN = re.compile(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9_-])?")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")  # device names on Windows, with any suffix
_LONGEST = 80


def slug(word: str) -> str:
    """A file name for any text: at most 80 characters of `[A-Za-z0-9_.~-]`, never a path, hidden or a device name.

    Plain lower-case words stay as they are. Any other word keeps what can be kept and gains `~` and 12 digits of its
    SHA-256, so two words never share a name, also where the file system ignores case or Unicode normal form.
    """
    if len(word) <= _LONGEST and _PLAIN.fullmatch(word) and not _RESERVED.fullmatch(word):
        return word
    digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    kept = re.sub(r"[^A-Za-z0-9_]+", "-", word).strip("-_")[: _LONGEST - len(digest) - 1]
    return f"{kept or 'x'}~{digest}"


def decoded(name: str) -> str:
    """A name from the file system or the command line as text, the same in every locale; bytes that are no UTF-8
    are spelled out (`\\xe9`).
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")
