"""English and Mandarin speech of the world to text, trained on espeak-ng's voices in the world's noises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.trainable import Scorer
from avbench.training import Cell, Training, mixed, refuse_to_overwrite

from .._backbones._shipped import write
from .._backbones.world_ear import transcribe
from .._backbones.world_ear_net import Ear, EarConfig, features
from .._backbones.world_lexicon import Lexicon
from .._backbones.world_text import LANGUAGES, pinyin, spoken_letters
from ._asr_data import Batch, Dataset
from ._asr_words import build


@dataclass(frozen=True, slots=True)
class AsrRecipe:
    """What decides a training: sizes, the training set, the optimiser."""

    width: int = 224
    blocks: int = 6
    words: int = 20_000
    sentences: int = 3000
    utterances: int = 6400
    noises: int = 88
    held_out: int = 32
    seed: int = 0
    steps: int = 2600
    batch: int = 16
    rate: float = 2e-3
    warmup: int = 80
    cooldown: float = 0.6
    decay: float = 0.02
    ema: float = 0.98
    clip: float = 1.0
    probe_every: int = 200
    save_every: int = 50


RECIPES = {
    "world": AsrRecipe(),
    "nano": AsrRecipe(
        width=32, blocks=1, words=200, sentences=20, utterances=256, noises=32, held_out=16, steps=20, batch=4,
        probe_every=10, save_every=10,
    ),
}  # fmt: skip


class Asr(Scorer):
    presets: ClassVar[tuple[str, ...]] = tuple(RECIPES)

    @classmethod
    def train(cls, preset: str, out: Path, *, resume: bool, device: str, steps: int | None) -> Path:
        if preset not in RECIPES:
            raise UsageError(f"unknown preset {preset!r} of asr; known: {', '.join(RECIPES)}")
        require_plotting()
        if not resume:
            refuse_to_overwrite(out)
        recipe = RECIPES[preset]
        lexicon = kept_lexicon(out, recipe)
        data = Dataset(out / "data", recipe.utterances, recipe.noises, recipe.held_out, recipe.seed, lexicon.symbols)
        training = AsrTraining(recipe, data, lexicon, out, device)
        if resume:
            training.resume()
        return training.run(steps or recipe.steps)


def kept_lexicon(out: Path, recipe: AsrRecipe) -> Lexicon:
    """The lexicon of a training: built once, then read."""
    path = out / "lexicon.npz"
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            packed: dict[str, Any] = dict(build(recipe.seed, recipe.words, recipe.sentences).pack())
            np.savez_compressed(file, **packed)
        part.replace(path)
    return Lexicon.unpack(np.load(path))


class AsrTraining(Training[Ear]):
    """Phoneme and tone of every slot: espeak-ng says when it speaks which, so no alignment need be found."""

    loss_columns = ("phones", "tones")
    probe_columns = ("slots_right", "word_errors", "pinyin_errors")

    def __init__(self, recipe: AsrRecipe, data: Dataset, lexicon: Lexicon, out: Path, device: str = "cpu") -> None:
        torch.manual_seed(recipe.seed)
        config = EarConfig(len(lexicon.symbols), recipe.width, recipe.blocks)
        super().__init__(Ear(config), recipe, out, device)
        self.asr, self.data, self.lexicon = recipe, data, lexicon

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=source)))
        batch = _on(self.data.batch(self.asr.batch, rng), self.device)
        heard = masked(features(batch.sound, batch.lengths), rng)
        with mixed(self.device):
            phones, tones = self.model(heard, batch.languages)
        said = F.cross_entropy(phones.transpose(1, 2), batch.phones, ignore_index=-1)
        sung = F.cross_entropy(tones.transpose(1, 2), batch.tones, ignore_index=-1)
        return said + sung, {"phones": round(said.item(), 5), "tones": round(sung.item(), 5)}

    def probe(self) -> Mapping[str, float]:
        """Slots right, and errors per word and syllable, on the held-out utterances, without noise."""
        from torchaudio.functional import edit_distance

        right, slots = 0, 0
        wrong, asked = dict.fromkeys(LANGUAGES, 0), dict.fromkeys(LANGUAGES, 0)
        for i in self.data.held_out:
            item = self.data[i]
            language = LANGUAGES[item.language]
            sound = torch.from_numpy(item.audio.astype(np.float32) / 32768).to(self.device)
            phones, _ = self.model.hear(sound, language)
            right += int((phones[: len(item.phones)].argmax(-1).cpu().numpy() == item.phones).sum())
            slots += len(item.phones)
            heard = transcribe(self.model, self.lexicon, sound, language)[0]
            meant = (spoken_letters if language == "en" else pinyin)(item.text)
            wrong[language] += edit_distance(heard.split(), meant.split())
            asked[language] += len(meant.split())
        rates = {language: wrong[language] / max(1, asked[language]) for language in LANGUAGES}
        return {"slots_right": right / slots, "word_errors": rates["en"], "pinyin_errors": rates["zh"]}

    def export(self) -> Path:
        facts = {"steps": self.step, "hours": round(self.seconds / 3600, 2), "utterances": self.asr.utterances}
        packed = {f"lexicon.{name}": torch.from_numpy(array.copy()) for name, array in self.lexicon.pack().items()}
        state = {**self.average, **packed, "prior": self._prior()}
        return write(self.out / "weights.safetensors", state, asdict(self.model.config), facts)

    def _prior(self) -> Tensor:
        """Log of the share of each phoneme in the training set."""
        spoken = np.concatenate([self.data[i].phones for i in self.data.by_length[::10]])
        counts = np.bincount(spoken[spoken >= 0], minlength=len(self.lexicon.symbols)) + 20
        return torch.from_numpy(np.log(counts / counts.sum())).float()


def masked(heard: Tensor, rng: np.random.Generator) -> Tensor:
    """A band of frequency and a span of time of each utterance made average (SpecAugment, Park et al. 2019)."""
    heard = heard.clone()
    for one in heard:
        low, span = int(rng.integers(heard.shape[1])), int(rng.integers(12))
        one[low : low + span] = 0
        start, span = int(rng.integers(heard.shape[2])), int(rng.integers(8))
        one[:, start : start + span] = 0
    return heard


def _on(batch: Batch, device: str) -> Batch:
    return Batch(*(getattr(batch, name).to(device) for name in Batch.__slots__))
