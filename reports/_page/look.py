"""What a page shows of one clip beside the clip itself: a picture, the waveform and the onsets; decoded once, kept."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avbench.errors import MediaError
from avbench.files import write_atomically
from avbench.media.load import load_image, load_sound
from avbench.media.onsets import onset_times
from avbench.media.probe import probe
from avbench.store import Entry

VERSION = "1"  # of what is computed here: another one makes kept looks stale
RATE = 22_050  # at which onsets are defined
BINS = 240
AUDIBLE = 1e-3  # -60 dBFS: below it an onset is the codec's noise
POSTER = 320  # pixels of the longer side
SUFFIX_MIME = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}


@dataclass(frozen=True, slots=True)
class Look:
    """`seconds` is the clip's length; the waveform is the lowest and highest sample of equal parts of its audio.

    `low` and `high` (BINS,) are in -1..1 and span `audio` seconds from `start` on; `onsets` are seconds on the clip's
    axis. `poster` is a JPEG in base64. `why` says what could not be decoded; then the fields that need it are empty.
    """

    seconds: float = 0.0
    fps: float = 0.0
    start: float = 0.0
    audio: float = 0.0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    onsets: tuple[float, ...] = ()
    poster: str = ""
    width: int = 0
    height: int = 0
    why: str = ""


def look(path: Path) -> Look:
    """Look at the clip at `path`; whatever is wrong with it ends up in `why`."""
    try:
        info = probe(path)
    except MediaError as error:
        return Look(why=str(error))
    video, sound = info.video, info.audio
    ends = [s.start + s.duration for s in (video, sound) if s is not None and s.duration is not None]
    found = Look(seconds=max(ends, default=0.0), fps=float(video.fps or 0) if video else 0.0)
    reasons = []
    if video is not None:
        try:
            found = replace(found, width=video.width, height=video.height, poster=_jpeg(load_image(path)))
        except MediaError as error:
            reasons.append(str(error))
    if sound is not None:
        try:
            found = _heard(found, path)
        except MediaError as error:
            reasons.append(str(error))
    return replace(found, why="; ".join(reasons))


def looks(entries: Sequence[Entry], kept: Path, workers: int, tick: Callable[[int], object]) -> Mapping[str, Look]:
    """Digest of a clip's content to its look; those in the file `kept` are not made again. `tick` counts them."""
    wanted = {entry.sha256: entry.clip.path for entry in entries if entry.sha256}
    known = {digest: found for digest, found in _read(kept).items() if digest in wanted}
    missing = {digest: path for digest, path in wanted.items() if digest not in known}
    tick(len(known))
    with ThreadPoolExecutor(workers) as pool:
        for digest, found in zip(missing, pool.map(look, missing.values()), strict=True):
            known[digest] = found
            tick(1)
    if missing:
        lines = [json.dumps({"version": VERSION, "sha256": digest, **asdict(known[digest])}) for digest in known]
        write_atomically(kept, lambda path: path.write_text("\n".join(lines), encoding="utf-8"))
    return known


def mime(path: Path) -> str:
    """The media type that a browser is told, by suffix; empty where it must find out."""
    return SUFFIX_MIME.get(path.suffix.lower(), "")


def workers() -> int:
    """Decoding lets go of the interpreter's lock only half of the time: more than four threads do not pay."""
    return min(4, os.cpu_count() or 1)


def _heard(found: Look, path: Path) -> Look:
    sound = load_sound(path, RATE)
    low, high = envelope(sound.samples)
    loud = float(np.abs(sound.samples).max(initial=0.0)) > AUDIBLE
    return replace(
        found,
        start=round(sound.start, 4),
        audio=round(len(sound.samples) / sound.rate, 4),
        seconds=max(found.seconds, sound.start + len(sound.samples) / sound.rate),
        low=low,
        high=high,
        onsets=_rounded(onset_times(sound.samples, sound.rate) + sound.start, 3) if loud else (),
    )


def envelope(samples: NDArray[np.float32], bins: int = BINS) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The lowest and the highest sample (bins,) of `bins` equal parts of the samples (S,), clipped to -1..1."""
    edges = np.linspace(0, len(samples), min(bins, len(samples)) + 1).astype(int)[:-1]
    if not len(edges):
        return (), ()
    inside = np.clip(samples, -1, 1)
    return _rounded(np.minimum.reduceat(inside, edges), 3), _rounded(np.maximum.reduceat(inside, edges), 3)


def _rounded(values: NDArray[np.floating], decimals: int) -> tuple[float, ...]:
    return tuple(round(float(value), decimals) for value in values)


def _jpeg(picture: NDArray[np.uint8]) -> str:
    import cv2

    scale = min(1.0, POSTER / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    done, coded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return base64.b64encode(coded.tobytes()).decode("ascii") if done else ""


def _read(kept: Path) -> dict[str, Look]:
    """What an earlier report has kept; a file that is damaged, or of another version, is as good as none."""
    try:
        rows = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
        return {
            row.pop("sha256"): Look(**row | {name: tuple(row[name]) for name in ("low", "high", "onsets")})
            for row in rows
            if row.pop("version") == VERSION
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
