"""Brings clips to the pages: copied beside them, linked where they lie, or inside them."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from avbench.evidence import Exhibit
from avbench.files import write_atomically
from avbench.parts import Media
from avbench.paths import slug

from .look import Look, mime

CLIPS, POSTERS, MAPS = "clips", "posters", "maps"


@dataclass(frozen=True, slots=True)
class Stage:
    """The report's folder and how it holds media. Addresses are relative to `out`; a page prefixes its own way there.

    An address is percent-encoded: whatever a file is called, it stays a path.
    """

    out: Path
    media: Media

    def clip(self, exhibit: Exhibit) -> str:
        """The address of a clip that is there, after copying it where that is asked."""
        path = exhibit.entry.clip.path
        if self.media is Media.EMBED:
            return f"data:{mime(path) or 'video/mp4'};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
        if self.media is Media.LINK:
            return address(Path(os.path.relpath(path.resolve(), self.out.resolve())))
        clip = exhibit.entry.clip
        suffix = path.suffix if path.suffix[1:].isalnum() else ""
        name = Path(CLIPS, slug(exhibit.model), slug(clip.prompt.suite or "suite"))
        name /= f"{slug(clip.prompt.id)}_s{clip.seed}{suffix}"
        self._put(name, path.stat().st_size, path.stat().st_mtime_ns, lambda to: shutil.copy2(path, to))
        return address(name)

    def poster(self, look: Look, digest: str) -> str:
        """The address of a clip's picture; empty where it has none."""
        if not look.poster:
            return ""
        if self.media is Media.EMBED:
            return f"data:image/jpeg;base64,{look.poster}"
        name, data = Path(POSTERS, f"{digest[:20]}.jpg"), base64.b64decode(look.poster)
        self._put(name, len(data), None, lambda to: to.write_bytes(data))
        return address(name)

    def picture(self, data: bytes, name: str) -> str:
        """The address of a JPEG of ours, kept as `maps/NAME.jpg`."""
        if self.media is Media.EMBED:
            return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"
        path = Path(MAPS, f"{name}.jpg")
        (self.out / MAPS).mkdir(exist_ok=True)
        write_atomically(self.out / path, lambda to: to.write_bytes(data))
        return address(path)

    def clear(self) -> None:
        """Take away what an earlier report holds that this one does not need: the media of another way to hold it."""
        shutil.rmtree(self.out / MAPS, ignore_errors=True)
        if self.media is Media.EMBED:
            shutil.rmtree(self.out / POSTERS, ignore_errors=True)
        if self.media is not Media.COPY:
            shutil.rmtree(self.out / CLIPS, ignore_errors=True)

    def _put(self, name: Path, size: int, modified: int | None, write: Callable[[Path], object]) -> None:
        target = self.out / name
        if target.is_file():
            there = target.stat()
            if there.st_size == size and modified in (None, there.st_mtime_ns):
                return
        write_atomically(target, write)


def address(path: Path) -> str:
    """A relative URL of a relative path, also of a name that is not UTF-8."""
    return quote(os.fsencode(path.as_posix()))
