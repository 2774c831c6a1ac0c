"""One clip of a training set, as the world renders it: pictures, sound, what is said when, and where the face is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from avbench.records import Prompt
from avbench.world.speakers import SPEAKERS
from avbench.world.truth import Phone, Truth

from .codec import BLOCK
from .config import ModelConfig
from .strangers import SOMEBODY, stranger
from .text import sounds, spell
from .timemap import Timeline
from .tokens import FPS

KINDS: tuple[Literal["speech", "ambient", "complex"], ...] = ("speech", "ambient", "complex")
ODDS = (0.4, 0.4, 0.2)
SEEN = 64  # strangers whose voices are in clips


@dataclass(frozen=True, slots=True)
class Shot:
    """One clip: uint8 `frames`, 16 kHz `audio`, its texts and letter times, who speaks ("": nobody known), and how it
    is spelled.

    `mouth` (F, h, w) is bool, `face` the share of each cell that the face covers, the most over a latent's frames.
    """

    frames: NDArray[np.uint8]
    audio: NDArray[np.float32]
    mouth: NDArray[np.bool_]
    prompt: Prompt
    letters: Sequence[str]
    ends: list[float]
    face: NDArray[np.float16]
    speaker: str = ""
    spelling: str = "letters"


def mouth_mask(boxes: NDArray[np.float32], latents: int, cells: int) -> NDArray[np.bool_]:
    """(F, h, w): the union of the mouth boxes (T, 4) of a latent's frames, rounded outwards to 8-pixel cells."""
    line, mask = Timeline(4 * latents - 3, 1), np.zeros((latents, cells, cells), np.bool_)
    for i in range(latents):
        near = boxes[slice(*line.span(i))]
        near = near[~np.isnan(near).any(1)]
        if len(near):
            x0, y0 = np.floor(near[:, :2].min(0) / BLOCK).astype(int).clip(0)
            x1, y1 = np.ceil(near[:, 2:].max(0) / BLOCK).astype(int)
            mask[i, y0:y1, x0:x1] = True
    return mask


def face_cover(boxes: NDArray[np.float32], latents: int, cells: int) -> NDArray[np.float16]:
    """(F, h, w): the share of each 8-pixel cell inside the face box (T, 4), the most over a latent's frames."""
    line, cover = Timeline(4 * latents - 3, 1), np.zeros((latents, cells, cells), np.float16)
    edges = np.arange(cells) * BLOCK
    for i in range(latents):
        for x0, y0, x1, y1 in boxes[slice(*line.span(i))]:
            if not np.isnan(x0):
                wide, high = (
                    np.clip(np.minimum(edges + BLOCK, high) - np.maximum(edges, low), 0, BLOCK) / BLOCK
                    for low, high in ((x0, x1), (y0, y1))
                )
                cover[i] = np.maximum(cover[i], high[:, None] * wide)
    return cover


def reading(truth: Truth, prompt: Prompt, spelling: str) -> tuple[list[str], list[float]]:
    """What is said in a clip, spelled, and when the leading silence and each letter end."""
    if spelling == "sounds" and prompt.speech and prompt.speech[0].language != "zh":
        return sound_times(truth.phones)
    letters, ends = letter_times([(word.text, word.start, word.end) for word in truth.words])
    return list(letters), ends


def sound_times(phones: Sequence[Phone]) -> tuple[list[str], list[float]]:
    """The symbols of phonemes, and when the leading silence and each of them end."""
    letters, ends = [], [phones[0].start if phones else 0.0]
    for phone in phones:
        for symbol in sounds([phone.symbol]):
            letters.append(symbol)
            ends.append(phone.end)
    while letters and letters[-1] == " ":
        letters.pop()
        ends.pop()
    return letters, ends


def letter_times(words: list[tuple[str, float, float]]) -> tuple[str, list[float]]:
    """Letters of the spelled words and the end of the leading silence and of each letter.

    A word's letters share its time evenly; a space lasts as long as the pause that it stands for.
    """
    letters, ends = "", [0.0]
    for word, (_, start, end) in zip(_spelled([text for text, _, _ in words]), words, strict=True):
        if not word:
            continue
        if letters:
            letters += " "
            ends.append(max(start, ends[-1]))
        else:
            ends[0] = start
        begin = ends[-1]
        letters += word
        ends += [begin + (max(end, begin) - begin) * (n + 1) / len(word) for n in range(len(word))]
    return letters, ends


def _spelled(words: list[str]) -> list[str]:
    """Each word in letters. How a Chinese character is read depends on its neighbours, so these are read in one."""
    found: list[str] = []
    for chinese, run in groupby(words, lambda word: "\u4e00" <= word[:1] <= "\u9fff"):
        among = list(run)
        whole = spell("".join(among)).split() if chinese else []
        found += whole if len(whole) == len(among) else map(spell, among)
    return found


def shoot(index: int, model: ModelConfig, seed: int, unknown: float = 0.0) -> Shot:
    """Clip `index` of the training set of `seed`. `unknown` of the talkers have a stranger's voice and any face."""
    from avbench.world.prompts import sample_prompt
    from avbench.world.render import render

    rng = np.random.default_rng((seed, index))
    prompt = sample_prompt(rng, KINDS[int(rng.choice(3, p=ODDS))], "zh" if rng.random() < 0.15 else "en")
    take_seed, face_of, talker = int(rng.integers(2**31)), None, None
    if prompt.suite == "speech" and rng.random() < unknown:
        talker = stranger(int(rng.integers(SEEN)), seed)
        face_of = SPEAKERS[list(SPEAKERS)[int(rng.integers(len(SPEAKERS)))]]
        prompt = replace(prompt, video_caption=SOMEBODY)
    take = render(prompt, take_seed, model.size, model.frames / FPS, face_of, talker=talker)
    latents = Timeline(model.frames, 1).latents
    mask = mouth_mask(take.truth.mouth_box, latents, model.size // BLOCK)
    face = face_cover(take.truth.face_box, latents, model.size // BLOCK)
    letters, ends = reading(take.truth, prompt, model.audio.spelling)
    frames = take.frames[: model.frames]
    speaker = take.truth.speaker or ""
    return Shot(frames, take.audio, mask, prompt, letters, ends, face, speaker, model.audio.spelling)


def texts_of(shots: list[Shot]) -> list[str]:
    """What a shard holds of their texts, a JSON object each."""
    return [
        json.dumps(
            {
                "prompt": {"video_caption": s.prompt.video_caption, "audio_caption": s.prompt.audio_caption},
                "letters": s.letters,
                "ends": s.ends,
                "speaker": s.speaker,
                "spelling": s.spelling,
            }
        )
        for s in shots
    ]
