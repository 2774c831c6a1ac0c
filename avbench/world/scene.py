"""From a prompt to a scene: tags first, then the words of the captions; what nobody said is drawn from the seed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from avbench.records import Prompt, SpeechLine
from avbench.world.canvas import RGB
from avbench.world.cues import COUNTED, CUES, LIGHTS, NUMBERS, PLACE_CUES
from avbench.world.place import PLACES
from avbench.world.plan import COLOURS
from avbench.world.sources import KINDS
from avbench.world.speakers import Speaker, speaker_of

FPS = 25


@dataclass(frozen=True, slots=True)
class Prop:
    """One sounding thing: its class, how often it is to sound (None: as it likes), and where its unit square lies."""

    kind: str
    count: int | None
    colour: RGB
    pitch: float
    speed: float
    centre: tuple[float, float]
    scale: float
    seed: int


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a render needs. `talker` and `line` are None without speech.

    `props` are painted in order, those that fill the picture first. `zoom` and `shift` place the head; `light`
    multiplies red, green and blue; `drift` is the camera's path in pictures.
    """

    seed: int
    frames: int
    place: str
    talker: Speaker | None
    line: SpeechLine | None
    props: tuple[Prop, ...]
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
    kinds = _kinds(prompt, caption, line is not None, rng)
    shown = line is not None and not prompt.off_screen
    side = 1 if rng.random() < 0.5 else -1
    if shown and kinds:  # the talker on one side, so that the event shows on the other
        zoom = float(rng.uniform(0.74, 0.80))
        shift = (-side * float(rng.uniform(0.16, 0.19)), float(rng.uniform(0.02, 0.05)))
    else:
        zoom = float(rng.uniform(0.92, 1.00))
        shift = (float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.015, 0.02)))
    usual = next((KINDS[kind].places for kind in kinds), ("room", "office", "park", "street", "stage", "kitchen"))
    return Scene(
        seed=base,
        frames=frames_of(prompt.seconds if seconds is None else seconds),
        place=_place(prompt, caption, usual, rng),
        talker=speaker_of(prompt, base) if line else None,
        line=line,
        props=_props(kinds, _counts(prompt, caption, kinds), caption, side if shown else 0, rng),
        zoom=zoom,
        shift=shift,
        light=_light(caption, rng),
        drift=(float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.025, 0.025))),
        off_screen=prompt.off_screen,
    )


def _props(
    kinds: list[str], counts: list[int | None], caption: str, side: int, rng: np.random.Generator
) -> tuple[Prop, ...]:
    """Props with their places: beside the talker (`side` -1 or 1), or in the middle, or left and right of it."""
    big = re.search(r"\b(big|large|huge|giant)\b", caption)
    small = re.search(r"\b(small|little|tiny)\b", caption)
    size = 1.12 if big else 0.84 if small else 1.0
    deep, high = re.search(r"\b(deep|low|heavy)\b", caption), re.search(r"\b(high|shrill)\b", caption)
    pitch = 0.84 if big or deep else 1.18 if small or high else 1.0
    fast, slow = re.search(r"fast|quick|rapid|heavy|strong", caption), re.search(r"slow|gentl|soft|light ", caption)
    speed = 1.3 if fast else 0.75 if slow else 1.0
    narrow = [kind for kind in kinds if not KINDS[kind].wide]
    props = []
    for kind, count in zip(kinds, counts, strict=True):
        place = narrow.index(kind) if kind in narrow else 0
        if kind not in narrow:
            scale, centre = 1.0, (0.5 + 0.22 * side * (kind in ("fireworks", "thunder")), 0.5)
        elif side:
            scale = float(rng.uniform(0.40, 0.46)) * min(size, 1.05)
            middle = float(rng.uniform(0.40, 0.62)) if len(narrow) == 1 else 0.24 + 0.5 * place
            centre = (0.5 + side * (0.49 - scale / 2), middle)
        elif len(narrow) > 1:
            scale = float(rng.uniform(0.50, 0.54))
            centre = (0.26 + 0.48 * place, 0.55 + float(rng.uniform(-0.05, 0.08)))
        else:
            scale = float(rng.uniform(0.78, 0.92)) * size
            centre = (0.5 + float(rng.uniform(-0.06, 0.06)), 0.5 + float(rng.uniform(-0.03, 0.05)))
        props.append(
            Prop(
                kind=kind,
                count=count,
                colour=_colour(caption, rng),
                pitch=pitch * float(rng.uniform(0.92, 1.09)),
                speed=speed * float(rng.uniform(0.9, 1.1)),
                centre=centre,
                scale=scale,
                seed=int(rng.integers(2**31)),
            )
        )
    return tuple(sorted(props, key=lambda prop: not KINDS[prop.kind].wide))


def _kinds(prompt: Prompt, caption: str, speaks: bool, rng: np.random.Generator) -> list[str]:
    """The classes of the tags `event:KIND`, else of the captions' words, else (without speech) a drawn one."""
    tagged = [tag.removeprefix("event:") for tag in prompt.tags if tag.startswith("event:")]
    kinds = [_named(tag) for tag in tagged] or [_named(prompt.audio_caption.lower()) or _named(caption)]
    found = list(dict.fromkeys(kind for kind in kinds if kind))[:2]
    return found or ([] if speaks else [list(KINDS)[int(rng.integers(len(KINDS)))]])


def _named(text: str) -> str | None:
    return text if text in KINDS else next((name for name, cue in CUES.items() if re.search(cue, text)), None)


def _counts(prompt: Prompt, caption: str, kinds: list[str]) -> list[int | None]:
    """How often each thing sounds: the tag `events:N`, else the captions' number, for the first; a second once."""
    total = _total(prompt, caption)
    if total is None:
        return [None] * len(kinds)
    return [(1 if i else total) if KINDS[kind].counted else None for i, kind in enumerate(kinds)]


def _total(prompt: Prompt, caption: str) -> int | None:
    tag = prompt.tag("events")
    if tag and tag.isdigit() and int(tag) > 0:
        return int(tag)
    found = re.search(r"\b(once|twice|thrice)\b", caption) or re.search(
        r"\b(one|two|three|four|five|six|seven|eight)\b[- ]?(?:\w+ )?(?:times|" + "|".join(COUNTED) + r")\b", caption
    )
    return NUMBERS[found.group(1)] if found else None


def _place(prompt: Prompt, caption: str, usual: tuple[str, ...], rng: np.random.Generator) -> str:
    """A night sky if the captions have one, else the tag `place:NAME`, else the captions' place, else a fitting one."""
    choice = usual[int(rng.integers(len(usual)))]
    named = next((name for name, cue in PLACE_CUES.items() if re.search(cue, caption)), choice)
    tag = prompt.tag("place")
    return tag if tag in PLACES and named != "night" else named


def _colour(caption: str, rng: np.random.Generator) -> RGB:
    names = list(COLOURS)
    named = re.search(r"\b(" + "|".join(names) + r")\b(?! hair| beard| bun| bob| top)", caption)
    return COLOURS[named.group(1)] if named else COLOURS[names[int(rng.integers(6))]]


def _light(caption: str, rng: np.random.Generator) -> tuple[float, float, float]:
    gain = next((light for cue, light in LIGHTS.items() if re.search(cue, caption)), None)
    r, g, b = gain or (1.0, 1.0, 1.0)
    wobble = rng.uniform(0.95, 1.04)
    return float(r * wobble), float(g * wobble), float(b * wobble * rng.uniform(0.97, 1.03))
