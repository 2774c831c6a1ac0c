"""Downloads that survive interruptions and never leave a wrong file in place."""

from __future__ import annotations

import json
import os
from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from avbench.errors import AvbenchError
from avbench.weights import CHUNK, Verdict, Weights, digest_of, path_of, receipt_of, verify

ATTEMPTS = 5
TIMEOUT_S = 30.0


class DownloadError(AvbenchError):
    """A checkpoint could not be fetched; what arrived is kept and the next pull goes on from there."""

    exit_code = 3


class Progress(Protocol):
    def __call__(self, received: int, total: int | None) -> None: ...


def address_of(weights: Weights) -> str:
    """The publisher's address, or the file's name under $AVBENCH_MIRROR."""
    mirror = os.environ.get("AVBENCH_MIRROR")
    return f"{mirror.rstrip('/')}/{quote(weights.file)}" if mirror else weights.address


def pull(weights: Weights, progress: Progress | None = None) -> Path:
    """Fetch one checkpoint: resume what an earlier pull left, verify, then put it in place in one step.

    Raises DownloadError when the server fails, the length is wrong or the digest is not the official one.
    """
    target, address = path_of(weights), address_of(weights)
    if verify(weights) is Verdict.OFFICIAL:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    last = ""
    for _ in range(ATTEMPTS):
        if weights.digest and verify(weights, part) is Verdict.OFFICIAL:
            break
        try:
            _receive(address, part, progress)
            break
        except (URLError, HTTPException, OSError) as error:
            if isinstance(error, HTTPError) and error.code < 500:
                raise DownloadError(_advice(weights, address, error.code)) from None
            last = str(error)
    else:
        raise DownloadError(f"{address}: {last} ({ATTEMPTS} attempts); run the same command to go on")
    if weights.digest and verify(weights, part) is Verdict.WRONG:
        part.unlink()
        raise DownloadError(f"{address}: the digest is not {weights.digest}; the file was deleted")
    note = {"address": address, "sha256": digest_of(part, "sha256")}
    receipt_of(weights).write_text(json.dumps(note), encoding="utf-8")
    return part.replace(target)


def _receive(address: str, part: Path, progress: Progress | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = Request(address, headers={"User-Agent": "avbench"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    token = os.environ.get("HF_TOKEN")
    if token and (urlsplit(address).hostname or "").endswith("huggingface.co"):
        # not sent on to the storage host that a download is redirected to
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        response = urlopen(request, timeout=TIMEOUT_S)
    except HTTPError as error:
        if error.code == 416 and have:  # the part is as long as the file and yet not it
            part.unlink()
            raise HTTPException(f"nothing follows byte {have}") from None
        raise
    with response:
        if response.status != 206:
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None else None
        with part.open("ab" if have else "wb") as file:
            received = have
            while chunk := response.read(CHUNK):
                file.write(chunk)
                received += len(chunk)
                if progress:
                    progress(received, total)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and received != total:
        raise HTTPException(f"got {received} of {total} bytes")


def _advice(weights: Weights, address: str, code: int) -> str:
    where = f"or put the file at {path_of(weights)} by hand"
    if code in (401, 403):
        return f"{address}: refused ({code}); accept its licence and set HF_TOKEN, {where}"
    return f"{address}: no such file ({code}); set AVBENCH_MIRROR to a mirror that has it, {where}"
