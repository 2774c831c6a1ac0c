"""Features of clips, from the cache where they are there: then no network runs, nor is it loaded, nor the clip decoded.

A backbone takes part by `Backbone.kept`. What a metric asks of a network beside the clip goes through `remembered`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from avbench.cache import Entry, current, digest, name_of
from avbench.clips import FileFacts, sidecar_of, stamp
from avbench.errors import NotApplicable, Unscored
from avbench.media.info import AudioInfo, MediaInfo, VideoInfo
from avbench.parts import Backbone, Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

F = TypeVar("F")


def extract(path: Path, file: FileFacts, backbones: Iterable[Backbone[Any]]) -> Features:
    """What `backbones` see in the clip, whose content is `file`; decodes the clip for those not in the cache.

    What is found is kept only if the file is still the one that `file` describes. Raises MediaError as `sweep` does.
    """
    from avbench.media.sweep import sweep

    wanted = list(dict.fromkeys(backbones))
    sidecar = sidecar_of(path)
    cache = current() if any(backbone.kept for backbone in wanted) else None
    if cache is None:
        return sweep(path, wanted, audio_path=sidecar)
    content = [file.sha256, sidecar is not None]
    names = _names(wanted, content)
    about = name_of("info", content, sidecar.name if sidecar else "")  # notes tell the side-car's name
    found: dict[Backbone[Any], object] = {}
    for backbone, name in names.items():
        if (entry := cache.get(name)) and (feature := _unpacked(backbone, entry)) is not None:
            found[backbone] = feature
    missing = [backbone for backbone in wanted if backbone not in found]
    if not missing and (entry := cache.get(about)) and (info := _info(entry.words, path)):
        return _Recalled(info, found)
    swept = sweep(path, missing, audio_path=sidecar)
    if stamp(path) == (file.size, file.modified):
        cache.put(about, Entry(words=_words(swept.info)))
        for backbone in missing:
            if backbone in names and (packed := _packed(backbone, swept)):
                cache.put(names[backbone], packed)
    return _Recalled(swept.info, found, swept)


def remembered(
    make: Callable[..., NDArray[Any]], *given: NDArray[Any] | str | int, weights: tuple[str, ...], version: str = "1"
) -> NDArray[Any]:
    """`make(*given)`, a pure function of this module and of networks with `weights`; from the cache where it is there.

    Raises Unscored where weights are missing or refused, and what `make` raises.
    """
    cache = current()
    if cache is None:
        return make(*given)
    values = [value if isinstance(value, str | int) else digest(value) for value in given]
    name = name_of("function", make.__module__, make.__qualname__, version, values, weights=weights)
    if (entry := cache.get(name)) and "value" in entry.arrays:
        return entry.arrays["value"]
    value = make(*given)
    cache.put(name, Entry({"value": value}))
    return value


class _Recalled(Features):
    """Features out of the cache, and the others out of a sweep."""

    def __init__(self, info: MediaInfo, found: Mapping[Backbone[Any], object], swept: Features | None = None) -> None:
        self.info = info
        self._found, self._swept = found, swept

    def __getitem__(self, backbone: Backbone[F]) -> F:
        if backbone not in self._found and self._swept is not None:
            return self._swept[backbone]
        found = self._found[backbone]
        if isinstance(found, Exception):
            raise found
        return cast(F, found)


def _names(backbones: Iterable[Backbone[Any]], content: list[object]) -> dict[Backbone[Any], str]:
    names: dict[Backbone[Any], str] = {}
    for backbone in backbones:
        if not backbone.kept or not is_dataclass(backbone):
            continue
        kind = type(backbone)
        settings = {field.name: repr(getattr(backbone, field.name)) for field in fields(backbone)}
        identity = ["backbone", kind.__module__, kind.__qualname__, settings, backbone.version]
        try:
            names[backbone] = name_of(*identity, content, weights=backbone.weights)
        except Unscored:  # without weights; the sweep says so
            continue
    return names


def _packed(backbone: Backbone[Any], swept: Features) -> Entry | None:
    """None where another run may find more: weights or packages may be missing."""
    try:
        return Entry(backbone.pack(swept[backbone]))
    except NotApplicable as reason:
        return Entry(words=str(reason))
    except Exception:
        return None


def _unpacked(backbone: Backbone[Any], entry: Entry) -> object:
    if entry.words:
        return NotApplicable(entry.words)
    try:
        return backbone.unpack(entry.arrays)
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def _words(info: MediaInfo) -> str:
    """JSON of all but the path."""
    return json.dumps({**asdict(info), "path": ""}, default=str)


def _info(words: str, path: Path) -> MediaInfo | None:
    try:
        stored = json.loads(words)
        video, audio = stored.pop("video"), stored.pop("audio")
        if video and video["fps"]:
            video["fps"] = Fraction(video["fps"])
        streams = {"video": VideoInfo(**video) if video else None, "audio": AudioInfo(**audio) if audio else None}
        return MediaInfo(**{**stored, **streams, "path": path, "notes": tuple(stored["notes"])})
    except (KeyError, TypeError, ValueError):
        return None
