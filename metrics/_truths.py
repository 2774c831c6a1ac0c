"""Which reference clip a clip is compared with: the one of the same prompt, by its id or by the name of its file.

A folder of reference clips knows no prompts, its clips are called by their files: `grid.mp4` is of the prompt `grid`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avbench.clips import AUDIO, VIDEO
from avbench.errors import Unscored
from avbench.paths import slug
from avbench.set_metric import Materials, Summary

from ._distances import Features

_PROMPTS = "prompts"
_SHOWN = 3  # names of many in a reason


class Truths:
    """What reference clips left, by prompt."""

    def __init__(self, left: Mapping[str, NDArray[Any]]) -> None:
        self._left = left
        self._called: dict[str, list[str]] = defaultdict(list)
        for id in left:
            for name in {_bare(id), PurePosixPath(_bare(id)).name}:
                self._called[name].append(id)

    def __call__(self, prompt: str) -> NDArray[Any] | None:
        """That of a prompt, None where there is none. Raises Unscored where several could be meant."""
        if prompt in self._left:
            return self._left[prompt]
        for name in (_bare(prompt), slug(prompt)):
            match self._called.get(name, []):
                case [id]:
                    return self._left[id]
                case [one, other, *_]:
                    raise Unscored(f"prompt {prompt!r} has two reference clips, {one} and {other}: keep one of them")
        return None

    def why_none(self, prompts: Iterable[str]) -> str:
        """Why no clip has a reference, and the mend."""
        wanted, there = (_some(names) for names in (dict.fromkeys(prompts), self._left))
        return (
            f"no reference clip is of a prompt of these clips: looked for {wanted}, the reference has {there}; "
            "name its files by the prompts' ids (ID.mp4), or give --suite"
        )


def by_prompt(reference: Materials, name: str) -> dict[str, NDArray[Any]]:
    """Arrays of a summary: what each prompt's reference clip left, the last one's where there are several."""
    truth = {material.prompt_id: material.arrays[name] for material in reference}
    prompts = np.frombuffer(json.dumps(list(truth)).encode(), np.uint8)
    return {_PROMPTS: prompts, f"{name}_by_prompt": np.stack(list(truth.values()))}


def truths(reference: Summary, name: str) -> Truths:
    """What `by_prompt` kept."""
    prompts = json.loads(bytes(reference.arrays[_PROMPTS]))
    return Truths(dict(zip(prompts, reference.arrays[f"{name}_by_prompt"], strict=True)))


def pairs(materials: Materials, reference: Summary, name: str) -> tuple[list[str], Features, Features]:
    """The prompts of the clips that have a reference of the same prompt, and of each pair the truth and the clip's.

    Raises Unscored where none has.
    """
    truth = truths(reference, name)
    found = [(m.prompt_id, real, m.arrays[name]) for m in materials if (real := truth(m.prompt_id)) is not None]
    if not found:
        raise Unscored(truth.why_none(material.prompt_id for material in materials))
    shared, real, made = zip(*found, strict=True)
    return list(shared), np.stack(real), np.stack(made)


def _bare(id: str) -> str:
    """An id without the suffix of a media file."""
    suffix = PurePosixPath(id).suffix
    return id.removesuffix(suffix) if suffix.lower() in VIDEO | AUDIO else id


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(map(repr, known[:_SHOWN])) + more
