"""A prompt and a seed to a clip: the texts read, the references loaded, the latents decoded."""

from __future__ import annotations

import math
from fractions import Fraction

import torch

from avbench.media.load import load_image
from avbench.parts import Request
from avbench.records import Prompt, Sample

from .clips import film, square
from .config import SampleConfig
from .data import VOICE
from .diagnosis import diagnosed
from .model import JointModel
from .references import Desk, given_of
from .sampling import Noise, pixels, sample, waveform
from .text import Condition, caption_words, letter_ids, stretch, transcript
from .timemap import nearest_frames
from .tokens import AUDIO_RATE, FPS, TOKEN_SAMPLES, TOKEN_SECONDS, audio_tokens
from .vocoder import vocoder
from .weights import Codecs


def make(model: JointModel, codecs: Codecs, request: Request, config: SampleConfig) -> Sample:
    """The clip of a request. Depends on nothing else: neither on other requests nor on the device's random numbers."""
    prompt = request.prompt
    frames = nearest_frames(prompt.seconds, FPS, model.config.frames)
    given = given_of(desk_of(model, codecs), prompt, frames)
    silence = codecs.audio.silence(audio_tokens(frames))
    noise = Noise.of(request.seed, model, frames)
    with diagnosed(model, request.diagnostics) as watch:
        video, audio = sample(model, condition_of(model, prompt, frames), noise, silence, config, given, watch)
    maps = watch.maps(frames, (video.shape[3], video.shape[4])) if watch else {}
    spoken = waveform(codecs, audio, frames, vocoder(str(audio.device)) if config.vocoder == "trained" else None)
    return Sample(pixels(codecs, video), Fraction(FPS), spoken, AUDIO_RATE, maps)


def condition_of(model: JointModel, prompt: Prompt, frames: int) -> Condition:
    """The prompt's texts; the model itself says how long its letters last."""
    tokens, device = audio_tokens(frames), model.prefix.device
    seen, heard = (torch.tensor([ids]) for ids in caption_words(prompt, model.config.words))
    letters = transcript(prompt, model.config.audio.spelling)
    reading, phase = torch.zeros(tokens, dtype=torch.int64), torch.zeros(tokens)
    if letters:
        ends = model.texts.durations.ends(letters, heard[0].to(device), frames / FPS, TOKEN_SECONDS)
        reading, phase = stretch(ends, tokens, TOKEN_SECONDS)
    return Condition(seen, heard, torch.tensor([letter_ids(letters)]), reading[None], phase[None]).to(device)


def desk_of(model: JointModel, codecs: Codecs) -> Desk:
    """How a model of the tiny sizes reads references."""
    size, device = model.config.size, model.prefix.device
    return Desk(
        picture=lambda path: square(load_image(path), size),
        film=lambda path: film(path, FPS, size),
        see=lambda video: codecs.video.encode(video.to(device)),
        hear=lambda samples, tokens: codecs.audio.encode(samples.to(device), tokens),
        tokens=lambda frames: math.ceil(frames * AUDIO_RATE / (FPS * TOKEN_SAMPLES) - 1e-6),
        rate=AUDIO_RATE,
        fps=FPS,
        pictured=model.config.image_cond != "none",
        voice=VOICE * TOKEN_SECONDS if model.config.voice else 0.0,
    )
