"""What a metric promises: which faults move its columns and which do not. `avbench validate` holds it to its word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ALL = "*"  # in a metric's `answers`: the columns that it does not name


class Fault(StrEnum):
    """The faults that are injected, by name; `avbench.validation.ladder` says how strong and in which unit."""

    SHIFT_AUDIO = "shift_audio"
    SWAP_AUDIO = "swap_audio"
    MUTE = "mute"
    NOISE = "noise"
    CLIPPING = "clipping"
    LOW_PASS = "low_pass"
    DROP_WORDS = "drop_words"
    FREEZE = "freeze"
    BLUR = "blur"
    JPEG = "jpeg"
    BRIGHTNESS = "brightness"
    SHUFFLE_FRAMES = "shuffle_frames"
    WRONG_FACE = "wrong_face"
    REPLACE_WORDS = "replace_words"
    WRONG_CAPTION = "wrong_caption"


SOUND = (
    Fault.SHIFT_AUDIO,
    Fault.SWAP_AUDIO,
    Fault.MUTE,
    Fault.NOISE,
    Fault.CLIPPING,
    Fault.LOW_PASS,
    Fault.DROP_WORDS,
)
PICTURE = (Fault.FREEZE, Fault.BLUR, Fault.JPEG, Fault.BRIGHTNESS, Fault.SHUFFLE_FRAMES, Fault.WRONG_FACE)
TEXT = (Fault.REPLACE_WORDS, Fault.WRONG_CAPTION)  # what is asked for is not what was made


@dataclass(frozen=True, slots=True)
class Answers:
    """What one column does under a fault; of faults that are not named nothing is promised.

    `worse`: the value gets worse as the column's direction says (or there is none any more). `rises` and `falls`:
    where that direction is silent. `refuses`: there is no value, with a reason. `ignores`: the value stays what it is.
    """

    worse: tuple[Fault, ...] = ()
    rises: tuple[Fault, ...] = ()
    falls: tuple[Fault, ...] = ()
    refuses: tuple[Fault, ...] = ()
    ignores: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        named = [*self.worse, *self.rises, *self.falls, *self.refuses, *self.ignores]
        if twice := sorted({fault for fault in named if named.count(fault) > 1}):
            raise ValueError(f"more than one answer to {', '.join(twice)}")


def answers_of(column: str, answers: Mapping[str, Answers]) -> Answers:
    """What a metric's `answers` say of one of its columns."""
    return answers.get(column) or answers.get(ALL) or Answers()


def but(faults: tuple[Fault, ...], *without: Fault) -> tuple[Fault, ...]:
    """`faults` without some of them."""
    return tuple(fault for fault in faults if fault not in without)
