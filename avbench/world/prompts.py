"""Random training prompts in the grammar of the bundled suites; their sentences come from a grammar of their own."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from avbench.records import Prompt, SpeechLine
from avbench.world.phrases import CLAUSES, PLACES
from avbench.world.plan import COLOURS
from avbench.world.sentences import sentence
from avbench.world.sources import KINDS
from avbench.world.speakers import SPEAKERS, Speaker

TIMES = ("", "once", "twice", "three times", "four times", "five times", "six times")
NUMBERS = ("", "one", "two", "three", "four", "five", "six")
MOST = {  # how often at most a class is asked to sound
    "impact": 4, "bounce": 5, "bell": 3, "drum": 6, "string": 4, "dog": 4, "bird": 4, "footsteps": 6, "door": 2,
    "clock": 6, "fireworks": 3, "whistle": 3, "thunder": 2,
}  # fmt: skip
MANY = "bursts|impacts|bounces|rings|beats|plucks|barks|chirps|footsteps|steps|ticks|blasts|cracks"


def sample_prompt(
    rng: np.random.Generator,
    kind: Literal["speech", "ambient", "complex"],
    language: Literal["en", "zh"] = "en",
    speaker: Speaker | None = None,
) -> Prompt:
    """A random prompt of one of the three families; one complex prompt in eight is narrated off screen.

    `speaker` speaks, where anybody does: by default one of the world's twelve.
    """
    name = f"train-{int(rng.integers(2**48)):012x}"
    place = _pick(rng, tuple(PLACES))
    where = _pick(rng, PLACES[place])
    if kind == "ambient":
        seen, heard, tags = _events(rng)
        caption = f"{seen} {where}." if rng.random() < 0.7 else f"{where.capitalize()}, {seen}."
        return Prompt(name, "ambient", _up(caption), _up(f"{heard}."), tags=(*tags, f"place:{place}"))
    speaker = speaker or SPEAKERS[_pick(rng, tuple(SPEAKERS))]
    line = SpeechLine(sentence(rng, language), language, speaker.name)
    who, tag = _person(speaker), f"speaker:{speaker.name}"
    if kind == "speech":
        plain = rng.random() < 0.3
        place = "plain" if plain else place
        there = "" if plain else " " + where
        ways = (
            f"{who} speaks to the camera{there}.",
            f"{who} talks{there}.",
            f"Portrait of {who} {'before a plain wall' if plain else where}, speaking to the camera.",
        )
        return Prompt(name, "speech", _up(_pick(rng, ways)), speech=(line,), tags=(tag, f"place:{place}"))
    seen, heard, tags = _events(rng)
    if rng.random() < 0.125:
        caption = f"{_up(seen)} {where}. The narrator is not seen."
        sound = f"{_up(heard)} while {_person(speaker).split(' with ')[0]} narrates."
        return Prompt(
            name, "complex", caption, sound, (line,), off_screen=True, tags=(tag, *tags, "screen:off", f"place:{place}")
        )
    caption = f"{_up(who)} speaks {where} while {seen}."
    return Prompt(name, "complex", caption, _up(f"{heard}."), (line,), tags=(tag, *tags, f"place:{place}"))


def _events(rng: np.random.Generator) -> tuple[str, str, tuple[str, ...]]:
    """What is seen, what is heard, and the tags; one time in ten a second thing sounds beside what goes on and on."""
    kind = _pick(rng, tuple(KINDS))
    seen, heard, count = _clause(rng, kind)
    tags = [f"event:{kind}"]
    if not KINDS[kind].counted and rng.random() < 0.25:
        other = _pick(rng, tuple(name for name in KINDS if KINDS[name].counted))
        also_seen, also_heard, count = _clause(rng, other)  # the tag `events` counts the class that stands first
        seen, heard = f"{seen} and {also_seen}", f"{heard} and {also_heard}"
        tags.insert(0, f"event:{other}")
    return seen, heard, (*tags, f"events:{count}")


def _clause(rng: np.random.Generator, kind: str) -> tuple[str, str, int]:
    count = int(rng.integers(1, MOST.get(kind, 1) + 1))
    slots = {
        "n": TIMES[count],
        "N": NUMBERS[count],
        "c": _pick(rng, tuple(COLOURS)),
        "s": _pick(rng, ("small", "big", "large", "little")),
    }
    texts = CLAUSES[kind][int(rng.integers(len(CLAUSES[kind])))]
    seen, heard = (text.format(**slots) for text in texts)
    if count == 1:
        seen, heard = (re.sub(rf"\bone (\w+ )?({MANY})\b", lambda m: m.group()[:-1], text) for text in (seen, heard))
    return seen, heard, count


def _person(speaker: Speaker) -> str:
    noun = "woman" if speaker.woman else "man"
    looks = {
        "bald": "bald",
        "bald top": f"{speaker.hair} hair and a bald top",
        "bob": f"a {speaker.hair} bob",
        "bun": f"{speaker.hair} hair in a bun",
        "curly": "dark curly hair",
    }.get(speaker.hair_style, f"{speaker.hair_style} {speaker.hair} hair")
    article = "an" if speaker.age == "old" else "a"
    if speaker.hair_style == "bald":
        return f"{article} {speaker.age} bald {noun}{' with glasses' if speaker.glasses else ''}"
    if speaker.beard:
        looks = "white hair and a white beard" if speaker.hair == "white" else f"{looks} and a beard"
    return f"{article} {speaker.age} {noun} with {looks}"


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _up(text: str) -> str:
    return text[0].upper() + text[1:]
