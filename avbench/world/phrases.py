"""The wording of training captions: places, and what is seen and heard of each class of event."""

from __future__ import annotations

PLACES: dict[str, tuple[str, ...]] = {
    "kitchen": ("in a kitchen", "in a bright kitchen"),
    "living-room": ("in a living room",),
    "bedroom": ("in a bedroom",),
    "office": ("in an office",),
    "classroom": ("in a classroom",),
    "library": ("in a library",),
    "cafe": ("in a cafe",),
    "street": ("on a street", "on an empty street"),
    "park": ("in a park",),
    "garden": ("in a garden",),
    "yard": ("in a yard",),
    "field": ("in a field", "in a wide field"),
    "beach": ("on a beach",),
    "forest": ("in a forest",),
    "mountain": ("on a mountain",),
    "lake": ("by a lake",),
    "harbour": ("at a harbour",),
    "station": ("at a station",),
    "stage": ("on a stage",),
    "hall": ("in a hall",),
    "garage": ("in a garage",),
    "workshop": ("in a workshop",),
    "roof": ("on a roof",),
}
# kind: (what is seen, what is heard); {n} how often, {N} how many, {c} a colour, {s} a size
CLAUSES: dict[str, tuple[tuple[str, str], ...]] = {
    "impact": (
        ("a hammer strikes a block {n}", "{N} hard impacts of a hammer"),
        ("a {c} mallet hits the bench {n}", "a mallet hits a block {n}"),
    ),
    "bounce": (
        ("a {c} ball bounces {n}", "a rubber ball bounces {n}"),
        ("a {s} {c} ball drops and bounces {n}", "{N} bounces of a ball"),
    ),
    "roll": (
        ("a {c} ball rolls across the floor", "a hard ball rolls over wood"),
        ("a {s} marble rolls to and fro", "a marble rolls with a rumble"),
    ),
    "pour": (
        ("water pours from a jug into a glass", "water pours into a glass"),
        ("{c} juice pours into a tall glass", "a drink pours into a glass"),
    ),
    "engine": (
        ("a {c} car stands with its engine running", "a car engine idles"),
        ("a {c} car shakes as its engine revs", "an engine revs up and down"),
    ),
    "rain": (
        ("rain falls", "steady rain falls"),
        ("heavy rain falls", "heavy rain with a loud hiss"),
        ("light rain falls", "light rain patters softly"),
    ),
    "wind": (("wind bends the trees", "wind blows in gusts"), ("strong wind blows leaves about", "strong wind howls")),
    "bell": (
        ("a bell swings and rings {n}", "a bell rings {n}"),
        ("a {s} brass bell rings {n}", "{N} rings of a brass bell"),
    ),
    "drum": (
        ("a {c} drum is struck {n}", "a drum is struck {n}"),
        ("sticks beat a {s} {c} drum {n}", "{N} beats of a drum"),
    ),
    "string": (
        ("a guitar string is plucked {n}", "a guitar string is plucked {n}"),
        ("a hand plucks a {c} guitar {n}", "{N} plucks of a guitar string"),
    ),
    "dog": (
        ("a {s} dog barks {n}", "a dog barks {n}"),
        ("a {c} dog opens its mouth and barks {n}", "{N} barks of a dog"),
    ),
    "bird": (
        ("a {c} bird chirps {n}", "a bird chirps {n}"),
        ("a {s} bird on a branch chirps {n}", "{N} chirps of a bird"),
    ),
    "footsteps": (
        ("dark shoes pass in {N} footsteps", "{N} footsteps on a hard floor"),
        ("someone walks {N} slow steps", "{N} slow footsteps"),
    ),
    "door": (
        ("a {c} door slams shut {n}", "a door slams {n}"),
        ("a door swings open and bangs shut {n}", "a wooden door slams {n}"),
    ),
    "clock": (
        ("a clock ticks {n}", "a clock ticks {n}"),
        ("a tall clock ticks {n}, its pendulum swinging", "{N} ticks of a clock"),
    ),
    "fireworks": (
        ("{N} bursts of fireworks open in the sky", "{N} bursts of fireworks go off"),
        ("{c} fireworks burst {n}", "fireworks burst {n}"),
    ),
    "waves": (
        ("waves wash over the sand", "waves wash over sand"),
        ("waves break one after another", "waves crash on a beach"),
    ),
    "typing": (
        ("two hands are typing on a keyboard", "typing on a keyboard"),
        ("fingers type quickly on a keyboard", "fast typing with dry clicks"),
    ),
    "whistle": (
        ("a whistle is blown {n}", "{N} blasts of a whistle"),
        ("a {s} silver whistle blows {n}", "a whistle blows {n}"),
    ),
    "applause": (
        ("a crowd claps in applause", "applause from a crowd"),
        ("many hands clap in loud applause", "loud applause"),
    ),
    "thunder": (
        ("lightning flashes and thunder cracks {n}", "thunder cracks {n}"),
        ("lightning strikes {n}", "{N} cracks of thunder"),
    ),
    "siren": (
        ("a siren lamp turns and wails", "a siren wails up and down"),
        ("a {c} lamp turns as a siren sounds", "a siren rises and falls"),
    ),
}
