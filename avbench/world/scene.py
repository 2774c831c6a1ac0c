"""From a prompt to a scene: tags first, then the words of the captions; what nobody said is drawn from the seed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from avbench.records import Prompt, SpeechLine
from avbench.world.canvas import RGB
from avbench.world.place import PLACES
from avbench.world.plan import COLOURS
from avbench.world.sources import KINDS
from avbench.world.speakers import Speaker, speaker_of

FPS = 25
# First match in this order wins; the specific stand before the general.
CUES: dict[str, str] = {
    "fireworks": r"firework|firecracker|烟花|鞭炮",
    "thunder": r"thunder|lightning|雷",
    "siren": r"siren|ambulance|police car|fire truck|警笛",
    "applause": r"applau|clap(s|ping|ped)? |clapping|audience|掌声",
    "typing": r"typ(ing|es|ist)\b|keyboard|打字",
    "whistle": r"whistl|kettle|referee|哨",
    "dog": r"\bdogs?\b|bark|puppy|狗",
    "bird": r"\bbirds?\b|chirp|sparrow|robin|song ?bird|tweet|鸟",
    "footsteps": r"footstep|walk(s|ing)\b|\bsteps\b|boots|shoes|脚步",
    "door": r"\bdoors?\b|slam|门",
    "clock": r"\bclocks?\b|tick|pendulum|metronome|钟表|滴答",
    "bell": r"\bbells?\b|chime|gong|钟",
    "drum": r"drum|鼓",
    "string": r"guitar|string|violin|cello|harp|pluck|strum|banjo|琴|吉他",
    "waves": r"\bwaves?\b|surf|ocean|\bsea\b|shore|海浪",
    "rain": r"\brain|downpour|drizzl|shower|雨",
    "pour": r"pour|jug|pitcher|teapot|倒水",
    "roll": r"\broll(s|ing|ed)?\b|marble|滚",
    "bounce": r"bounc|dribbl|basketball|tennis ball|弹",
    "impact": r"hammer|impact|knock|strik|\bhits?\b|anvil|bang|mallet|thud|锤",
    "engine": r"engine|\bcars?\b|motor|truck|tractor|revv?|引擎|汽车",
    "wind": r"\bwind|gust|breeze|风",
}
PLACE_CUES: dict[str, str] = {
    "night": r"\bnight|moonlit|stars\b|夜", "kitchen": r"kitchen|厨房", "stage": r"stage|theat|concert|舞台",
    "office": r"office|study\b|library|办公", "workshop": r"workshop|garage|forge|barn", "beach": r"beach|seaside|sand|coast|海滩",
    "forest": r"forest|wood(s|land)\b|森林", "park": r"\bpark|garden|meadow|field|lawn|公园", "street": r"street|road|city|town|pavement|街",
    "room": r"room|indoors|house|hall|房间", "sky": r"\bsky\b|天空",
}  # fmt: skip
NUMBERS = {
    "once": 1,
    "twice": 2,
    "thrice": 3,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
}
LIGHTS: dict[str, tuple[float, float, float]] = {
    r"sunset|golden|warm light|candle|lamp": (1.08, 0.98, 0.84), r"overcast|grey day|cloudy|cold light|dawn": (0.90, 0.95, 1.02),
    r"\bdim|dark|dusk|evening": (0.80, 0.80, 0.88), r"bright|sunny|daylight|sunlight": (1.06, 1.05, 1.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a render needs. `talker` is None without speech; `event` None without a sounding event.

    `centre` and `scale` place the event's unit square in the picture, `zoom` and `shift` the head; `light` multiplies
    red, green and blue; `drift` is the camera's path length in pictures.
    """

    seed: int
    frames: int
    place: str
    talker: Speaker | None
    line: SpeechLine | None
    event: str | None
    count: int | None
    colour: RGB
    pitch: float
    speed: float
    centre: tuple[float, float]
    scale: float
    zoom: float
    shift: tuple[float, float]
    light: tuple[float, float, float]
    drift: tuple[float, float]
    off_screen: bool

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return self.frames / FPS


def frames_of(seconds: float) -> int:
    """The number 4n + 1 of frames nearest to `seconds`, at least 5."""
    return 4 * max(1, round((seconds * FPS - 1) / 4)) + 1


