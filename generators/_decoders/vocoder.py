"""The vocoder of the bundled generators: magnitudes of a sound, from the log-mel spectrogram that their codec keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.trainable import Decoder
from avbench.training import Cell, Training, adamw, mixed, muon, refuse_to_overwrite

from .._joint.codec import AudioCodec
from .._joint.config import AudioConfig, ModelConfig
from .._joint.data import SHARD, in_shards
from .._joint.spectrum import HOP, log_mel, magnitudes, mel_of
from .._joint.utterances import utter
from .._joint.vocoder import Vocoder
from .._joint.weights import load

CODEC = "harmony_tiny.safetensors"
QUIET = 10.0**-4.5  # what lies below it is silence
LOUD = 4.0  # the loudest bin of a frame counts so much more than silence
TOKEN_FRAMES = 2  # mel frames of a token, which the codec keeps together


@dataclass(frozen=True, slots=True)
class Preset:
    """A batch is `batch` cuts of `frames` mel frames; `noise` is the most that is added to the codec's latents, whose
    deviation is 1: those of a generator are not exact. `matrices` is Muon's factor of the rate.
    """

    width: int = 256
    layers: int = 6
    sounds: int = 12_288
    held_out: int = 64
    steps: int = 4000
    batch: int = 16
    frames: int = 64
    noise: float = 0.1
    rate: float = 1e-3
    matrices: float = 4.0
    warmup: int = 100
    cooldown: float = 0.3
    decay: float = 0.01
    ema: float = 0.995
    clip: float = 1.0
    probe_every: int = 500
    save_every: int = 500
    seed: int = 0


TINY = Preset()
NANO = replace(TINY, width=16, layers=1, sounds=64, held_out=4, steps=4, batch=2, probe_every=2, save_every=4)
PRESETS = {"tiny": TINY, "nano": NANO}


class VocoderTraining(Training[Vocoder]):
    """The probe: mean error of log10 magnitudes, and of the log-mel spectrogram, of held-out sounds."""

    loss_columns: ClassVar[tuple[str, ...]] = ("loss",)
    probe_columns: ClassVar[tuple[str, ...]] = ("magnitudes", "mel", "codec_mel")

    def __init__(self, preset: Preset, codec: AudioCodec, sounds: Path, out: Path, device: str = "cpu") -> None:
        self.preset, self.codec = preset, codec
        shards = [np.load(path, mmap_mode="r") for path in sorted(sounds.glob("sounds_*.npy"))]
        self.shards, self.count = shards, sum(len(shard) for shard in shards)
        torch.manual_seed(preset.seed)
        super().__init__(Vocoder(preset.width, preset.layers), preset, out, device)

    def optimise(self) -> list[torch.optim.Optimizer]:
        matrices = [p for p in self.model.blocks.parameters() if p.ndim == 2]
        others = [p for p in self.model.parameters() if all(p is not matrix for matrix in matrices)]
        return [adamw(self.preset, {1.0: others}), muon(self.preset, self.preset.matrices, matrices)]

    def loss(self, source: torch.Generator) -> tuple[Tensor, Mapping[str, Cell]]:
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=source)))
        preset, length = self.preset, self.preset.frames * HOP
        cuts = []
        for _ in range(preset.batch):
            sound = self._sound(int(rng.integers(preset.held_out, self.count)))
            first = int(rng.integers(len(sound) - length + 1))
            cuts.append(sound[first : first + length])
        audio = torch.from_numpy(np.stack(cuts)).to(self.device)
        strength = preset.noise * torch.rand(preset.batch, 1, 1, generator=source)
        latents = self.codec.encode(audio, preset.frames // TOKEN_FRAMES)
        latents = latents + (strength * torch.randn(latents.shape, generator=source)).to(self.device)
        with mixed(self.device):
            guess = self.model.log(self.codec.mel(latents))
        loss = error(guess.float(), magnitudes(audio, preset.frames).transpose(1, 2))
        return loss, {"loss": round(loss.item(), 5)}

    def probe(self) -> Mapping[str, float]:
        audio = torch.from_numpy(np.stack([self._sound(i) for i in range(self.preset.held_out)])).to(self.device)
        tokens = audio.shape[1] // (HOP * TOKEN_FRAMES)
        true, mel = magnitudes(audio, tokens * TOKEN_FRAMES), log_mel(audio, tokens * TOKEN_FRAMES)
        kept = self.codec.mel(self.codec.encode(audio, tokens))
        guess = self.model(kept)
        logs = [x.clamp_min(QUIET).log10() for x in (guess, true)]
        found = (logs[0] - logs[1]).abs().mean(), (mel_of(guess) - mel).abs().mean(), (kept - mel).abs().mean()
        return dict(zip(self.probe_columns, (float(x) for x in found), strict=True))

    def export(self) -> Path:
        """The averaged weights in fp16, with the network's sizes as JSON, written atomically."""
        path, part = self.out / "weights.safetensors", self.out / "weights.part"
        facts = {"steps": self.step, "hours": round(self.seconds / 3600, 2), "sounds": self.count}
        sizes = json.dumps({"width": self.preset.width, "layers": self.preset.layers})
        halves = {name: tensor.detach().half().cpu().contiguous() for name, tensor in self.average.items()}
        save_file(halves, part, {"sizes": sizes, **{name: str(value) for name, value in facts.items()}})
        part.chmod(0o644)
        part.replace(path)
        return path

    def _sound(self, index: int) -> NDArray[np.float32]:
        sound: NDArray[np.float32] = self.shards[index // SHARD][index % SHARD].astype(np.float32) / 32767
        return sound


def error(guess: Tensor, magnitude: Tensor) -> Tensor:
    """Mean absolute error of log10 magnitudes (B, frames, 513), where loud bins of a frame count more: the phases are
    found from them, and a voice is heard in them.
    """
    loud = (magnitude / (magnitude.amax(-1, keepdim=True) + QUIET)).sqrt()
    return ((1 + LOUD * loud) * (guess - magnitude.clamp_min(QUIET).log10()).abs()).mean()


class VocoderDecoder(Decoder):
    """Trains the vocoder that `harmony`, `jova` and `uniavgen` share, for the codec in Harmony's weights."""

    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS)

    @classmethod
    def train(cls, preset: str, out: Path, *, resume: bool, device: str, steps: int | None) -> Path:
        """Renders sounds into OUT/data, trains, and returns OUT/weights.safetensors."""
        if preset not in PRESETS:
            raise UsageError(f"unknown preset {preset!r} of vocoder; known: {', '.join(PRESETS)}")
        require_plotting()
        if not resume:
            refuse_to_overwrite(out)
        chosen, codec = PRESETS[preset], load(Path(str(resources.files("avbench.generators") / CODEC))).codecs.audio
        sounds = build(out / "data", chosen.sounds, chosen.seed)
        training = VocoderTraining(chosen, codec, sounds, out, device)
        if resume:
            training.resume()
        return training.run(steps or chosen.steps)


def build(folder: Path, count: int, seed: int) -> Path:
    """Renders what is missing of `count` sounds into `folder`, as 16-bit samples of the tiny models' length."""
    folder.mkdir(parents=True, exist_ok=True)
    model = ModelConfig(audio=AudioConfig(spelling="sounds"))
    for shard, shots in in_shards(utter, len(list(folder.glob("sounds_*.npy"))), count, model, seed):
        part = folder / "sounds.part"
        with part.open("wb") as file:
            np.save(file, np.stack([np.clip(np.rint(x.audio * 32767), -32768, 32767).astype(np.int16) for x in shots]))
        part.replace(folder / f"sounds_{shard:04d}.npy")
    return folder
