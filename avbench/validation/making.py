"""Makes spoilt clips as an ordinary run makes a model's: every strength of every fault is a suite of that model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avbench.clips import identify, stamp
from avbench.generation import Batch, GeneratorFacts, Made, Maker
from avbench.plan import clip_path
from avbench.question import Question
from avbench.records import Clip, Suite
from avbench.suites import digest
from avbench.validation.bases import Source
from avbench.validation.ladder import Level

VERSION = "1"  # of the faults; another one makes the clips of an earlier run stale


@dataclass(frozen=True, slots=True)
class Spoil:
    """Job: a batch of clips to what was written at their paths."""

    source: Source
    levels: tuple[Level, ...]

    def open(self, device: str) -> Callable[[Batch], Made]:
        from avbench.media import mux

        levels = {level.name: level for level in self.levels}

        def make(batch: Batch) -> Made:
            for clip in (entry.clip for entry in batch):
                sample = self.source.spoilt(self.source.base(clip.prompt.id), levels[clip.prompt.suite])
                clip.path.parent.mkdir(parents=True, exist_ok=True)
                mux.write(clip.path, sample, lossless=self.source.lossless, master=not self.source.lossless)
            return tuple(identify(entry.clip.path) for entry in batch)

        return make


def question(source: Source, levels: Sequence[Level], out: Path, **more: object) -> Question:
    """What the ordinary engine is asked: every level's clips, scored by the metrics."""
    suites = [suite for level in levels if (suite := _suite(source, level)).prompts]
    clips = tuple(
        Clip(out.resolve() / clip_path(source.name, suite.name, prompt.id, 0), prompt, source.name)
        for suite in suites
        for prompt in suite.prompts
    )
    return Question(out, clips, tuple(suites), (source.name,), **more)  # type: ignore[arg-type]


def maker(source: Source, levels: Iterable[Level]) -> Maker:
    """Who makes the clips of `question`."""
    files = {base.id: f"{base.file} {stamp(base.file)}" for base in source.bases if base.file}
    settings = {"bases": digest(tuple(base.prompt for base in source.bases)), **files}
    return Maker(GeneratorFacts(VERSION, settings, batch=1), Spoil(source, tuple(levels)))


def _suite(source: Source, level: Level) -> Suite:
    prompts = tuple(source.asked(base, level) for base in source.bases if source.allows(base, level.kind))
    return Suite(level.name, VERSION, digest(prompts), prompts)
