"""Random training prompts in the grammar of the bundled suites; their sentences come from a grammar of their own."""

from __future__ import annotations

from typing import Literal

import numpy as np

from avbench.records import Prompt, SpeechLine
from avbench.world.plan import COLOURS
from avbench.world.sentences import sentence
from avbench.world.sources import KINDS
from avbench.world.speakers import SPEAKERS, Speaker

PLACES: dict[str, tuple[str, ...]] = {
    "kitchen": ("in a kitchen", "in a bright kitchen"), "living-room": ("in a living room",), "bedroom": ("in a bedroom",),
    "office": ("in an office",), "classroom": ("in a classroom",), "library": ("in a library",), "cafe": ("in a cafe",),
    "street": ("on a street", "on an empty street"), "park": ("in a park",), "garden": ("in a garden",), "yard": ("in a yard",),
    "field": ("in a field", "in a wide field"), "beach": ("on a beach",), "forest": ("in a forest",), "mountain": ("on a mountain",),
    "lake": ("by a lake",), "harbour": ("at a harbour",), "station": ("at a station",), "stage": ("on a stage",),
    "hall": ("in a hall",), "garage": ("in a garage",), "workshop": ("in a workshop",), "roof": ("on a roof",),
}  # fmt: skip
# kind: (what is seen, what is heard); {n} how often, {N} how many, {c} a colour, {s} a size
CLAUSES: dict[str, tuple[tuple[str, str], ...]] = {
    "impact": (("a hammer strikes a block {n}", "{N} hard impacts of a hammer"), ("a {c} mallet hits the bench {n}", "a mallet hits a block {n}")),
    "bounce": (("a {c} ball bounces {n}", "a rubber ball bounces {n}"), ("a {s} {c} ball drops and bounces {n}", "{N} bounces of a ball")),
    "roll": (("a {c} ball rolls across the floor", "a hard ball rolls over wood"), ("a {s} marble rolls to and fro", "a marble rolls with a rumble")),
    "pour": (("water pours from a jug into a glass", "water pours into a glass"), ("{c} juice pours into a tall glass", "a drink pours into a glass")),
    "engine": (("a {c} car stands with its engine running", "a car engine idles"), ("a {c} car shakes as its engine revs", "an engine revs up and down")),
    "rain": (("rain falls", "steady rain falls"), ("heavy rain falls", "heavy rain with a loud hiss"), ("light rain falls", "light rain patters softly")),
    "wind": (("wind bends the trees", "wind blows in gusts"), ("strong wind blows leaves about", "strong wind howls")),
    "bell": (("a bell swings and rings {n}", "a bell rings {n}"), ("a {s} brass bell rings {n}", "{N} rings of a brass bell")),
    "drum": (("a {c} drum is struck {n}", "a drum is struck {n}"), ("sticks beat a {s} {c} drum {n}", "{N} beats of a drum")),
    "string": (("a guitar string is plucked {n}", "a guitar string is plucked {n}"), ("a hand plucks a {c} guitar {n}", "{N} plucks of a guitar string")),
    "dog": (("a {s} dog barks {n}", "a dog barks {n}"), ("a {c} dog opens its mouth and barks {n}", "{N} barks of a dog")),
    "bird": (("a {c} bird chirps {n}", "a bird chirps {n}"), ("a {s} bird on a branch chirps {n}", "{N} chirps of a bird")),
    "footsteps": (("dark shoes pass in {N} footsteps", "{N} footsteps on a hard floor"), ("someone walks {N} slow steps", "{N} slow footsteps")),
    "door": (("a {c} door slams shut {n}", "a door slams {n}"), ("a door swings open and bangs shut {n}", "a wooden door slams {n}")),
    "clock": (("a clock ticks {n}", "a clock ticks {n}"), ("a tall clock ticks {n}, its pendulum swinging", "{N} ticks of a clock")),
    "fireworks": (("{N} bursts of fireworks open in the sky", "{N} bursts of fireworks go off"), ("{c} fireworks burst {n}", "fireworks burst {n}")),
    "waves": (("waves wash over the sand", "waves wash over sand"), ("waves break one after another", "waves crash on a beach")),
    "typing": (("two hands are typing on a keyboard", "typing on a keyboard"), ("fingers type quickly on a keyboard", "fast typing with dry clicks")),
    "whistle": (("a whistle is blown {n}", "{N} blasts of a whistle"), ("a {s} silver whistle blows {n}", "a whistle blows {n}")),
    "applause": (("a crowd claps in applause", "applause from a crowd"), ("many hands clap in loud applause", "loud applause")),
    "thunder": (("lightning flashes and thunder cracks {n}", "thunder cracks {n}"), ("lightning strikes {n}", "{N} cracks of thunder")),
    "siren": (("a siren lamp turns and wails", "a siren wails up and down"), ("a {c} lamp turns as a siren sounds", "a siren rises and falls")),
}  # fmt: skip
TIMES = ("", "once", "twice", "three times", "four times", "five times", "six times")
NUMBERS = ("", "one", "two", "three", "four", "five", "six")
MOST = {"impact": 4, "bounce": 5, "bell": 3, "drum": 6, "string": 4, "dog": 4, "bird": 4, "footsteps": 6, "door": 2, "clock": 6,
        "fireworks": 3, "whistle": 3, "thunder": 2}  # fmt: skip


