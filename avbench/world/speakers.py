"""The twelve people of the world: each face belongs to one voice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avbench.records import Prompt

RGB = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Speaker:
    """`pitch` and `pitch_range` are espeak-ng's 0-100, `variant` its voice variant; `f0` is for the fallback voice."""

    name: str
    woman: bool
    age: str
    hair: str
    hair_style: str
    skin: RGB
    hair_colour: RGB
    eyes: RGB
    shirt: RGB
    beard: bool = False
    glasses: bool = False
    face_width: float = 1.0
    accent: str = "en-us"
    variant: str = "m1"
    pitch: int = 50
    pitch_range: int = 50
    rate: int = 165
    f0: float = 120.0


SPEAKERS: dict[str, Speaker] = {
    s.name: s
    for s in (
        Speaker("ana", True, "young", "brown", "long",
                (238, 196, 168), (96, 58, 34), (86, 56, 34), (196, 72, 88),
                False, False, 0.96, "en-us", "f2", 62, 55, 168, 205.0),
        Speaker("bruno", False, "middle-aged", "black", "short",
                (214, 166, 132), (34, 28, 26), (60, 40, 26), (52, 84, 132),
                True, False, 1.05, "en-us", "m3", 34, 45, 158, 105.0),
        Speaker("chen", False, "young", "black", "short",
                (240, 206, 170), (26, 24, 28), (44, 32, 24), (72, 140, 110),
                False, False, 0.99, "en-us", "m7", 52, 50, 170, 128.0),
        Speaker("dara", True, "middle-aged", "red", "long",
                (248, 212, 190), (176, 72, 34), (70, 110, 84), (62, 96, 84),
                False, False, 0.98, "en-gb", "f3", 48, 55, 162, 185.0),
        Speaker("emil", False, "old", "grey", "bald top",
                (236, 194, 172), (168, 166, 164), (84, 104, 124), (122, 100, 78),
                False, False, 1.02, "en-gb", "m1", 44, 35, 148, 115.0),
        Speaker("fay", True, "young", "blond", "long",
                (250, 218, 196), (226, 190, 110), (70, 110, 150), (240, 206, 92),
                False, False, 0.95, "en-us", "f5", 74, 60, 172, 228.0),
        Speaker("goro", False, "middle-aged", "black", "bald",
                (228, 186, 146), (60, 50, 44), (50, 36, 26), (70, 70, 82),
                False, True, 1.06, "en-us", "m2", 18, 40, 154, 88.0),
        Speaker("hana", True, "young", "black", "bob",
                (246, 214, 182), (24, 20, 26), (48, 32, 24), (150, 110, 180),
                False, False, 0.97, "en-us", "f4", 68, 50, 170, 215.0),
        Speaker("ivan", False, "young", "blond", "short",
                (246, 208, 184), (206, 168, 96), (74, 118, 160), (178, 60, 50),
                False, False, 1.01, "en-us", "m5", 46, 50, 164, 120.0),
        Speaker("jade", True, "middle-aged", "dark", "curly",
                (158, 108, 78), (40, 28, 24), (46, 30, 20), (232, 140, 60),
                False, False, 1.0, "en-us", "f1", 46, 60, 160, 178.0),
        Speaker("karim", False, "old", "white", "short",
                (202, 152, 116), (232, 230, 226), (58, 42, 30), (96, 120, 90),
                True, False, 1.03, "en-gb", "m8", 30, 40, 150, 98.0),
        Speaker("lucia", True, "old", "grey", "bun",
                (240, 202, 180), (186, 184, 186), (80, 84, 84), (110, 84, 130),
                False, False, 0.98, "en-gb", "f2", 36, 40, 150, 168.0),
    )
}  # fmt: skip
HELD_OUT = ("dara", "ivan", "lucia")  # no scorer is trained on their faces and voices; validation is done with them

_PITCHES = {  # espeak-ng's pitch by sex and age, about as the twelve have it
    True: {"young": 68, "middle-aged": 48, "old": 37},
    False: {"young": 49, "middle-aged": 27, "old": 38},
}
_RATES = {"young": 169, "middle-aged": 159, "old": 149}


