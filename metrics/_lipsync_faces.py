"""What the lip tower finds in a clip, and the arrays that a cache keeps of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._lipsync_studio import Rule, TalkingFace
from ._lipsync_track import Track


@dataclass(frozen=True, slots=True)
class TalkingFaces:
    """`by_rule` the tracks in order of their first face; `frames` the clip's at 25 fps, from `start` seconds on;
    `seen` of them have a face; `longest` and `size` are the longest track's detections and size in pixels.
    """

    by_rule: dict[Rule, tuple[TalkingFace, ...]]
    frames: int
    start: float
    seen: int
    longest: int
    size: float


def pack(faces: TalkingFaces) -> dict[str, NDArray[Any]]:
    """Parts that several tracks share are there once, as `part.K`; `R.F.parts` names those of rule R and its face F."""
    arrays: dict[str, NDArray[Any]] = {
        "counts": np.array([faces.frames, faces.seen, faces.longest]),
        "start, size": np.array([faces.start, faces.size]),
        "faces": np.array([len(found) for found in faces.by_rule.values()]),
    }
    numbers: dict[int, int] = {}
    for rule, found in enumerate(faces.by_rule.values()):
        for index, face in enumerate(found):
            for part in face.parts:
                arrays[f"part.{numbers.setdefault(id(part), len(numbers))}"] = part
            arrays[f"{rule}.{index}.parts"] = np.array([numbers[id(part)] for part in face.parts])
            arrays[f"{rule}.{index}.boxes"] = face.track.boxes
            arrays[f"{rule}.{index}.track"] = np.array([face.track.start, face.track.detections])
    return arrays


def unpack(arrays: Mapping[str, NDArray[Any]], rules: Sequence[Rule]) -> TalkingFaces:
    """The faces again; `rules` are those of `by_rule`. Raises KeyError or ValueError for other arrays."""
    frames, seen, longest = arrays["counts"].tolist()
    start, size = arrays["start, size"].tolist()
    by_rule = {}
    for number, (rule, count) in enumerate(zip(rules, arrays["faces"].tolist(), strict=True)):
        by_rule[rule] = tuple(_face(arrays, f"{number}.{index}") for index in range(count))
    return TalkingFaces(by_rule, frames, start, seen, longest, size)


def _face(arrays: Mapping[str, NDArray[Any]], prefix: str) -> TalkingFace:
    start, detections = arrays[f"{prefix}.track"].tolist()
    parts = tuple(arrays[f"part.{number}"] for number in arrays[f"{prefix}.parts"].tolist())
    return TalkingFace(Track(start, arrays[f"{prefix}.boxes"], detections), parts)