def sample_prompt(
    rng: np.random.Generator, kind: Literal["speech", "ambient", "complex"], language: Literal["en", "zh"] = "en"
) -> Prompt:
    """A random prompt of one of the three families; about one complex prompt in eight is narrated off screen."""
    name = f"train-{int(rng.integers(2**48)):012x}"
    place = _pick(rng, tuple(PLACES))
    where = _pick(rng, PLACES[place])
    if kind == "ambient":
        event, seen, heard, tags = _event(rng)
        caption = f"{seen} {where}." if rng.random() < 0.7 else f"{where.capitalize()}, {seen}."
        return Prompt(name, "ambient", _up(caption), _up(f"{heard}."), tags=(*tags, f"place:{place}"))
    speaker = SPEAKERS[_pick(rng, tuple(SPEAKERS))]
    line = SpeechLine(sentence(rng, language), language, speaker.name)
    who, tag = _person(speaker), f"speaker:{speaker.name}"
    if kind == "speech":
        plain = rng.random() < 0.3
        place = "plain" if plain else place
        ways = (f"{who} speaks to the camera{'' if plain else ' ' + where}.", f"{who} talks{'' if plain else ' ' + where}.",
                f"Portrait of {who} {'before a plain wall' if plain else where}, speaking to the camera.")  # fmt: skip
        return Prompt(name, "speech", _up(_pick(rng, ways)), speech=(line,), tags=(tag, f"place:{place}"))
    event, seen, heard, tags = _event(rng)
    if rng.random() < 0.125:
        caption = f"{_up(seen)} {where}. The narrator is not seen."
        sound = f"{_up(heard)} while {_person(speaker).split(' with ')[0]} narrates."
        return Prompt(
            name, "complex", caption, sound, (line,), off_screen=True, tags=(tag, *tags, "screen:off", f"place:{place}")
        )
    caption = f"{_up(who)} speaks {where} while {seen}."
    return Prompt(name, "complex", caption, _up(f"{heard}."), (line,), tags=(tag, *tags, f"place:{place}"))


def _event(rng: np.random.Generator) -> tuple[str, str, str, tuple[str, ...]]:
    kind = _pick(rng, tuple(KINDS))
    seen, heard = CLAUSES[kind][int(rng.integers(len(CLAUSES[kind])))]
    count = int(rng.integers(1, MOST.get(kind, 1) + 1))
    slots = {
        "n": TIMES[count],
        "N": NUMBERS[count],
        "c": _pick(rng, tuple(COLOURS)),
        "s": _pick(rng, ("small", "big", "large", "little")),
    }
    phrases = [text.format(**slots) for text in (seen, heard)]
    if count == 1:
        for many in ("bursts", "impacts", "bounces", "rings", "beats", "plucks", "barks", "chirps", "footsteps", "steps", "ticks",
                     "blasts", "cracks"):  # fmt: skip
            phrases = [p.replace(f"one {many}", f"one {many[:-1]}").replace(f"one hard {many}", f"one hard {many[:-1]}")
                       .replace(f"one slow {many}", f"one slow {many[:-1]}") for p in phrases]  # fmt: skip
    return kind, phrases[0], phrases[1], (f"event:{kind}", f"events:{count}")


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
