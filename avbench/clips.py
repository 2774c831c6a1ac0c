"""Clips on disk: what identifies their content, which files of a folder are clips, and which prompt each is of."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avbench.errors import UsageError
from avbench.paths import decoded, slug
from avbench.records import Clip, Prompt, Suite
from avbench.rows import read_rows
from avbench.suites import prompt_of

VIDEO = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts"}
VIDEO |= {".flv", ".wmv", ".asf", ".ogv", ".gif", ".3gp", ".mxf"}
AUDIO = {".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus"}
SIDECAR = (".wav", ".flac")
FILES = "files"  # the suite of clips that nobody gave a prompt

_SEED = re.compile(r"(?P<stem>.+)_s(?P<seed>\d+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What identifies a clip's content, and what tells cheaply that it may have changed (side-car included)."""

    sha256: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Found:
    """The clips of a folder, and everything there or in the suite that was left out, for the talk."""

    clips: tuple[Clip, ...]
    ignored: tuple[Path, ...] = ()
    links: tuple[Path, ...] = ()
    sidecars: tuple[Path, ...] = ()
    extra: tuple[Path, ...] = ()
    missing: tuple[Prompt, ...] = ()


def identify(path: Path) -> FileFacts:
    """Read the clip (and its side-car) and say what it is. Raises OSError."""
    size, modified = stamp(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    if sidecar := sidecar_of(path):
        digest.update(sidecar.read_bytes())
    return FileFacts(digest.hexdigest(), size, modified)


def stamp(path: Path) -> tuple[int, int]:
    """Size and time stamp (ns) of a clip and its side-car together. Raises OSError."""
    stats = [file.stat() for file in (path, sidecar_of(path)) if file]
    return sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)


def sidecar_of(path: Path) -> Path | None:
    """The `.wav` or `.flac` of the same stem: the audio of a video that has none."""
    if path.suffix.lower() not in VIDEO:
        return None
    return next((audio for suffix in SIDECAR if (audio := path.with_suffix(suffix)).is_file()), None)


def find_clips(path: Path, model: str, suite: Suite | None = None) -> Found:
    """The clips at `path` (a file, or a folder and all below it, sorted), as clips of `model`.

    With a suite, file stems are matched to prompt ids (`<id>` or `<id>_s<seed>`, also in their file-name form);
    without, every clip is its own prompt, called by its path relative to the folder. Symbolic links that leave the
    folder are not followed. Raises UsageError when there is nothing to score.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist")
    path = path.resolve()  # the ledger keeps absolute paths of clips outside of the run directory
    root = path if path.is_dir() else path.parent
    files, ignored, links, sidecars = _files(path)
    found = Found((), tuple(ignored), tuple(links), tuple(sidecars))
    if suite is None:
        found = replace(found, clips=tuple(Clip(file, Prompt(_name(file, root), FILES), model) for file in files))
    else:
        found = _matched(found, files, suite, model)
    if not found.clips:
        why = f"no file's name is a prompt id of suite {suite.name!r}" if suite and files else "no media file"
        raise UsageError(f"nothing to score in {path}: {why}")
    return found


def _files(path: Path) -> tuple[list[Path], list[Path], list[Path], list[Path]]:
    if not path.is_dir():
        return [path], [], [], []
    root = path.resolve()
    files, ignored, links = [], [], []
    for folder, folders, names in os.walk(path):
        for name in sorted((*folders, *names), key=os.fsencode):
            file = Path(folder, name)
            if file.is_symlink() and not file.resolve().is_relative_to(root):
                links.append(file)
            elif name in folders or name.startswith("."):
                continue
            elif file.suffix.lower() in VIDEO | AUDIO:
                files.append(file)
            else:
                ignored.append(file)
    files.sort(key=lambda file: os.fsencode(file.relative_to(path)))
    sidecars = {sidecar for file in files if (sidecar := sidecar_of(file))}
    return [file for file in files if file not in sidecars], ignored, links, sorted(sidecars)


def _name(file: Path, root: Path) -> str:
    """The path as text, also where it is not valid UTF-8."""
    return decoded(str(file.relative_to(root)))


def _matched(found: Found, files: Sequence[Path], suite: Suite, model: str) -> Found:
    prompts = {slug(prompt.id): prompt for prompt in suite.prompts} | {prompt.id: prompt for prompt in suite.prompts}
    clips: dict[tuple[str, int], Clip] = {}
    extra = []
    for file in files:
        stem = decoded(file.stem)
        named = _SEED.fullmatch(stem)
        if stem in prompts:
            prompt, seed = prompts[stem], 0
        elif named and named["stem"] in prompts:
            prompt, seed = prompts[named["stem"]], int(named["seed"])
        else:
            extra.append(file)
            continue
        if (twin := clips.get((prompt.id, seed))) is not None:
            raise UsageError(f"{twin.path} and {file} are both prompt {prompt.id!r}, seed {seed}; keep one of them")
        clips[prompt.id, seed] = Clip(file, prompt, model, seed)
    there = {clip.prompt.id for clip in clips.values()}
    missing = tuple(prompt for prompt in suite.prompts if prompt.id not in there)
    return replace(found, clips=tuple(clips.values()), extra=tuple(extra), missing=missing)


def read_manifest(manifest: Path, root: Path, model: str) -> tuple[Clip, ...]:
    """The clips of a JSONL or CSV file: `path` below `root`, the fields of a prompt, and optionally `model` and `seed`.

    Raises UsageError naming file, line and field.
    """
    root = root.resolve()
    clips: dict[tuple[str, str, int], Clip] = {}
    for row in read_rows(manifest):
        name, seed = row.text("path"), row.cells.get("seed", 0)
        if not name:
            row.refuse("path", "missing; name the clip's file")
        if re.match(r"[A-Za-z]:[\\/]|\\\\", name):
            row.refuse("path", f"{name!r} is a path of Windows; give it relative to {root}")
        if "\\" in name and not (root / name).exists():  # a manifest that was written on Windows
            name = name.replace("\\", "/")
        path = root / name
        if not path.resolve().is_relative_to(root):
            row.refuse("path", f"{name!r} leaves {root}")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            row.refuse("seed", f"must be a seed index from 0 up, got {seed!r}")
        own = {"id": name, **{key: cell for key, cell in row.cells.items() if key not in ("path", "seed", "model")}}
        prompt = prompt_of(replace(row, cells=own), manifest.stem)
        clip = Clip(path, prompt, row.text("model") or model, seed)
        if clips.setdefault((clip.model, prompt.id, seed), clip) is not clip:
            row.refuse("id", f"{prompt.id!r} with seed {seed} of {clip.model} is already there; number them by `seed`")
    if not clips:
        raise UsageError(f"nothing to score: {manifest} names no clip")
    return tuple(clips.values())
