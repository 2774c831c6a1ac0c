"""Harmony, tiny: joint audio-video generation with cross-task synergy and SyncCFG, trained on the world.

After arXiv 2511.21579: frame-wise local attention with aligned rotations both ways, global style alignment,
cross-task synergy in training, synchronisation-enhanced guidance in sampling.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import ClassVar

import torch

from avbench.curves import require_plotting
from avbench.errors import UsageError
from avbench.parts import Generator, Request, Setting, Trainable
from avbench.records import Prompt, Sample
from avbench.training import refuse_to_overwrite

from ._joint import training
from ._joint.config import PRESETS, SampleConfig
from ._joint.data import build
from ._joint.model import AUDIO_RATE, FPS, TOKEN_SECONDS, audio_tokens
from ._joint.sampling import Noise, pixels, sample, waveform
from ._joint.text import Condition, caption_words, letter_ids, stretch, transcript
from ._joint.timemap import nearest_frames
from ._joint.weights import load

WEIGHTS = "harmony_tiny.safetensors"


class Harmony(Generator, Trainable):
    """64 x 64 pixels at 25 fps with 16 kHz sound, up to 4.04 s: longer prompts are cut there."""

    summary = "tiny Harmony trained on the world (64 x 64, up to 4 s)"
    version = "1"
    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS)

    def __init__(self, device: str = "cpu", weights: Path | None = None, config: SampleConfig | None = None) -> None:
        """`weights` is a file that `avbench train harmony` wrote; the shipped one by default."""
        super().__init__(device)
        path = weights or Path(str(resources.files("avbench.generators") / WEIGHTS))
        if not path.is_file():
            raise UsageError(
                f"harmony has no weights at {path}; train them (avbench train harmony --preset tiny --out DIR) "
                f"and copy DIR/weights.safetensors there"
            )
        self.digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.trained, self.config = load(path, device), config or SampleConfig()

    def settings(self) -> Mapping[str, Setting]:
        config = self.config
        return {
            "preset": "tiny",
            "steps": config.steps,
            "shift": config.shift,
            "guidance": "sync",
            "s_v": config.s_v,
            "s_a": config.s_a,
            "churn": config.churn,
            "weights": self.digest,
        }

    def generate(self, requests: Sequence[Request]) -> Sequence[Sample]:
        return [self._one(request) for request in requests]  # one by one: equal to the bit whatever the batch

    def _one(self, request: Request) -> Sample:
        model, codecs = self.trained.model, self.trained.codecs
        frames = nearest_frames(request.prompt.seconds, FPS, model.config.frames)
        noise = Noise.of(request.seed, model, frames)
        silence = codecs.audio.silence(audio_tokens(frames))
        condition = self._condition(request.prompt, frames)
        video, audio = sample(model, condition, noise, silence, self.config)
        return Sample(pixels(codecs, video), Fraction(FPS), waveform(codecs, audio, frames), AUDIO_RATE)

    def _condition(self, prompt: Prompt, frames: int) -> Condition:
        model, tokens = self.trained.model, audio_tokens(frames)
        seen, heard = (torch.tensor([ids]) for ids in caption_words(prompt, model.config.words))
        letters = transcript(prompt)
        reading, phase = torch.zeros(tokens, dtype=torch.int64), torch.zeros(tokens)
        if letters:
            ends = model.durations.ends(letters, heard[0].to(self.device), frames / FPS, TOKEN_SECONDS)
            reading, phase = stretch(ends, tokens, TOKEN_SECONDS)
        condition = Condition(seen, heard, torch.tensor([letter_ids(letters)]), reading[None], phase[None])
        return condition.to(self.device)

    @classmethod
    def train(cls, preset: str, out: Path, *, resume: bool, device: str, steps: int | None) -> Path:
        """Renders the training set into OUT/data, trains, and returns OUT/weights.safetensors."""
        if preset not in PRESETS:
            raise UsageError(f"unknown preset {preset!r} of harmony; known: {', '.join(PRESETS)}")
        require_plotting()
        chosen = PRESETS[preset]
        if not resume:
            refuse_to_overwrite(out)
        data = build(out / "data", chosen.model, chosen.train)
        trainer = training.Trainer(chosen.model, chosen.train, data, out, device)
        if resume:
            trainer.resume()
        torch.set_flush_denormal(True)  # a fresh model's tiny gradients are denormal, and those are slow
        try:
            return trainer.run(steps or chosen.train.steps)
        finally:
            torch.set_flush_denormal(False)
