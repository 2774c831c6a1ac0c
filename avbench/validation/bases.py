"""The clips that faults are done to: scenes of the world that nothing was trained on, or a user's own clips."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from avbench.answers import Fault
from avbench.errors import MediaError, UsageError
from avbench.progress import say_some
from avbench.records import Clip, Prompt, Sample, SpeechLine
from avbench.validation.ladder import OF_WORLD, Level, picked, spoil
from avbench.world.speakers import HELD_OUT, SPEAKERS
from avbench.world.truth import Take

SECONDS = 5.0  # a clip of the world: the longest that any metric needs is 4.8
SIZE = 128  # pixels, as `--model world`
SEEDS = 0x7E57  # of the world's prompts; trainings draw from seeds of their own
Kind = Literal["speech", "ambient", "complex"]
FULL: tuple[tuple[Kind, Literal["en", "zh"], int], ...] = (
    ("speech", "en", 4),
    ("speech", "zh", 3),
    ("ambient", "en", 4),
    ("complex", "en", 3),
)
QUICK: tuple[tuple[Kind, Literal["en", "zh"], int], ...] = (
    ("speech", "en", 3),
    ("ambient", "en", 2),
)


@dataclass(frozen=True, slots=True)
class Base:
    """A clip without a fault: `prompt` is what was asked for, `other` the id of the clip that it is swapped with."""

    prompt: Prompt
    other: str
    file: Path | None = None

    @property
    def id(self) -> str:
        return self.prompt.id


@dataclass(frozen=True)
class Source(ABC):
    """Clips to spoil. `lossless`: spoilt clips are stored bit for bit."""

    bases: tuple[Base, ...]
    name: str
    lossless: bool

    @abstractmethod
    def spoilt(self, base: Base, level: Level) -> Sample:
        """The clip with a fault. Raises MediaError where the clip cannot be read."""

    @abstractmethod
    def allows(self, base: Base, kind: str) -> bool:
        """Whether a fault can be done to this clip."""

    def base(self, id: str) -> Base:
        return next(base for base in self.bases if base.id == id)

    def asked(self, base: Base, level: Level) -> Prompt:
        """What the spoilt clip is said to be of; faults of the text are done here."""
        prompt = replace(base.prompt, suite=level.name)
        other = self.base(base.other).prompt
        if level.kind == Fault.WRONG_CAPTION:
            return replace(prompt, video_caption=other.video_caption, audio_caption=other.audio_caption)
        if level.kind == Fault.REPLACE_WORDS:
            return replace(prompt, speech=misheard(prompt.speech, other.speech, level.value, base.id))
        return prompt


class World(Source):
    """Scenes of the world with speakers that no scorer has met."""

    def spoilt(self, base: Base, level: Level) -> Sample:
        take = _render(base.prompt)
        if level.kind == Fault.WRONG_FACE:
            take = _render(base.prompt, self._stranger(base.prompt))
        other = _render(self.base(base.other).prompt) if level.kind == Fault.SWAP_AUDIO else None
        take = spoil(take, level, base.id, other)
        return Sample(take.frames, take.fps, take.audio, take.sample_rate)

    def allows(self, base: Base, kind: str) -> bool:
        spoken = kind in (Fault.DROP_WORDS, Fault.WRONG_FACE, Fault.REPLACE_WORDS)
        return bool(base.prompt.speech) or not spoken

    def _stranger(self, prompt: Prompt) -> str:
        """Another held-out speaker."""
        own = prompt.speech[0].speaker
        return HELD_OUT[(HELD_OUT.index(own) + 1) % len(HELD_OUT)]


class Folder(Source):
    """A user's clips."""

    def spoilt(self, base: Base, level: Level) -> Sample:
        from avbench.validation.footage import like, load

        clip, other = load(_file(base)), None
        if level.kind == Fault.SWAP_AUDIO:
            other = like(clip, load(_file(self.base(base.other))))
        return spoil(clip, level, base.id, other)

    def allows(self, base: Base, kind: str) -> bool:
        other = self.base(base.other)
        if kind == Fault.REPLACE_WORDS:
            return other is not base and _language(base.prompt) == _language(other.prompt) != ""
        if kind == Fault.WRONG_CAPTION:
            return bool((base.prompt.video_caption or base.prompt.audio_caption) and other is not base)
        return kind not in OF_WORLD and not (kind == Fault.SWAP_AUDIO and other is base)


