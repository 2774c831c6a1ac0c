"""Controlled faults: what is done to a clip, whoever made it. Every function returns a new one of the same kind.

They work on a `Take` of the world, whose truth is then that of what came out, and on any `Sample`. Words, phonemes,
events and the speaker belong to the sound; boxes and the aperture belong to the picture. So after `shift_audio` the
words are late and the lips are not, which is what a metric should find.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from avbench.records import Sample
from avbench.world.truth import Event, Phone, Take, Truth, Word

C = TypeVar("C", Take, Sample)
FADE = 0.005  # seconds over which a cut word is faded, so that the cut does not click


def shift_audio(clip: C, seconds: float) -> C:
    """The sound `seconds` later (earlier where negative), to the sample; silence fills the gap, the rest is cut."""
    by = round(seconds * clip.sample_rate)
    audio = np.zeros_like(clip.audio)
    count = len(audio)
    if abs(by) < count:
        audio[max(0, by) : min(count, count + by)] = clip.audio[max(0, -by) : min(count, count - by)]
    moved = replace(clip, audio=audio)
    return _knowing(moved, lambda truth: _heard(truth, by / clip.sample_rate, count / clip.sample_rate))


def swap_audio(clip: C, other: C) -> C:
    """The picture of `clip` with the sound of `other`, cut or filled with silence to the picture's length."""
    if clip.sample_rate != other.sample_rate or clip.audio.shape[1:] != other.audio.shape[1:]:
        form = [f"{c.sample_rate} Hz with {c.audio[0].size if len(c.audio) else 0} channels" for c in (clip, other)]
        raise ValueError(f"the sounds differ in form: {form[0]} and {form[1]}")
    audio = np.zeros_like(clip.audio)
    count = min(len(audio), len(other.audio))
    audio[:count] = other.audio[:count]
    swapped = replace(clip, audio=audio)
    if isinstance(other, Take):
        heard = _heard(other.truth, 0.0, len(audio) / clip.sample_rate)
        return _knowing(
            swapped,
            lambda truth: replace(
                truth, events=heard.events, words=heard.words, phones=heard.phones, speaker=heard.speaker
            ),
        )
    return swapped


def mute(clip: C) -> C:
    """Digital silence."""
    silent = replace(clip, audio=np.zeros_like(clip.audio))
    return _knowing(silent, lambda truth: replace(truth, events=(), words=(), phones=(), speaker=None))


def noise(clip: C, snr_db: float, seed: int = 0) -> C:
    """White noise `snr_db` below the mean power of the whole sound; silence stays silent."""
    power = float(np.mean(clip.audio.astype(np.float64) ** 2))
    hiss = np.random.default_rng((seed, 0x4015E)).standard_normal(clip.audio.shape)
    audio = clip.audio + hiss * np.sqrt(power / 10 ** (snr_db / 10))
    return replace(clip, audio=audio.astype(np.float32))


def overdrive(clip: C, decibels: float) -> C:
    """The sound so loud that its peak would be `decibels` above full scale, and cut off there."""
    peak = float(np.abs(clip.audio).max(initial=0.0))
    gain = 10 ** (decibels / 20) / peak if peak else 1.0
    return replace(clip, audio=np.clip(clip.audio * gain, -1.0, 1.0).astype(np.float32))


def low_pass(clip: C, hertz: float) -> C:
    """Nothing above `hertz` is heard: Butterworth of order 8 run both ways, so that nothing is delayed."""
    if hertz >= clip.sample_rate / 2:
        return clip
    sos = butter(8, hertz, fs=clip.sample_rate, output="sos")
    filtered = sosfiltfilt(sos, clip.audio.astype(np.float64), axis=0)
    return replace(clip, audio=np.asarray(filtered, np.float32))


def freeze(clip: C, start: float) -> C:
    """The picture stands still from second `start` on."""
    first = min(len(clip.frames) - 1, max(0, round(start * clip.fps)))
    kept = np.minimum(np.arange(len(clip.frames)), first)
    return _shown(clip, kept)


def shuffle_frames(clip: C, seconds: float, seed: int = 0) -> C:
    """The frames of every `seconds` of the picture in random order."""
    order = np.arange(len(clip.frames))
    rng = np.random.default_rng((seed, 0x5_4FF1E))
    size = max(2, round(seconds * clip.fps))
    for start in range(0, len(order), size):
        rng.shuffle(order[start : start + size])
    return _shown(clip, order)


def blur(clip: C, sigma: float) -> C:
    """Gaussian blur of every frame; `sigma` in pixels."""
    return _each(clip, lambda frame: np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8))


def jpeg(clip: C, quality: int) -> C:
    """Every frame stored as JPEG of `quality` 1 to 100."""

    def stored(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        _, packed = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        unpacked = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        assert unpacked is not None
        return np.asarray(unpacked[..., ::-1], np.uint8)

    return _each(clip, stored)


def expose(clip: C, stops: float) -> C:
    """Pixel values times 2 ** `stops`, cut off at white: lighter above 0, darker below."""
    table = np.clip(np.round(np.arange(256) * 2.0**stops), 0, 255).astype(np.uint8)
    return replace(clip, frames=table[clip.frames])


def dither(clip: C, seed: int) -> C:
    """What nobody can see or hear: pixels one level up or down at random, noise at -90 dBFS."""
    rng = np.random.default_rng((seed, 0xD17E4))
    step = rng.integers(-1, 2, clip.frames.shape, np.int16)
    frames = np.clip(clip.frames + step, 0, 255).astype(np.uint8)
    hiss = 10 ** (-90 / 20) * rng.standard_normal(clip.audio.shape)
    return replace(clip, frames=frames, audio=(clip.audio + hiss).astype(np.float32))


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


def _each(clip: C, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> C:
    return replace(clip, frames=np.stack([change(frame) for frame in clip.frames]).astype(np.uint8))


def _shown(clip: C, order: NDArray[np.intp]) -> C:
    """Frames (and the truth about them) picked by index."""

    def picked(t: Truth) -> Truth:
        fields = ("object_box", "face_box", "mouth_box", "aperture")
        return replace(t, **{field: getattr(t, field)[order] for field in fields})

    return _knowing(replace(clip, frames=clip.frames[order]), picked)


def _knowing(clip: C, change: Callable[[Truth], Truth]) -> C:
    """The clip with its truth, where it has one, brought up to date."""
    return replace(clip, truth=change(clip.truth)) if isinstance(clip, Take) else clip


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
