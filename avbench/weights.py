"""The table of checkpoints: where each lies, whether it is the official file, and what its licence allows."""

from __future__ import annotations

import hashlib
import json
import os
import time
import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

from avbench.errors import Unscored, UsageError
from avbench.files import write_atomically

CHUNK = 1 << 20
SETTLED = 2_000_000_000  # ns
ALLOW = "AVBENCH_ALLOW_UNVERIFIED"  # "1": any file is taken, and its numbers are marked


@dataclass(frozen=True, slots=True)
class Weights:
    """One checkpoint. `digest` is `sha256:…` (whole or leading digits), `md5:…`, `git:…` (blob id) or empty.

    `megabytes` is about how large it is, 0 where nobody says.
    """

    id: str
    file: str
    address: str
    licence: str
    layout: str
    digest: str = ""
    megabytes: int = 0
    note: str = ""

    @property
    def commercial(self) -> str:
        """Whether the licence allows commercial use: `yes`, `no`, or `unknown` where the publisher states none."""
        return "no" if "-NC" in self.licence else "unknown" if "not stated" in self.licence else "yes"


class Verdict(StrEnum):
    """What is known of a file on disk. Only `OFFICIAL` gives numbers without `--allow-unverified`."""

    OFFICIAL = "official"
    UNVERIFIED = "unverified"
    WRONG = "wrong"
    MISSING = "missing"


@cache
def table() -> dict[str, Weights]:
    """Every checkpoint by id, in the table's order."""
    rows = tomllib.loads(files("avbench").joinpath("weights.toml").read_text(encoding="utf-8"))
    return {id: Weights(id, **row) for id, row in rows.items()}


def find(id: str) -> Weights:
    """The row `id`. Raises UsageError with the nearest ids."""
    if id in table():
        return table()[id]
    near = get_close_matches(id, table()) or sorted(table())
    raise UsageError(f'unknown weights "{id}"; known: {", ".join(near)}')


def home() -> Path:
    """The folder of downloaded checkpoints: $AVBENCH_HOME/weights, by default ~/.cache/avbench/weights."""
    return Path(os.environ.get("AVBENCH_HOME") or Path.home() / ".cache" / "avbench").expanduser() / "weights"


def path_of(weights: Weights) -> Path:
    """Where the file lies or would lie; a file put there by hand works as well."""
    return home() / weights.file


def receipt_of(weights: Weights) -> Path:
    """The note that `pull` leaves beside a file: its SHA-256 and the address that it came from."""
    return home() / f"{weights.file}.receipt.json"


def digest_of(path: Path, kind: str) -> str:
    """Hex digest of a file: `sha256`, `md5`, or `git` (SHA-1 over git's blob header and the content)."""
    if kind == "git":
        state = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    else:
        state = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            state.update(chunk)
    return state.hexdigest()


def verify(weights: Weights, path: Path | None = None, read: Callable[[Path, str], str] = digest_of) -> Verdict:
    """Read the whole file and say whether it is the official one."""
    path = path or path_of(weights)
    if not path.is_file():
        return Verdict.MISSING
    if weights.digest:
        kind, _, expected = weights.digest.partition(":")
        return Verdict.OFFICIAL if read(path, kind).startswith(expected) else Verdict.WRONG
    receipt = receipt_of(weights)
    if receipt.is_file():
        note = json.loads(receipt.read_text(encoding="utf-8"))
        if note["address"] == weights.address:
            return Verdict.OFFICIAL if read(path, "sha256") == note["sha256"] else Verdict.WRONG
    return Verdict.UNVERIFIED


def unverified_allowed() -> bool:
    """Whether $AVBENCH_ALLOW_UNVERIFIED lets files count that are not known to be the official ones."""
    return os.environ.get(ALLOW) == "1"


def backend(name: str) -> str:
    """A metric's backend id: `name`, marked where any weights are taken, so that such numbers get their own column."""
    return f"{name}+unverified" if unverified_allowed() else name


def locate(id: str, allow_unverified: bool | None = None) -> Path:
    """The verified file of checkpoint `id`; by default the environment says whether any other will do.

    Raises Unscored with the command that mends it.
    """
    weights = find(id)
    path = path_of(weights)
    if allow_unverified is None:
        allow_unverified = unverified_allowed()
    if allow_unverified and path.is_file():
        return path
    verdict = _verify_once(weights, path, path.stat().st_mtime_ns if path.exists() else 0)
    if verdict is Verdict.MISSING:
        raise Unscored(f'needs weights "{id}"; run avbench weights pull {id}')
    if verdict is Verdict.OFFICIAL:
        return path
    known = f"its digest is not {weights.digest}" if weights.digest else "no receipt of a download from its publisher"
    raise Unscored(f'weights "{id}" are {verdict.value} ({known}); pull them again or pass --allow-unverified')


def fingerprint(id: str) -> str:
    """The digest of the file of checkpoint `id`, official or not. Raises Unscored as `locate` does."""
    path = locate(id)
    kind = find(id).digest.partition(":")[0] or "sha256"
    return f"{kind}:{known_digest(path, kind)}"


def fingerprints(ids: Iterable[str]) -> dict[str, str]:
    """The digests of checkpoints by id, empty where a file is missing or refused."""
    found = {}
    for id in ids:
        try:
            found[id] = fingerprint(id)
        except Unscored:
            found[id] = ""
    return found


def known_digest(path: Path, kind: str) -> str:
    """`digest_of`, read again only when the file may have changed: gigabytes are hashed once, not once a process.

    What was found is noted beside the file with all that any change of it moves; nobody sets the change time.
    """
    return _digest_at(path, kind, _trace(path))


@cache
def _digest_at(path: Path, kind: str, trace: tuple[int, ...]) -> str:
    note = path.with_name(f".{path.name}.{kind}.json")
    with suppress(OSError, ValueError, TypeError, KeyError):
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["trace"] == list(trace):
            return str(known["digest"])
    found = digest_of(path, kind)
    settled = time.time_ns() - path.stat().st_ctime_ns > SETTLED  # a change in the same tick of the clock is not seen
    if settled and _trace(path) == trace:
        with suppress(OSError, UsageError):  # a folder that others share may not be writable
            text = json.dumps({"digest": found, "trace": trace})
            write_atomically(note, lambda new: new.write_text(text, encoding="utf-8"))
    return found


def _trace(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@cache
def _verify_once(weights: Weights, path: Path, modified: int) -> Verdict:
    return verify(weights, path, known_digest)
