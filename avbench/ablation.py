"""An ablation: the checkpoints of a paper's table trained where they are missing, its rows sampled and scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from avbench import registry
from avbench.errors import UsageError
from avbench.executor import Executor
from avbench.generation import Batch, Made, Maker, facts_of, generating
from avbench.parts import Generator
from avbench.plan import Grid, seed_indices
from avbench.progress import say
from avbench.published import PublishedTable, published_values
from avbench.question import Question, to_make
from avbench.trainable import Ablatable, AblationRow


@dataclass(frozen=True, slots=True)
class Trial:
    """One training's share of a row: the same row trained from another seed is another trial."""

    row: AblationRow
    seed: int = 0

    @property
    def name(self) -> str:
        """What its clips' model is called; the first training has the row's own name."""
        return f"{self.row.name}, training {self.seed}" if self.seed else self.row.name

    @property
    def checkpoint(self) -> str:
        return f"{self.row.checkpoint}-{self.seed}" if self.seed else self.row.checkpoint


@dataclass(frozen=True, slots=True)
class Ablation:
    """One table of a system at a preset. `out` holds a folder a preset: in it `data`, a folder a checkpoint, `run`.

    Every checkpoint is trained `trainings` times, from the seeds 0, 1, …; `steps` overrides the preset's.
    """

    system: str
    table: str
    preset: str
    out: Path
    trainings: int = 1
    steps: int | None = None

    @property
    def part(self) -> type[Ablatable]:
        return _ablatable(self.system)

    @property
    def rows(self) -> tuple[AblationRow, ...]:
        return tuple(self.part.ablations()[self.table])

    @property
    def trials(self) -> tuple[Trial, ...]:
        return tuple(Trial(row, seed) for row in self.rows for seed in range(self.trainings))

    @property
    def folder(self) -> Path:
        return self.out / self.preset

    @property
    def run(self) -> Path:
        return self.folder / "run" / self.table

    def weights(self, trial: Trial) -> Path:
        return self.folder / trial.checkpoint / "weights.safetensors"

    @property
    def missing(self) -> tuple[Trial, ...]:
        """The trials whose checkpoints must be trained, one a checkpoint.

        Raises UsageError for one that was trained another number of steps: rows would differ in more than a switch.
        """
        asked = self.steps or self.part.steps_of(self.preset)
        wanted: dict[str, Trial] = {}
        for trial in self.trials:
            path = self.weights(trial)
            if not path.is_file():
                wanted.setdefault(trial.checkpoint, trial)
            elif (known := self.part.steps_of(self.preset, path)) != asked:
                raise UsageError(
                    f"{path} has {known} steps behind it, and {asked} are asked for; give --steps {known}, delete "
                    f"{path.parent} to train it anew, or choose another --out"
                )
        return tuple(wanted.values())

    @property
    def published(self) -> PublishedTable:
        """The paper's rows that ours repeat."""
        place = (self.system, self.table.upper())
        names = {row.name for row in self.rows}
        values = tuple(v for v in published_values() if (v.source, v.table) == place and v.method in names)
        return PublishedTable(*place, values[0].benchmark, values[0].subset, values)


@dataclass(frozen=True, slots=True)
class GenerateRow:
    """Job: a batch of clips to what a trial's model wrote at their paths."""

    ablation: Ablation
    trial: Trial

    def open(self, device: str) -> Callable[[Batch], Made]:
        generator = _generator(self.ablation, self.trial, device)
        return generating(generator, self.trial.name, noise=self.ablation.system)


def find(word: str, preset: str | None, out: Path | None, trainings: int = 1, steps: int | None = None) -> Ablation:
    """The ablation that `SYSTEM-TABLE` names. Raises UsageError with the known ones."""
    system, _, table = word.lower().rpartition("-")
    known = [f"{name}-{each}" for name in registry.names(Generator) for each in _tables(name)]
    if word.lower() not in known:
        raise UsageError(f"unknown ablation {word!r}; known: {', '.join(known)}")
    part = _ablatable(system)
    if preset is not None and preset not in part.ablation_presets:
        raise UsageError(f"no ablation at preset {preset!r}; known: {', '.join(part.ablation_presets)}")
    folder = Path("runs", "ablations", system) if out is None else out
    return Ablation(system, table, preset or part.ablation_presets[0], folder, trainings, steps)


def train(ablation: Ablation, device: str) -> None:
    """Trains what is missing; a training that was interrupted goes on."""
    missing = ablation.missing
    for i, trial in enumerate(missing):
        folder = ablation.weights(trial).parent
        resume = (folder / "last.pt").exists()
        say(f"{'resume' if resume else 'train'} {trial.checkpoint} ({i + 1} of {len(missing)}) in {folder}")
        ablation.part.train_row(
            ablation.table, trial.row, ablation.preset, folder, data=ablation.folder / "data", resume=resume,
            device=device, steps=ablation.steps, seed=trial.seed,
        )  # fmt: skip


def ask(ablation: Ablation, suites: str, limit: int | None, seeds: str, metrics: str) -> Question:
    """The question whose models are the table's rows. Raises UsageError for whatever is unknown."""
    asked = to_make(ablation.system, suites, limit=limit, seeds=seeds, out=ablation.run, metrics=metrics)
    names = tuple(trial.name for trial in ablation.trials)
    return replace(asked, clips=Grid(ablation.run, names, asked.suites, seed_indices(seeds), limit), models=names)


def makers(ablation: Ablation) -> Mapping[str, Maker]:
    """Who makes the rows' clips. All rows draw the same noise for a prompt and seed: rows are paired."""
    found = {}
    for trial in ablation.trials:
        generator = _generator(ablation, trial, "cpu")
        found[trial.name] = Maker(facts_of(generator), GenerateRow(ablation, trial))
    return found


def run(ablation: Ablation, question: Question, executor: Executor) -> Path:
    """Samples and scores the rows; returns the run directory."""
    from avbench.run import run as answer

    return answer(question, executor, makers(ablation)).out


def _generator(ablation: Ablation, trial: Trial, device: str) -> Generator:
    return ablation.part.of_row(ablation.table, trial.row, ablation.preset, ablation.weights(trial), device)


def _tables(name: str) -> list[str]:
    part = registry.load(Generator, name)
    return list(part.ablations()) if issubclass(part, Ablatable) else []


def _ablatable(name: str) -> type[Ablatable]:
    part = registry.load(Generator, name)
    if not issubclass(part, Ablatable):
        raise UsageError(f"model {name!r} has no ablations")
    return part
