"""A prompt and a seed to a clip: the texts read, the references loaded, the latents decoded."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avbench.errors import UsageError
from avbench.media.load import load_audio, load_image
from avbench.parts import Request
from avbench.records import Prompt, Sample

from .clips import film, square
from .config import SampleConfig
from .data import VOICE
from .diagnosis import diagnosed
from .model import AUDIO_RATE, FPS, TOKEN_SAMPLES, TOKEN_SECONDS, JointModel, audio_tokens
from .sampling import Given, Noise, pixels, sample, waveform
from .text import Condition, caption_words, letter_ids, stretch, transcript
from .timemap import nearest_frames
from .weights import Codecs

MODES = ("joint", "audio_driven", "video_driven", "continuation")


def make(model: JointModel, codecs: Codecs, request: Request, config: SampleConfig) -> Sample:
    """The clip of a request. Depends on nothing else: neither on other requests nor on the device's random numbers."""
    prompt = request.prompt
    frames = nearest_frames(prompt.seconds, FPS, model.config.frames)
    given = given_of(model, codecs, prompt, frames)
    silence = codecs.audio.silence(audio_tokens(frames))
    noise = Noise.of(request.seed, model, frames)
    with diagnosed(model, request.diagnostics) as watch:
        video, audio = sample(model, condition_of(model, prompt, frames), noise, silence, config, given, watch)
    maps = watch.maps(frames, (video.shape[3], video.shape[4])) if watch else {}
    return Sample(pixels(codecs, video), Fraction(FPS), waveform(codecs, audio, frames), AUDIO_RATE, maps)


def condition_of(model: JointModel, prompt: Prompt, frames: int) -> Condition:
    """The prompt's texts; the model itself says how long its letters last."""
    tokens, device = audio_tokens(frames), model.prefix.device
    seen, heard = (torch.tensor([ids]) for ids in caption_words(prompt, model.config.words))
    letters = transcript(prompt)
    reading, phase = torch.zeros(tokens, dtype=torch.int64), torch.zeros(tokens)
    if letters:
        ends = model.texts.durations.ends(letters, heard[0].to(device), frames / FPS, TOKEN_SECONDS)
        reading, phase = stretch(ends, tokens, TOKEN_SECONDS)
    return Condition(seen, heard, torch.tensor([letter_ids(letters)]), reading[None], phase[None]).to(device)


def given_of(model: JointModel, codecs: Codecs, prompt: Prompt, frames: int) -> Given:
    """What a prompt's references give, by its tag `mode:…` (`joint` without one).

    `joint`: a reference image and a reference voice, for models that were trained with them (others leave them out).
    `audio_driven`: the reference audio is the sound. `video_driven`: the reference video is the picture.
    `continuation`: the clip begins with the first half of the reference video, sound included. Raises UsageError.
    """
    mode, device = prompt.tag("mode") or "joint", model.prefix.device
    if mode not in MODES:
        raise UsageError(f"prompt {prompt.id!r}: tag mode:{mode}; known: {', '.join(MODES)}")
    given = Given()
    if prompt.reference_image and model.config.image_cond != "none":
        image = square(load_image(prompt.reference_image), model.config.size)
        given = replace(given, picture=codecs.video.encode(_tensor(image[None]).to(device)))
    if mode == "audio_driven":
        path = _need(prompt, "reference_audio", mode)
        return replace(given, audio=codecs.audio.encode(_sound(path, frames).to(device), audio_tokens(frames)))
    if prompt.reference_audio and model.config.voice:
        samples = torch.from_numpy(load_audio(prompt.reference_audio, AUDIO_RATE))[None, : VOICE * TOKEN_SAMPLES]
        tokens = max(1, samples.shape[1] // TOKEN_SAMPLES)
        given = replace(given, voice=codecs.audio.encode(samples.to(device), tokens))
    if mode == "joint":
        return given
    path = _need(prompt, "reference_video", mode)
    video = codecs.video.encode(_tensor(_film(path, model.config.size, frames)).to(device))
    if mode == "video_driven":
        return replace(given, video=video)
    audio = codecs.audio.encode(_sound(path, frames).to(device), audio_tokens(frames))
    known = video.shape[2] // 2
    return replace(
        given, first_video=video[:, :, :known], first_audio=audio[:, : round(known / video.shape[2] * audio.shape[1])]
    )


def _need(prompt: Prompt, field: str, mode: str) -> Path:
    path: Path | None = getattr(prompt, field)
    if path is None:
        raise UsageError(f"prompt {prompt.id!r}: mode:{mode} needs {field}")
    return path


def _film(path: Path, size: int, frames: int) -> NDArray[np.uint8]:
    shown = film(path, FPS, size)
    if len(shown) < frames:  # the last picture stays
        shown = np.concatenate([shown, np.repeat(shown[-1:], frames - len(shown), 0)])
    return shown[:frames]


def _sound(path: Path, frames: int) -> Tensor:
    return torch.from_numpy(load_audio(path, AUDIO_RATE))[None, : frames * AUDIO_RATE // FPS]


def _tensor(frames: NDArray[np.uint8]) -> Tensor:
    """(T, H, W, 3) uint8 to (1, 3, T, H, W) in [-1, 1]."""
    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
