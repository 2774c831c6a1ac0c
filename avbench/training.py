"""The training loop that every trained part shares: one draw a step, exact resume, averaged weights, curves."""

from __future__ import annotations

import csv
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import ClassVar, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from avbench.errors import UsageError
from avbench.precision import WholeMuon, halves
from avbench.team import Team

M = TypeVar("M", bound=nn.Module)
ALONE = Team()
Cell = str | float


class Recipe(Protocol):
    """What decides a training besides the network and the data; a frozen dataclass has these fields and its own.

    `rate` is AdamW's after `warmup` steps, falling to a twentieth over the last `cooldown` share; `decay` the weight
    decay; `ema` the memory of the averaged weights; `clip` the largest gradient norm.
    """

    @property
    def seed(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def warmup(self) -> int: ...
    @property
    def cooldown(self) -> float: ...
    @property
    def decay(self) -> float: ...
    @property
    def ema(self) -> float: ...
    @property
    def clip(self) -> float: ...
    @property
    def probe_every(self) -> int: ...
    @property
    def save_every(self) -> int: ...


class Training(ABC, Generic[M]):
    """Trains `model` into `out`: `last.pt` (everything a resume needs), `losses.csv`, `probe.csv`, `losses.png`.

    All randomness of a step is drawn from (seed, step), so a run that is stopped and resumed equals one that is not.
    A subclass names the columns that `loss` and `probe` fill and says how the averaged weights are kept. One that a
    `team` can train gives `loss` of its own share of the batch that `source` draws for all.
    """

    loss_columns: ClassVar[tuple[str, ...]]
    probe_columns: ClassVar[tuple[str, ...]]

    def __init__(self, model: M, recipe: Recipe, out: Path, device: str = "cpu", team: Team = ALONE) -> None:
        self.model: M = model.to(device)
        self.recipe, self.out, self.device, self.team = recipe, out, device, team
        self.average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.optimisers = self.optimise()
        self.step, self.steps, self.seconds = 0, 0, 0.0

    def optimise(self) -> list[torch.optim.Optimizer]:
        """The optimisers of the model's parameters. Each of their groups has a `factor` of the rate of a step."""
        return [adamw(self.recipe, {1.0: list(self.model.parameters())})]

    @abstractmethod
    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        """The loss of one step, whose batch and noise come from `source` alone, and the step's `loss_columns`."""

    @abstractmethod
    def probe(self) -> Mapping[str, float]:
        """The `probe_columns` on held-out data; called with the averaged weights in place, in evaluation mode."""

    @abstractmethod
    def export(self) -> Path:
        """Write the averaged weights; return the file."""

    def show(self) -> None:
        """Called after every step that was logged, by the process that leads."""

    def pace(self) -> float:
        """What the learning rate of this step is multiplied by, besides the schedule."""
        return 1.0

    def draw_curves(self) -> None:
        """Write `losses.png`."""
        from avbench.curves import plot

        plot(self.out)

    def resume(self) -> None:
        """Goes on from `last.pt`. Raises UsageError when there is none or it is another model's."""
        path = self.out / "last.pt"
        if not path.exists():
            raise UsageError(f"nothing to resume: {path} does not exist; start without --resume")
        kept = torch.load(path, map_location=self.device, weights_only=True)
        try:
            self.model.load_state_dict(kept["model"])
        except RuntimeError as error:
            raise UsageError(f"{path} is of another preset: {error}") from error
        if "optimisers" not in kept:
            raise UsageError(f"{path} was made by an older avbench: start anew in another folder")
        self.average, self.step, self.seconds = kept["average"], kept["step"], kept["seconds"]
        for optimiser, state in zip(self.optimisers, kept["optimisers"], strict=True):
            optimiser.load_state_dict(state)

    def run(self, steps: int) -> Path:
        """Trains up to step `steps` and writes the averaged weights. SIGINT and SIGTERM save first."""
        self.out.mkdir(parents=True, exist_ok=True)
        leads = self.team.leads
        log = (
            Log(self.out / "losses.csv", ("step", *self.loss_columns, "rate", "seconds"), self.step) if leads else None
        )
        probes = Log(self.out / "probe.csv", ("step", *self.probe_columns), self.step) if leads else None
        with (
            signals() as received,
            tqdm(total=steps, initial=self.step, desc="train", unit="step", disable=not leads) as progress,
        ):
            while self.step < steps:
                begun = time.perf_counter()
                row = self.advance(steps)
                self.seconds += time.perf_counter() - begun
                stop = self.team.any(bool(received), self.device)
                if log is not None and probes is not None:
                    log.add({"step": self.step, **row, "seconds": round(self.seconds, 1)})
                    progress.update()
                    if self.step % self.recipe.probe_every == 0:
                        probes.add({"step": self.step, **self._probed()})
                        self.draw_curves()
                    self.show()
                    if self.step % self.recipe.save_every == 0 or stop:
                        self.save()
                if stop:
                    break
        if leads:
            self.save()
        written = self.export() if leads else self.out
        self.team.wait()  # nobody leaves while the first writes
        return written

    def save(self) -> None:
        part = self.out / "last.pt.part"
        optimisers = [optimiser.state_dict() for optimiser in self.optimisers]
        state = {"model": self.model.state_dict(), "average": self.average, "optimisers": optimisers}
        torch.save(state | {"step": self.step, "seconds": self.seconds}, part)
        part.replace(self.out / "last.pt")

    def advance(self, steps: int) -> dict[str, Cell]:
        """One step of `steps`."""
        recipe, self.steps = self.recipe, steps
        self.model.train()
        total, row = self.loss(torch.Generator().manual_seed(recipe.seed * 1_000_003 + self.step))
        rate = recipe.rate * schedule(self.step, steps, recipe) * self.pace()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * group["factor"]
            optimiser.zero_grad()
        total.backward()
        self.team.average(self.model.parameters())
        nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        keep = min(recipe.ema, (1 + self.step) / (10 + self.step))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor, 1 - keep)
            else:  # a counter
                self.average[name].copy_(tensor)
        return {**row, "rate": rate}

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The averaged weights in place, in evaluation mode, without gradients."""
        kept = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        self.model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.model.load_state_dict(kept)

    def _probed(self) -> dict[str, float]:
        with self.averaged():
            found = self.probe()
        return {name: round(value, 5) for name, value in found.items()}


def adamw(recipe: Recipe, groups: Mapping[float, Sequence[Tensor]]) -> torch.optim.AdamW:
    """AdamW for parameters by the factor of the rate that they learn at."""
    each = [{"params": list(parameters), "factor": factor} for factor, parameters in groups.items()]
    return torch.optim.AdamW(each, recipe.rate, (0.9, 0.99), weight_decay=recipe.decay, fused=True)


def muon(recipe: Recipe, factor: float, matrices: list[nn.Parameter]) -> torch.optim.Muon:
    """Momentum made orthogonal (Jordan 2024) in steps as large as AdamW's (Liu 2025), for hidden matrices."""
    group = {"params": matrices, "factor": factor}
    kind = torch.optim.Muon if all(halves(matrix.device) for matrix in matrices) else WholeMuon
    return kind([group], recipe.rate, recipe.decay, adjust_lr_fn="match_rms_adamw")


