"""A system at full size as a generator: the papers' resolution, with official checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import torch

from avbench.errors import UsageError
from avbench.media.load import load_image
from avbench.parts import Generator, Request, Setting
from avbench.records import Prompt, Sample
from avbench.weights import known_digest

from .clips import cover, reel
from .cost import costs
from .diagnosis import diagnosed
from .full import FULL, Full
from .full_parts import Parts, Places
from .full_texts import condition_of
from .references import Desk, given_of
from .sampling import Given, Noise, sample
from .timemap import nearest_frames

VOICE = 3.0  # seconds of a reference voice at most


class FullGenerator(Generator):
    """One preset of `FULL`. Its files are looked for under $AVBENCH_HOME/weights (`Places`).

    A prompt's references and its tag `mode:…` do what they do at the tiny sizes; UniAVGen needs a picture.
    $AVBENCH_OFFLOAD (`none`, `parts`, `layers`) says what waits in the CPU's memory; by default what does not fit.
    """

    system: ClassVar[str]
    preset: ClassVar[str]
    diagnoses: ClassVar[bool] = True

    def __init__(
        self,
        device: str = "cpu",
        full: Full | None = None,
        places: Places | None = None,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        """`full` and `places` are those of the class by default."""
        super().__init__(device)
        self.full = full or FULL[self.system][self.preset]
        self.places = places or Places.of(self.full)
        self.parts = Parts.load(self.full, self.places, device, dtype)

    def settings(self) -> Mapping[str, Setting]:
        config = self.full.sample
        return {
            "preset": self.full.name,
            "steps": config.steps,
            "shift": config.shift,
            "guidance": config.guidance,
            "s_v": config.s_v,
            "s_a": config.s_a,
            "height": self.full.height,
            "width": self.full.width,
            "weights": digest_of([place.path for place in self.places.all()] + [self.places.wan / "transformer"]),
        }

    @classmethod
    def details(cls) -> Sequence[Mapping[str, Setting]]:
        return [costs(cls.preset, FULL[cls.system][cls.preset])]

    def generate(self, requests: Sequence[Request]) -> Sequence[Sample]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Sample:
        full, parts, prompt = self.full, self.parts, request.prompt
        frames = full.frames if full.released else nearest_frames(prompt.seconds, full.fps, full.frames)
        tokens = full.tokens_of(frames)
        with parts.used(parts.captions.encoder):
            condition = condition_of(prompt, full.model.audio, parts.captions, parts.transcripts)
        with parts.used(parts.video.vae, *parts.sound.nets):
            given, silence = self._given(prompt, frames), parts.sound.silence(tokens).float().to(parts.device)
        noise = Noise.drawn(request.seed, full.latents_of(frames), (1, tokens, full.model.audio_channels))
        with (
            parts.modelled(),
            parts.used(parts.video.vae),
            diagnosed(parts.model, request.diagnostics) as watch,
        ):
            texts, still = condition.to(parts.device), parts.video.still
            video, audio = sample(parts.model, texts, noise, silence, full.sample, given, watch, still)
        maps = watch.maps(frames, (video.shape[3], video.shape[4])) if watch else {}
        with parts.used(parts.video.vae, *parts.sound.nets):
            pixels = parts.video.decode(video)[0]
            wave = parts.sound.decode(audio, round(frames * parts.sound.rate / full.fps))[0]
        shown = ((pixels.permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        return Sample(shown, Fraction(full.fps), wave.float().cpu().numpy(), parts.sound.rate, maps)

    def _given(self, prompt: Prompt, frames: int) -> Given:
        """What the references give. Raises UsageError where a picture is needed and missing."""
        full, parts = self.full, self.parts
        driven = prompt.tag("mode") in ("video_driven", "continuation")
        if full.model.image_cond == "ref_frame" and prompt.reference_image is None and not driven:
            raise UsageError(f"prompt {prompt.id!r}: {full.name} begins with a picture; give reference_image")
        return given_of(
            Desk(
                picture=lambda path: cover(load_image(path), full.height, full.width),
                film=lambda path: reel(path, full.fps, full.height, full.width),
                see=lambda video: parts.video.encode(video.to(parts.device)),
                hear=lambda samples, tokens: parts.sound.encode(samples.to(parts.device), tokens).float(),
                tokens=full.tokens_of,
                rate=parts.sound.rate,
                fps=full.fps,
                pictured=full.model.image_cond != "none",
                voice=VOICE if full.model.voice else 0.0,
                begins=full.model.image_cond == "ref_frame",
            ),
            prompt,
            frames,
        )


def digest_of(paths: Sequence[Path]) -> str:
    """Of all files at and under the paths, by name; read once, then known by their time of change."""
    files = sorted({f for path in paths for f in ([path] if path.is_file() else path.rglob("*")) if f.is_file()})
    kept = [f for f in files if not f.name.startswith(".")]
    told = "".join(f"{f.name} {known_digest(f, 'sha256')}\n" for f in kept)
    return hashlib.sha256(told.encode()).hexdigest()
