"""What the bundled generators have in common: a weights file, requests to clips, and training."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import ClassVar

import torch

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.parts import Generator, Request, Setting
from avbench.progress import say
from avbench.records import Sample
from avbench.team import Team
from avbench.trainable import Ablatable, AblationRow, TrainableOnClips
from avbench.training import refuse_to_overwrite
from avbench.weights import home
from avbench.world.speech import engine

from . import training
from .ablations import TABLES, row_of
from .apart import apart_of, streams_of, trained_to
from .config import SampleConfig
from .cost import costs
from .data import build
from .gallery import Gallery
from .making import make
from .presets import PRESETS
from .recipe import Preset
from .utterances import build_utterances
from .vocoder import digest
from .weights import Trained, begun, facts, load


class JointGenerator(Generator, TrainableOnClips, Ablatable):
    """A system of `PRESETS`; 25 fps with 16 kHz sound, longer prompts are cut to the length of its preset.

    Its weights are `SYSTEM_tiny.safetensors`: the user's own in $AVBENCH_HOME/weights, else the package's.
    """

    system: ClassVar[str]
    diagnoses: ClassVar[bool] = True
    ablation_presets: ClassVar[tuple[str, ...]] = ("grid", "nano", "tiny")

    def __init__(self, device: str = "cpu", weights: Path | None = None, config: SampleConfig | None = None) -> None:
        """`weights` is a file that `avbench train` wrote; the user's own or the package's by default."""
        super().__init__(device)
        own = home() / self.shipped().name
        path = weights or (own if own.is_file() else self.shipped())
        if not path.is_file():
            raise UsageError(
                f"{self.system} has no weights at {path}; train them (avbench train {self.system} --preset tiny "
                "--out DIR) and copy DIR/weights.safetensors there"
            )
        self.digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.trained: Trained = load(path, device)
        if self.trained.facts.get("system", self.system) != self.system:
            raise UsageError(f"{path} holds weights of {self.trained.facts['system']}, not of {self.system}")
        self.config = config or PRESETS[self.system]["tiny"].sample
        if os.environ.get("AVBENCH_COMPILE") == "1":
            self.trained.model.compile()

    @classmethod
    def shipped(cls) -> Path:
        """The package's weights."""
        return Path(str(resources.files("avbench.generators") / f"{cls.system}_tiny.safetensors"))

    def settings(self) -> Mapping[str, Setting]:
        config = self.config
        known: dict[str, Setting] = {
            "preset": "tiny",
            "steps": config.steps,
            "shift": config.shift,
            "guidance": config.guidance,
            "s_v": config.s_v,
            "s_a": config.s_a,
            "churn": config.churn,
            "weights": self.digest,
            "vocoder": digest() if config.vocoder == "trained" else config.vocoder,
        }
        if self.trained.model.config.audio.spelling == "sounds":
            known["english"] = engine()
        plain = SampleConfig()
        rest = ("grid", "interval", "interval_on", "outside", "neg_text", "slg_layer", "apg", "anchor_every")
        other = {name: getattr(config, name) for name in rest if getattr(config, name) != getattr(plain, name)}
        return known | {name: str(value) for name, value in other.items()}

    def generate(self, requests: Sequence[Request]) -> Sequence[Sample]:
        model, codecs = self.trained.model, self.trained.codecs
        return [make(model, codecs, one, self.config) for one in requests]  # one by one: equal bits in any batch

    @classmethod
    def details(cls) -> Sequence[Mapping[str, Setting]]:
        return [costs(name, (of.model, of.sample)) for name, of in PRESETS[cls.system].items()]

    @classmethod
    def preset(cls, name: str) -> Preset:
        """Raises UsageError for an unknown one."""
        known = PRESETS[cls.system]
        if name not in known:
            raise UsageError(f"unknown preset {name!r} of {cls.system}; known: {', '.join(known)}")
        return known[name]

    @classmethod
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
        """Trains on the world, rendered into OUT/data, or on the clips of `data`; returns OUT/weights.safetensors."""
        return cls._train(cls.preset(preset), out, out / "data", data, resume, device, steps, begin=begin)

    @classmethod
    def ablations(cls) -> Mapping[str, Sequence[AblationRow]]:
        whole = PRESETS[cls.system]["tiny"]
        return {
            name: [AblationRow(row.name, row.checkpoint, row.of(whole) == whole) for row in rows]
            for name, rows in TABLES[cls.system].items()
        }

    @classmethod
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
        whole = cls.preset(preset)
        chosen = row_of(cls.system, table, row.name).of(whole)
        apart = "apart" if apart_of(chosen) == apart_of(whole) else f"apart-{row.checkpoint}"
        out.mkdir(parents=True, exist_ok=True)
        seeded = replace(chosen, train=replace(chosen.train, seed=seed))
        return cls._train(seeded, out, data, None, resume, device, steps, chosen.train.seed, apart=out.parent / apart)

    @classmethod
    def of_row(cls, table: str, row: AblationRow, preset: str, weights: Path, device: str) -> Generator:
        chosen = row_of(cls.system, table, row.name).of(cls.preset(preset))
        made = cls(device, weights, chosen.sample)
        if made.trained.model.config != chosen.model:
            raise UsageError(
                f"{weights} holds another model than row {row.name!r} at preset {preset}; delete its folder"
            )
        return made

    @classmethod
    def steps_of(cls, preset: str, weights: Path | None = None) -> int:
        return cls.preset(preset).train.steps if weights is None else int(facts(weights)["steps"])

    @classmethod
    def hours_of(cls, weights: Path) -> float:
        return float(facts(weights)["hours"])

    @classmethod
    def _train(
        cls,
        chosen: Preset,
        out: Path,
        rendered: Path,
        own: Path | None,
        resume: bool,
        device: str,
        steps: int | None,
        world: int | None = None,
        apart: Path | None = None,
        begin: Path | None = None,
    ) -> Path:
        """`begin` has the weights to begin with, and the codecs that go with them.

        `world` is the seed of the training set, where it is not that of the training. `apart` is the folder of the
        streams that learn alone before, where the preset wants them; by default in `out`.
        """
        require_plotting()
        if not resume:
            refuse_to_overwrite(out)
            if chosen.goes_on and begin is None:
                raise UsageError(f"this preset goes on from weights; say which, such as --from {cls.shipped()}")
        team, learned = Team.join(device), None
        if (alone := apart_of(chosen)) is not None:
            folder = apart or out / "apart"
            weights = folder / "weights.safetensors"
            if not trained_to(weights, alone.train.steps):
                say(f"train the streams apart in {folder}")
                cls._train(alone, folder, rendered, own, (folder / "last.pt").exists(), device, None, world)
            team.wait()  # until the first has written them
            learned = streams_of(weights, alone.model)
        if begin is not None:
            learned = begun(begin, chosen.model, rendered)
        device = Team.device(device)
        if not team.leads:
            team.wait()  # until the first has made the training set
        of_world = chosen.train if world is None else replace(chosen.train, seed=world)
        rows, spoken = build(rendered, chosen.model, of_world, own), None
        if of_world.utterances and own is None:
            spoken = build_utterances(
                rendered / "utterances", chosen.model, of_world.utterances, of_world.seed, rows.codecs
            )
        if team.leads:
            team.wait()
        gallery = Gallery(out, chosen.sample, cls.system)
        trainer = training.Trainer(
            chosen.model, chosen.train, rows, out, device, team, gallery, cls.system, learned, spoken
        )
        if resume:
            trainer.resume()
        torch.set_flush_denormal(True)  # a fresh model's tiny gradients are denormal, and those are slow
        try:
            return trainer.run(steps or chosen.train.steps)
        finally:
            torch.set_flush_denormal(False)