class Log:
    """A CSV file of one row a step; rows beyond the step that a resume starts from are dropped."""

    def __init__(self, path: Path, columns: tuple[str, ...], step: int) -> None:
        rows = list(csv.DictReader(path.open(newline=""))) if path.exists() and step else []
        self.file = path.open("w", newline="", buffering=1)
        self.writer = csv.DictWriter(self.file, columns)
        self.writer.writeheader()
        self.writer.writerows(row for row in rows if int(row["step"]) <= step)

    def add(self, row: Mapping[str, object]) -> None:
        self.writer.writerow(row)


def schedule(step: int, steps: int, recipe: Recipe) -> float:
    """Learning rate factor: linear warm-up, constant, then linear to a twentieth over the last `cooldown` share."""
    left = (steps - step) / max(1.0, recipe.cooldown * steps)
    return min((step + 1) / max(1, recipe.warmup), 1.0, max(0.05, left))


def refuse_to_overwrite(out: Path) -> None:
    """Raises UsageError where `out` holds a training; said before anything is rendered."""
    if (out / "last.pt").exists():
        raise UsageError(f"{out} already holds a training: add --resume to go on, or choose another --out")


@contextmanager
def signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM, so that a step is never cut in two; on leaving, the first takes its usual course."""
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])


def mixed(device: str | torch.device) -> torch.autocast:
    """bf16 for the networks of a training, where the device computes in it."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=halves(device))