def world(counts: Sequence[tuple[Kind, Literal["en", "zh"], int]] = FULL) -> World:
    """Held-out scenes: so many of each kind and language, their speakers in turn, no two with the same event."""
    from avbench.world.prompts import sample_prompt

    bases: list[Base] = []
    for kind, language, count in counts:
        prompts: list[Prompt] = []
        rng = np.random.default_rng((SEEDS, len(bases)))
        while len(prompts) < count:
            prompt = sample_prompt(rng, kind, language)
            wanted = HELD_OUT[len(prompts) % len(HELD_OUT)]
            known = {known.tag("event") for known in prompts} if kind == "ambient" else set()
            if prompt.off_screen or prompt.tag("event") in known or (prompt.speech and _speaker(prompt) != wanted):
                continue
            tags = (*prompt.tags, f"subset:{kind}")
            prompts.append(replace(prompt, id=f"{kind}-{language}-{len(prompts)}", seconds=SECONDS, tags=tags))
        bases += _paired(prompts)
    return World(tuple(bases), "world", lossless=True)


def folder(clips: Sequence[Clip], name: str) -> Folder:
    """A user's clips, those that can be read. Raises UsageError when none is left."""
    from avbench.media.probe import probe

    kept: list[tuple[int, Clip]] = []
    left: list[tuple[int, Clip]] = []
    for index, clip in enumerate(clips):
        try:
            info = probe(clip.path)
            (kept if info.video and info.audio else left).append((index, clip))
        except (MediaError, OSError):
            left.append((index, clip))
    say_some("clips without picture or sound are left out", [clip.path.name for _, clip in left])
    if not kept:
        raise UsageError("nothing to validate with: no clip has both a picture and a sound")
    prompts = [replace(clip.prompt, id=f"{index:04d} {clip.path.stem}") for index, clip in kept]
    bases = [replace(base, file=clip.path) for base, (_, clip) in zip(_paired(prompts), kept, strict=True)]
    return Folder(tuple(bases), name, lossless=False)


def misheard(
    lines: Sequence[SpeechLine], others: Sequence[SpeechLine], share: float, seed: str
) -> tuple[SpeechLine, ...]:
    """The lines with a share of their words (characters of Chinese) replaced by words of other lines, in order."""
    apart = "" if lines[0].language == "zh" else " "
    words = [line.text.split() if apart else list(line.text) for line in lines]
    strange = [word for line in others for word in (line.text.split() if apart else line.text) if _spoken(word)]
    places = [(i, j) for i, line in enumerate(words) for j, word in enumerate(line) if _spoken(word)]
    for rank, place in enumerate(picked(len(places), share, zlib.crc32(seed.encode()))):
        i, j = places[place]
        candidates = (strange[(rank + step) % len(strange)] for step in range(len(strange)))
        words[i][j] = next((word for word in candidates if word.lower() != words[i][j].lower()), words[i][j])
    return tuple(replace(line, text=apart.join(text)) for line, text in zip(lines, words, strict=True))


def _spoken(word: str) -> bool:
    return any(letter.isalnum() for letter in word)


def _language(prompt: Prompt) -> str:
    """The language of the lines; '' where there is none, or more than one."""
    found = {line.language for line in prompt.speech}
    return found.pop() if len(found) == 1 else ""


def _paired(prompts: Sequence[Prompt]) -> list[Base]:
    """Each with the next one, the last with the first."""
    return [Base(prompt, prompts[(index + 1) % len(prompts)].id) for index, prompt in enumerate(prompts)]


def _speaker(prompt: Prompt) -> str:
    return prompt.speech[0].speaker


def _file(base: Base) -> Path:
    assert base.file is not None
    return base.file


@lru_cache(maxsize=32)  # the strengths of a fault are made one after the other, each of all scenes
def _render(prompt: Prompt, face_of: str = "") -> Take:
    from avbench.world.render import render

    return render(prompt, 0, SIZE, face_of=SPEAKERS.get(face_of))
