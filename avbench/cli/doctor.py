"""`avbench doctor`: what works on this machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import typer

from avbench.cli._options import AsJson
from avbench.errors import IncompleteError, UsageError
from avbench.registry import FOLDERS, WORDS, load, names


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` says what to do where it is not `ok`; an `optional` one may stay as it is."""

    name: str
    ok: bool
    found: str
    mend: str = ""
    optional: bool = False


def doctor(as_json: AsJson = False) -> None:
    """Say what works on this machine, what is missing, and the command that mends it; exit 3 when something is."""
    findings = [_looked(check) for check in CHECKS] + list(_parts())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            mark = "ok" if finding.ok else "--" if finding.optional else "NO"
            typer.echo(f"{mark}  {finding.name:18} {finding.found}")
            if not finding.ok:
                typer.echo(f"    {'':18} mend: {finding.mend}")
    if any(not finding.ok and not finding.optional for finding in findings):
        raise typer.Exit(IncompleteError.exit_code)


def _looked(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:  # whatever is broken about it is the finding
        mend = "reinstall: pip install --force-reinstall avbench"
        return Finding(check.__name__.strip("_"), False, f"{type(error).__name__}: {error}", mend)


def _python() -> Finding:
    return Finding("python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer")


def _torch() -> Finding:
    from avbench.devices import devices_of, gpus

    torch = import_module("torch")
    devices = devices_of("auto") if torch.cuda.is_available() else ["cpu"]
    idle = "; this torch build cannot use the GPU" if gpus() and devices == ["cpu"] else ""
    return Finding("torch", not idle, f"{torch.__version__} on {', '.join(devices)}{idle}", "install torch with CUDA")


def _media() -> Finding:
    av = import_module("av")
    lacks = [name for name in ("libx264", "aac") if name not in av.codecs_available]
    found = f"PyAV {av.__version__}" + (f" without {', '.join(lacks)}" if lacks else "")
    return Finding("media", not lacks, found, "pip install --force-reinstall 'av>=18,<19'")


def _faces() -> Finding:
    cv2 = import_module("cv2")
    there = Path(cv2.data.haarcascades, "haarcascade_frontalface_default.xml").is_file()
    mend = "pip uninstall opencv-python; pip install --force-reinstall 'opencv-python-headless<5'"
    return Finding("faces", there, f"OpenCV {cv2.__version__}" + ("" if there else " without Haar cascades"), mend)


def _speech() -> Finding:
    there = find_spec("espeakng_loader") or find_library("espeak-ng")
    found = "espeak-ng" if there else "no espeak-ng: the world speaks by a crude formant voice"
    return Finding("speech of world", bool(there), found, "pip install 'avbench[world]'", optional=True)


def _home() -> Finding:
    from avbench.weights import home

    folder = next(path for path in (home(), *home().parents) if path.exists())
    ok = folder.is_dir() and os.access(folder, os.W_OK)
    return Finding("home", ok, str(home().parent), f"make {folder} writable, or set AVBENCH_HOME to a folder that is")


def _cache() -> Finding:
    from avbench.cache import ROOM, SWITCH, current

    try:
        cache = current()
    except UsageError as error:
        return Finding("feature cache", False, str(error), f"unset {ROOM}")
    if cache is None:
        return Finding("feature cache", True, "off", optional=True)
    usage = cache.usage()
    there = next(path for path in (cache.folder, *cache.folder.parents) if path.exists())
    ok = there.is_dir() and os.access(there, os.W_OK)
    found = f"{cache.folder}: {usage.entries} entries, {usage.bytes / 1e9:.2f} of {cache.limit / 1e9:g} GB"
    return Finding("feature cache", ok, found, f"make {there} writable, or set {SWITCH} to another folder, or to off")


def _extra(package: str, extra: str) -> Callable[[], Finding]:
    def check() -> Finding:
        mend = f"pip install 'avbench[{extra}]'"
        try:
            return Finding(f"extra {extra}", True, f"{package} {version(package)}", optional=True)
        except PackageNotFoundError:
            return Finding(f"extra {extra}", False, f"{package} is not installed", mend, optional=True)

    return check


def _bundled() -> Finding:
    found = [
        file.name
        for folder in FOLDERS.values()
        for path in import_module(f"avbench.{folder}").__path__
        for file in sorted(Path(path).rglob("*.safetensors"))
    ]
    mend = "reinstall: pip install --force-reinstall avbench"
    return Finding("bundled weights", bool(found), ", ".join(found) or "none", mend)


CHECKS = (
    _python,
    _torch,
    _media,
    _faces,
    _speech,
    _home,
    _cache,
    _bundled,
    _extra("ray", "ray"),
    _extra("matplotlib", "train"),
)


def _parts() -> Iterator[Finding]:
    """One finding a kind of part, and one for each part that cannot be loaded."""
    for kind in FOLDERS:
        good = []
        for name in names(kind):
            try:
                load(kind, name)
                good.append(name)
            except UsageError as error:
                yield Finding(WORDS[kind], False, str(error), "repair or uninstall the package that it comes from")
        yield Finding(f"{WORDS[kind]}s", bool(good), ", ".join(good) or "none", "pip install --force-reinstall avbench")
