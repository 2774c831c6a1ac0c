"""Controlled faults: what is done to a take, and the truth of what came out. Every function returns a new Take.

Words, phonemes, events and the speaker belong to the sound; boxes and the aperture belong to the picture. So after
`shift_audio` the words are late and the lips are not, which is what a metric should find.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.world.truth import Event, Phone, Take, Truth, Word

FADE = 0.005  # seconds over which a cut word is faded, so that the cut does not click


def shift_audio(take: Take, seconds: float) -> Take:
    """The sound `seconds` later (earlier where negative), to the sample; silence fills the gap, the rest is cut."""
    by = round(seconds * take.sample_rate)
    audio = np.zeros_like(take.audio)
    count = len(audio)
    audio[max(0, by) : min(count, count + by)] = take.audio[max(0, -by) : min(count, count - by)]
    return replace(take, audio=audio, truth=_heard(take.truth, by / take.sample_rate, count / take.sample_rate))


def swap_audio(take: Take, other: Take) -> Take:
    """The picture of `take` with the sound of `other`, cut or filled with silence to the picture's length."""
    if take.sample_rate != other.sample_rate:
        raise ValueError(f"sample rates differ: {take.sample_rate} and {other.sample_rate} Hz")
    audio = np.zeros_like(take.audio)
    count = min(len(audio), len(other.audio))
    audio[:count] = other.audio[:count]
    heard = _heard(other.truth, 0.0, len(audio) / take.sample_rate)
    truth = replace(
        take.truth, events=heard.events, words=heard.words, phones=heard.phones, speaker=other.truth.speaker
    )
    return replace(take, audio=audio, truth=truth)


def mute(take: Take) -> Take:
    """Digital silence."""
    truth = replace(take.truth, events=(), words=(), phones=(), speaker=None)
    return replace(take, audio=np.zeros_like(take.audio), truth=truth)


def freeze(take: Take, start: float) -> Take:
    """The picture stands still from second `start` on."""
    first = min(len(take.frames) - 1, max(0, round(start * take.fps)))

    def held(values: NDArray[np.float32]) -> NDArray[np.float32]:
        out = values.copy()
        out[first:] = values[first]
        return out

    frames = take.frames.copy()
    frames[first:] = take.frames[first]
    t = take.truth
    truth = replace(
        t,
        object_box=held(t.object_box),
        face_box=held(t.face_box),
        mouth_box=held(t.mouth_box),
        aperture=held(t.aperture),
    )
    return replace(take, frames=frames, truth=truth)


def blur(take: Take, sigma: float) -> Take:
    """Gaussian blur of every frame; `sigma` in pixels."""
    frames = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in take.frames]).astype(np.uint8)
    return replace(take, frames=frames)


def noise(take: Take, snr_db: float, seed: int = 0) -> Take:
    """White noise `snr_db` below the mean power of the whole sound; silence stays silent."""
    power = float(np.mean(take.audio.astype(np.float64) ** 2))
    hiss = np.random.default_rng((seed, 0x4015E)).standard_normal(len(take.audio))
    audio = take.audio + hiss * np.sqrt(power / 10 ** (snr_db / 10))
    return replace(take, audio=audio.astype(np.float32))


def drop_words(take: Take, indices: Collection[int]) -> Take:
    """Silences the words with these indices (and what else sounds meanwhile) and takes them out of the truth."""
    gone = [word for i, word in enumerate(take.truth.words) if i in set(indices)]
    gain = np.ones(len(take.audio))
    ramp = round(FADE * take.sample_rate)
    for word in gone:
        a, b = round(word.start * take.sample_rate), round(word.end * take.sample_rate)
        gain[a:b] = 0
        gain[max(0, a - ramp) : a] = np.minimum(gain[max(0, a - ramp) : a], np.linspace(1, 0, min(a, ramp)))
        tail = gain[b : b + ramp]
        tail[:] = np.minimum(tail, np.linspace(0, 1, len(tail)))
    words = tuple(word for word in take.truth.words if word not in gone)
    phones = tuple(p for p in take.truth.phones if not any(w.start <= (p.start + p.end) / 2 < w.end for w in gone))
    truth = replace(take.truth, words=words, phones=phones, speaker=take.truth.speaker if words else None)
    return replace(take, audio=(take.audio * gain).astype(np.float32), truth=truth)


def _heard(truth: Truth, by: float, seconds: float) -> Truth:
    """What is still heard of a sound moved `by` seconds in a clip of `seconds`; a word cut at the edge is gone."""
    events = (Event(e.kind, e.time + by, e.strength) for e in truth.events)
    words = (Word(w.text, w.start + by, w.end + by) for w in truth.words)
    phones = (Phone(p.symbol, p.start + by, p.end + by) for p in truth.phones)
    return replace(
        truth,
        events=tuple(e for e in events if 0 <= e.time < seconds),
        words=tuple(w for w in words if w.start >= 0 and w.end <= seconds),
        phones=tuple(p for p in phones if p.start >= 0 and p.end <= seconds),
    )
