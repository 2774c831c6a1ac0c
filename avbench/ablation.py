"""An ablation: the checkpoints of a paper's table trained where they are missing, its rows sampled and scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from avbench import registry
from avbench.errors import UsageError
from avbench.executor import Executor
from avbench.generation import Batch, GeneratorFacts, Made, Maker, generating
from avbench.parts import Ablatable, AblationRow, Generator
from avbench.plan import Grid, seed_indices
from avbench.published import PublishedTable, published_values
from avbench.question import Question, to_make


@dataclass(frozen=True, slots=True)
class Ablation:
    """One table of a system, at a preset of it. `out` holds `data`, a folder a checkpoint, and `run`."""

    system: str
    table: str
    preset: str
    out: Path

    @property
    def part(self) -> type[Ablatable]:
        return _ablatable(self.system)

    @property
    def rows(self) -> tuple[AblationRow, ...]:
        return tuple(self.part.ablations()[self.table])

    def weights(self, row: AblationRow) -> Path:
        return self.out / row.checkpoint / "weights.safetensors"

    @property
    def missing(self) -> tuple[AblationRow, ...]:
        """The rows whose checkpoints must be trained, one a checkpoint."""
        wanted = {row.checkpoint: row for row in self.rows if not self.weights(row).is_file()}
        return tuple(wanted.values())

    @property
    def published(self) -> PublishedTable | None:
        """The paper's table; None where its numbers are not in the package."""
        place = (self.system, self.table.upper())
        values = tuple(v for v in published_values() if (v.source, v.table) == place)
        names = {row.name for row in self.rows}
        kept = tuple(value for value in values if value.method in names)
        return PublishedTable(*place, values[0].benchmark, values[0].subset, kept) if kept else None


@dataclass(frozen=True, slots=True)
class GenerateRow:
    """Job: a batch of clips to what a row's model wrote at their paths."""

    ablation: Ablation
    row: AblationRow

    def open(self, device: str) -> Callable[[Batch], Made]:
        generator = _generator(self.ablation, self.row, device)
        return generating(generator, self.row.name, noise=self.ablation.system)


def find(word: str, preset: str | None, out: Path) -> Ablation:
    """The ablation that `SYSTEM-TABLE` names. Raises UsageError with the known ones."""
    system, _, table = word.rpartition("-")
    known = [f"{name}-{each}" for name in registry.names(Generator) for each in _tables(name)]
    if word not in known:
        raise UsageError(f"unknown ablation {word!r}; known: {', '.join(known)}")
    part = _ablatable(system)
    if preset is not None and preset not in part.ablation_presets:
        raise UsageError(f"no ablation at preset {preset!r}; known: {', '.join(part.ablation_presets)}")
    return Ablation(system, table, preset or part.ablation_presets[0], out)


def train(ablation: Ablation, device: str, steps: int | None) -> None:
    """Trains what is missing; a training that was interrupted goes on."""
    for row in ablation.missing:
        folder = ablation.weights(row).parent
        resume = (folder / "last.pt").exists()
        ablation.part.train_row(
            ablation.table, row, ablation.preset, folder, data=ablation.out, resume=resume, device=device, steps=steps
        )


def ask(ablation: Ablation, suites: str, limit: int | None, seeds: str, metrics: str) -> Question:
    """The question whose models are the table's rows."""
    run = ablation.out / "run" / ablation.table
    asked = to_make(ablation.system, suites, limit=limit, seeds=seeds, out=run, metrics=metrics)
    names = tuple(row.name for row in ablation.rows)
    return replace(asked, clips=Grid(run, names, asked.suites, seed_indices(seeds), limit), models=names)


def makers(ablation: Ablation) -> Mapping[str, Maker]:
    """Who makes the rows' clips. All rows draw the same noise for a prompt and seed: rows are paired."""
    found = {}
    for row in ablation.rows:
        generator = _generator(ablation, row, "cpu")
        facts = GeneratorFacts(generator.version, dict(generator.settings()), generator.batch)
        found[row.name] = Maker(facts, GenerateRow(ablation, row))
    return found


def run(ablation: Ablation, question: Question, executor: Executor) -> Path:
    """Samples and scores the rows; returns the run directory."""
    from avbench.run import run as answer

    return answer(question, executor, makers(ablation)).out


def _generator(ablation: Ablation, row: AblationRow, device: str) -> Generator:
    return ablation.part.of_row(ablation.table, row, ablation.preset, ablation.weights(row), device)


def _tables(name: str) -> list[str]:
    part = registry.load(Generator, name)
    return list(part.ablations()) if issubclass(part, Ablatable) else []


def _ablatable(name: str) -> type[Ablatable]:
    part = registry.load(Generator, name)
    if not issubclass(part, Ablatable):
        raise UsageError(f"model {name!r} has no ablations")
    return part