def passer_by(rng: np.random.Generator) -> Speaker:
    """A person who is none of the twelve: looks at random, and a voice that fits sex and age as theirs do."""
    woman = bool(rng.random() < 0.5)
    age = ("young", "middle-aged", "old")[int(rng.integers(3))]
    styles = ("long", "long", "bob", "curly", "bun", "short") if woman else ("short", "short", "curly", "long", "bald")
    style = styles[int(rng.integers(len(styles)))]
    hairs = ("grey", "white", "grey", "white", "black") if age == "old" else ("brown", "black", "red", "blond", "dark")
    hair = hairs[int(rng.integers(len(hairs)))]
    known = [s for s in SPEAKERS.values() if s.name not in HELD_OUT]
    like, eyes, shirt = (known[int(rng.integers(len(known)))] for _ in range(3))
    colour = next((s.hair_colour for s in known if s.hair == hair), (176, 72, 34))
    return Speaker(
        name=f"passer-by-{int(rng.integers(2**32)):08x}",
        woman=woman,
        age=age,
        hair=hair,
        hair_style="bald top" if style == "bald" and rng.random() < 0.5 else style,
        skin=_about(rng, like.skin, 8),
        hair_colour=_about(rng, colour, 14),
        eyes=_about(rng, eyes.eyes, 8),
        shirt=_about(rng, shirt.shirt, 40),
        beard=not woman and bool(rng.random() < 0.3),
        glasses=bool(rng.random() < 0.15),
        face_width=float(rng.uniform(0.95, 1.0) if woman else rng.uniform(0.98, 1.06)),
        accent="en-us" if rng.random() < 0.6 else "en-gb",
        variant=f"f{rng.integers(1, 6)}" if woman else f"m{rng.integers(1, 9)}",
        pitch=int(_PITCHES[woman][age] + rng.integers(-7, 8)),
        pitch_range=int(rng.integers(35, 61)),
        rate=int(_RATES[age] + rng.integers(-6, 7)),
        f0=float((195 if woman else 112) + rng.uniform(-25, 25)),
    )


def _about(rng: np.random.Generator, colour: RGB, spread: int) -> RGB:
    r, g, b = (int(np.clip(part + rng.integers(-spread, spread + 1), 0, 255)) for part in colour)
    return r, g, b


_CUES = {  # words a caption may use for a speaker's looks
    "young": ("young", "girl", "boy", "student", "teenage", "年轻"),
    "middle-aged": ("middle-aged", "middle aged", "中年"),
    "old": ("old ", "elderly", "older", "grandmother", "grandfather", "老"),
    "brown": ("brown hair", "brunette", "brown-haired", "long brown"),
    "black": ("black hair", "black-haired", "short black", "black bob", "black beard"),
    "red": ("red hair", "redhead", "red-haired", "ginger", "long red"),
    "grey": ("grey hair", "gray hair", "grey-haired", "gray-haired", "grey bun", "gray bun"),
    "blond": ("blond",),
    "dark": ("dark curly", "dark hair"),
    "white": ("white hair", "white beard", "white-haired"),
    "long": ("long",),
    "bald": ("bald",),
    "bald top": ("bald", "balding"),
    "bob": ("bob",),
    "curly": ("curly", "curls"),
    "bun": ("bun",),
    "beard": ("beard",),
    "glasses": ("glasses", "spectacles"),
}
_WOMAN = ("woman", "girl", "lady", "female", "grandmother", " she ", " her ", "mother", "女")
_MAN = (" man", "boy", "gentleman", "male ", "grandfather", " he ", " his ", "father", "男")


def speaker_of(prompt: Prompt, seed: int) -> Speaker:
    """The tag `speaker:NAME`, else a name in the transcript's speaker field, else caption words; ties by seed."""
    for name in (prompt.tag("speaker"), *(line.speaker for line in prompt.speech)):
        if name and name.lower() in SPEAKERS:
            return SPEAKERS[name.lower()]
    caption = f" {prompt.video_caption} {prompt.audio_caption} ".lower()
    woman, man = (any(word in caption for word in words) for words in (_WOMAN, _MAN))
    everyone = list(SPEAKERS.values())
    fitting = [s for s in everyone if woman == man or s.woman == (woman and not man)]
    points = [_points(s, caption) for s in fitting]
    best = [s for s, p in zip(fitting, points, strict=True) if p == max(points)]
    return best[int(np.random.default_rng((seed, 0x5EA4)).integers(len(best)))]


def _points(speaker: Speaker, caption: str) -> int:
    looks = [speaker.age, speaker.hair, speaker.hair_style, "beard" * speaker.beard, "glasses" * speaker.glasses]
    return sum(any(cue in caption for cue in _CUES[look]) for look in looks if look in _CUES)
