"""How strong each fault is made, from what nobody notices to what nobody misses, and how it is done to a clip."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from avbench.answers import Fault
from avbench.world import faults
from avbench.world.faults import C
from avbench.world.truth import Take

CLEAN, AGAIN = "clean", "again"  # the clip as it is, and with what nobody can see or hear: the test-retest
REPEATS = (1, 2)
REFERENCE_SIDE = 128  # pixels; the short side at which a blur's sigma is stated


@dataclass(frozen=True, slots=True)
class Level:
    """One fault (or CLEAN, AGAIN) at one strength: `value` in the ladder's unit, `strength` 1 for the mildest, …"""

    kind: str
    value: float = 0.0
    strength: int = 0

    @property
    def name(self) -> str:
        """What its suite of clips is called."""
        return self.kind if self.kind == CLEAN else f"{self.kind}={self.value:g}"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The strengths of a fault, mild to strong; `quick` are those of `--quick`. Plus and minus are one strength."""

    unit: str
    values: tuple[float, ...]
    quick: tuple[float, ...]

    def levels(self, fault: Fault, quick: bool = False) -> list[Level]:
        ranks = {abs(value): rank for rank, value in enumerate(dict.fromkeys(map(abs, self.values)), start=1)}
        return [Level(fault, value, ranks[abs(value)]) for value in (self.quick if quick else self.values)]


def _both(*values: float) -> tuple[float, ...]:
    return tuple(sign * value for value in values for sign in (-1, 1))


LADDERS: Mapping[Fault, Ladder] = {
    Fault.SHIFT_AUDIO: Ladder("s, late above 0", _both(0.04, 0.12, 0.24, 0.5, 1.0, 2.0), _both(0.24, 2.0)),
    Fault.SWAP_AUDIO: Ladder("another clip's sound", (1,), (1,)),
    Fault.MUTE: Ladder("digital silence", (1,), (1,)),
    Fault.NOISE: Ladder("dB signal to white noise", (30, 20, 10, 0), (20, 0)),
    Fault.CLIPPING: Ladder("dB of the peak over full scale", (3, 6, 12, 24), (6, 24)),
    Fault.LOW_PASS: Ladder("Hz", (4000, 2000, 1000, 500), (2000, 500)),
    Fault.DROP_WORDS: Ladder("share of the words silenced", (0.25, 0.5, 1.0), (0.5, 1.0)),
    Fault.FREEZE: Ladder("share of the clip that stands still", (0.25, 0.5, 0.75, 1.0), (0.5, 1.0)),
    Fault.BLUR: Ladder(f"px sigma at a short side of {REFERENCE_SIDE}", (0.5, 1, 2, 4), (1, 4)),
    Fault.JPEG: Ladder("JPEG quality", (70, 40, 20, 5), (40, 5)),
    Fault.BRIGHTNESS: Ladder("stops", _both(0.25, 0.5, 1.0), _both(1.0)),
    Fault.SHUFFLE_FRAMES: Ladder("s within which frames change places", (0.12, 0.4, 1.2, 60), (0.4, 60)),
    Fault.WRONG_FACE: Ladder("another speaker's face", (1,), (1,)),
    Fault.REPLACE_WORDS: Ladder("share of the words asked for that are others", (0.25, 0.5, 1.0), (0.5, 1.0)),
    Fault.WRONG_CAPTION: Ladder("another clip's captions", (1,), (1,)),
}
OF_WORLD = (Fault.DROP_WORDS, Fault.WRONG_FACE)  # need the world's truth; cannot be done to other clips


def levels_of(kinds: Iterable[Fault], quick: bool = False) -> list[Level]:
    """The clean clips, their repeats, and every strength of these faults."""
    again = [Level(AGAIN, repeat) for repeat in REPEATS]
    return [Level(CLEAN), *again, *(level for kind in kinds for level in LADDERS[kind].levels(kind, quick))]


def spoil(clip: C, level: Level, seed: str, other: C | None = None) -> C:
    """The clip with the fault of `level`. `seed` (the clip's id) decides what is random, the same at every strength.

    `other` is the clip whose sound SWAP_AUDIO takes. WRONG_FACE must have been rendered, and faults of the text are not
    the clip's: it is given back as it is.
    """
    value, number = level.value, zlib.crc32(seed.encode())
    match level.kind:
        case Fault.SHIFT_AUDIO:
            return faults.shift_audio(clip, value)
        case Fault.SWAP_AUDIO if other is not None:
            return faults.swap_audio(clip, other)
        case Fault.MUTE:
            return faults.mute(clip)
        case Fault.NOISE:
            return faults.noise(clip, value, number)
        case Fault.CLIPPING:
            return faults.overdrive(clip, value)
        case Fault.LOW_PASS:
            return faults.low_pass(clip, value)
        case Fault.DROP_WORDS if isinstance(clip, Take):
            return faults.drop_words(clip, picked(len(clip.truth.words), value, number))
        case Fault.FREEZE:
            return faults.freeze(clip, (1 - value) * float(len(clip.frames) / clip.fps))
        case Fault.BLUR:
            return faults.blur(clip, value * min(clip.frames.shape[1:3]) / REFERENCE_SIDE)
        case Fault.JPEG:
            return faults.jpeg(clip, int(value))
        case Fault.BRIGHTNESS:
            return faults.expose(clip, value)
        case Fault.SHUFFLE_FRAMES:
            return faults.shuffle_frames(clip, value, number)
        case "again":
            return faults.dither(clip, number + int(value))
        case "clean" | Fault.WRONG_FACE | Fault.REPLACE_WORDS | Fault.WRONG_CAPTION:
            return clip
    raise ValueError(f"{level.name} cannot be done to this clip")


def picked(count: int, share: float, seed: int) -> list[int]:
    """`share` of the indices below `count`, at least one; those of a smaller share are among those of a larger one."""
    order = np.random.default_rng((seed, 0x3A6E)).permutation(count)
    return sorted(order[: max(1, round(share * count))].tolist())