def scene_of(prompt: Prompt, seed: int, seconds: float | None = None) -> Scene:
    """The scene of a prompt; the same arguments give the same scene on every machine. Every prompt has one."""
    text = f"{prompt.id}|{prompt.video_caption}|{prompt.audio_caption}|{seed}"
    base = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")
    rng = np.random.default_rng(base)
    caption = f"{prompt.audio_caption} . {prompt.video_caption}".lower()
    line = next((said for said in prompt.speech if said.text.strip()), None)
    event = _event(prompt, caption, line is not None, rng)
    kind = KINDS[event] if event else None
    shown = line is not None and not prompt.off_screen
    side = 1 if rng.random() < 0.5 else -1
    big = (
        1.12
        if re.search(r"\b(big|large|huge|giant)\b", caption)
        else 0.84
        if re.search(r"\b(small|little|tiny)\b", caption)
        else 1.0
    )
    if shown and kind and not kind.wide:  # the talker on one side, the event on the other
        zoom, shift = (
            float(rng.uniform(0.74, 0.80)),
            (-side * float(rng.uniform(0.16, 0.19)), float(rng.uniform(0.02, 0.05))),
        )
        scale = float(rng.uniform(0.40, 0.46)) * min(big, 1.05)
        centre = (0.5 + side * (0.49 - scale / 2), float(rng.uniform(0.40, 0.62)))
    else:
        zoom, shift = (
            float(rng.uniform(0.96, 1.06)),
            (float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.015, 0.02))),
        )
        scale = 1.0 if kind and kind.wide else float(rng.uniform(0.78, 0.92)) * big
        centre = (0.5 + float(rng.uniform(-0.06, 0.06)), 0.5 + float(rng.uniform(-0.03, 0.05)))
    speed = (
        1.3
        if re.search(r"fast|quick|rapid|heavy|strong", caption)
        else 0.75
        if re.search(r"slow|gentl|soft|light ", caption)
        else 1.0
    )
    pitch = (
        0.82
        if re.search(r"\b(deep|low|big|large|heavy)\b", caption)
        else 1.2
        if re.search(r"\b(high|small|little|tiny)\b", caption)
        else 1.0
    )
    return Scene(
        seed=base,
        frames=frames_of(prompt.seconds if seconds is None else seconds),
        place=_place(
            prompt, caption, kind.places if kind else ("room", "office", "park", "street", "stage", "kitchen"), rng
        ),
        talker=speaker_of(prompt, base) if line else None,
        line=line,
        event=event,
        count=_count(prompt, caption),
        colour=_colour(caption, rng),
        pitch=pitch * float(rng.uniform(0.92, 1.09)),
        speed=speed * float(rng.uniform(0.9, 1.1)),
        centre=centre,
        scale=scale,
        zoom=zoom,
        shift=shift,
        light=_light(caption, rng),
        drift=(float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.025, 0.025))),
        off_screen=prompt.off_screen,
    )


def _event(prompt: Prompt, caption: str, speaks: bool, rng: np.random.Generator) -> str | None:
    tag = prompt.tag("event")
    if tag is not None:
        if tag in KINDS:
            return tag
        found = next((name for name, cue in CUES.items() if name in KINDS and re.search(cue, tag)), None)
        return found
    for text in (prompt.audio_caption.lower(), caption):
        found = next((name for name, cue in CUES.items() if name in KINDS and re.search(cue, text)), None)
        if found:
            return found
    return None if speaks else list(KINDS)[int(rng.integers(len(KINDS)))]


def _count(prompt: Prompt, caption: str) -> int | None:
    tag = prompt.tag("events")
    if tag and tag.isdigit() and int(tag) > 0:
        return int(tag)
    found = re.search(r"\b(once|twice|thrice)\b", caption) or re.search(
        r"\b(one|two|three|four|five|six|seven|eight)\b[- ]?(?:\w+ )?"
        r"(?:times|strokes?|beats?|knocks?|barks?|chirps?|steps?|footsteps|notes?|ticks?|blasts?|claps?|bursts?|bounces?|hits?|blows?|tolls?|slams?|waves)\b",
        caption,
    )
    return NUMBERS[found.group(1)] if found else None


def _place(prompt: Prompt, caption: str, usual: tuple[str, ...], rng: np.random.Generator) -> str:
    tag = prompt.tag("place")
    if tag in PLACES:
        return str(tag)
    choice = usual[int(rng.integers(len(usual)))]
    return next((name for name, cue in PLACE_CUES.items() if re.search(cue, caption)), choice)


def _colour(caption: str, rng: np.random.Generator) -> RGB:
    names = list(COLOURS)
    named = re.search(r"\b(" + "|".join(names) + r")\b(?! hair| beard| bun| bob| top)", caption)
    return COLOURS[named.group(1)] if named else COLOURS[names[int(rng.integers(6))]]


def _light(caption: str, rng: np.random.Generator) -> tuple[float, float, float]:
    gain = next((light for cue, light in LIGHTS.items() if re.search(cue, caption)), None)
    r, g, b = gain or (1.0, 1.0, 1.0)
    wobble = rng.uniform(0.95, 1.04)
    return float(r * wobble), float(g * wobble), float(b * wobble * rng.uniform(0.97, 1.03))
