"""What `avbench train` trains and `avbench ablate` repeats: generators that are such, scorers and decoders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from avbench.parts import Generator


class Trainable(ABC):
    """What `avbench train NAME` can train: a generator that is one, a `Scorer` or a `Decoder`."""

    presets: ClassVar[tuple[str, ...]]  # what ships comes first

    @classmethod
    @abstractmethod
    def train(cls, preset: str, out: Path, *, resume: bool, device: str, steps: int | None) -> Path:
        """Train into `out` (checkpoints, loss curves); return the final weights file. `steps` overrides the preset."""


class TrainableOnClips(Trainable):
    """One that can also be trained on a folder of the user's own clips, `avbench train NAME --data DIR`."""

    @classmethod
    @abstractmethod
    def train(
        cls,
        preset: str,
        out: Path,
        *,
        resume: bool,
        device: str,
        steps: int | None,
        data: Path | None = None,
        begin: Path | None = None,
    ) -> Path:
        """As before; `data` holds clips and `captions.jsonl`, `begin` weights to begin with.

        Raises UsageError naming the file and line at fault.
        """


@dataclass(frozen=True, slots=True)
class AblationRow:
    """A row of a paper's ablation table, by the paper's name of it, and the checkpoint that it samples from.

    `full`: this is the paper's whole method, which the other rows are compared with.
    """

    name: str
    checkpoint: str
    full: bool = False


class Ablatable(ABC):
    """A generator whose paper's ablations `avbench ablate` can repeat."""

    ablation_presets: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def ablations(cls) -> Mapping[str, Sequence[AblationRow]]:
        """The rows of every table (`t4`, …), in the paper's order; one of each table is full."""

    @classmethod
    @abstractmethod
    def train_row(
        cls,
        table: str,
        row: AblationRow,
        preset: str,
        out: Path,
        *,
        data: Path,
        resume: bool,
        device: str,
        steps: int | None,
        seed: int = 0,
    ) -> Path:
        """Train a row's checkpoint into `out`; rows and seeds share the training set in `data`. Return the weights."""

    @classmethod
    @abstractmethod
    def of_row(cls, table: str, row: AblationRow, preset: str, weights: Path, device: str) -> Generator:
        """The generator of a row. Raises UsageError for weights of another model."""

    @classmethod
    @abstractmethod
    def steps_of(cls, preset: str, weights: Path | None = None) -> int:
        """The steps of a preset's training, or those that a file of weights has behind it."""

    @classmethod
    @abstractmethod
    def hours_of(cls, weights: Path) -> float:
        """How long a file of weights was trained."""


class Scorer(Trainable):
    """How a network that metrics score with is trained on the world; its weights ship beside it."""


class Decoder(Trainable):
    """How a network that bundled generators decode with is trained on the world; its weights ship beside it."""
