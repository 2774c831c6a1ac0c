"""Making clips: what a worker does with a generator, and how the ledger's open clips get done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from avbench import maps, registry
from avbench.clips import FileFacts, identify
from avbench.errors import UsageError
from avbench.executor import Executor, Job, Outcome
from avbench.ledger import DONE, Ledger
from avbench.parts import Generator, Request, Setting
from avbench.plan import fingerprint, sampling_seed
from avbench.progress import progress, say
from avbench.records import Clip
from avbench.store import Entry
from avbench.suites import prompt_to_json

Batch = tuple[Entry, ...]
Made = tuple[FileFacts, ...]


@dataclass(frozen=True, slots=True)
class GeneratorFacts:
    """What decides a generator's clips besides the request, and how many it makes at a time."""

    version: str
    settings: Mapping[str, Setting]
    batch: int
    diagnoses: bool = False


@dataclass(frozen=True, slots=True)
class Describe:
    """Job: the name of a generator to its facts."""

    def open(self, device: str) -> Callable[[str], GeneratorFacts]:
        def describe(model: str) -> GeneratorFacts:
            generator = _generator(model, device)
            return facts_of(generator)

        return describe


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes a model's clips: what decides them, and the job that makes a batch of them."""

    facts: GeneratorFacts
    job: Job[Batch, Made]


@dataclass(frozen=True, slots=True)
class Generate:
    """Job: a batch of clips to what was written at their paths, heat maps beside them with `diagnostics`."""

    model: str
    diagnostics: bool = False

    def open(self, device: str) -> Callable[[Batch], Made]:
        return generating(_generator(self.model, device), self.model, diagnostics=self.diagnostics)


def facts_of(generator: Generator) -> GeneratorFacts:
    return GeneratorFacts(generator.version, dict(generator.settings()), generator.batch, generator.diagnoses)


def generating(
    generator: Generator, name: str, noise: str | None = None, diagnostics: bool = False
) -> Callable[[Batch], Made]:
    """A worker's way with a generator. Seeds are those of the model `noise` where several are to be paired."""
    from avbench.media import mux

    def generate(batch: Batch) -> Made:
        clips = [entry.clip for entry in batch]
        seeds = [sampling_seed(noise or clip.model, clip.prompt.id, clip.seed) for clip in clips]
        asked = [Request(clip.prompt, seed, diagnostics) for clip, seed in zip(clips, seeds, strict=True)]
        samples = generator.generate(asked)
        if len(samples) != len(clips):
            raise ValueError(f"{name} gave {len(samples)} samples for {len(clips)} requests")
        for clip, sample in zip(clips, samples, strict=True):
            clip.path.parent.mkdir(parents=True, exist_ok=True)
            if sample.maps:
                maps.write(clip.path, sample.maps, len(sample.frames))
            mux.write(clip.path, sample)
        return tuple(identify(clip.path) for clip in clips)

    return generate


def generators(models: Sequence[str], executor: Executor, diagnostics: bool = False) -> dict[str, Maker]:
    """The makers that are generators. Raises UsageError naming the model that cannot start."""
    makers = {}
    for model in models:
        (outcome,) = executor.map(Describe(), [model])
        if outcome.result is None:
            raise UsageError(f"model {model!r} cannot start: {outcome.failure}")
        makers[model] = Maker(outcome.result, Generate(model, diagnostics and outcome.result.diagnoses))
    return makers


def make_clips(
    ledger: Ledger, makers: Mapping[str, Maker], suites: Sequence[str], executor: Executor, diagnostics: bool = False
) -> None:
    """Make every clip that is not there as its model, settings, prompt and seed would make it now.

    With `diagnostics`, clips that lack the maps which their model can give are made again.
    """
    for model, maker in makers.items():
        known = maker.facts
        ids = [id for suite in suites for id in ledger.ids(model, suite)]
        done = (entry for entry in ledger.each(ids) if entry.state == DONE)
        stale = [entry.id for entry in done if entry.fingerprint != _fingerprint(entry.clip, known)]
        if stale:
            say(f"{model}: {len(stale)} clips were made with other settings or prompts; they are made again")
            ledger.reset(stale)
        if diagnostics and known.diagnoses:
            made = (entry for entry in ledger.each(ids) if entry.state == DONE)
            if bare := [entry.id for entry in made if not maps.path_of(entry.clip.path).is_file()]:
                say(f"{model}: {len(bare)} clips were made without diagnostics; they are made again")
                ledger.reset(bare)
        todo = [entry.id for entry in ledger.each(ids) if entry.state != DONE]
        if todo:
            with progress(len(todo), f"generate {model}") as tick:
                for outcome in _made(maker.job, ledger.each(todo), known.batch, executor):
                    for entry, file in zip(outcome.item, outcome.result or [None] * len(outcome.item), strict=True):
                        if file is None:
                            ledger.put_failure(entry.id, outcome.failure)
                        else:
                            ledger.put_clip(entry.id, file, _fingerprint(entry.clip, known))
                    tick(len(outcome.item))


def _made(
    job: Job[Batch, Made], todo: Iterator[Entry], size: int, executor: Executor
) -> Iterator[Outcome[Batch, Made]]:
    """Outcomes of all clips. The clips of a batch that failed are tried one by one, so that one cannot fail others."""
    again: list[Entry] = []
    batches = iter(lambda: tuple(islice(todo, size)), ())
    for outcome in executor.map(job, batches):
        if outcome.result is None and len(outcome.item) > 1:
            again.extend(outcome.item)
        else:
            yield outcome
    alone: Iterator[Batch] = ((entry,) for entry in again)
    yield from executor.map(job, alone)


def _fingerprint(clip: Clip, facts: GeneratorFacts) -> str:
    seed = sampling_seed(clip.model, clip.prompt.id, clip.seed)
    return fingerprint(clip.model, facts.version, facts.settings, prompt_to_json(clip.prompt), seed)


@lru_cache(maxsize=1)  # Describe and Generate share it; the next model takes its place in memory
def _generator(model: str, device: str) -> Generator:
    return registry.load(Generator, model)(device)
