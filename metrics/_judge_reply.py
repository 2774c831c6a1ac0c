"""What the judge is asked, and which of its answers count.

UniAVGen's supplement (arXiv 2511.03334v2) gives one system prompt for both grades. Its questions, five grades and form
of answer are here in our words; `AVBENCH_JUDGE_PROMPT` names a file with other words, the paper's own for instance.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PROMPT = """\
You grade clips of a person who speaks. You are given frames of the picture in order, and the sound. Grade two things:

1. Timbre: does the voice fit the person who is seen speaking, by gender and by age?
2. Emotion: does the emotion in the voice fit the emotion that the face and the body show?

Give each of them one of five grades: 0 does not fit at all, 0.25 fits poorly, 0.5 fits in part, 0.75 fits well,
1 fits wholly. Grade nothing else: neither the quality of picture and sound, nor lip sync, nor what is said.

Answer with one JSON object and nothing beside it: {"score": [timbre, emotion], "reason": "at most 100 words"}
"""
_NUMBER = re.compile(r"\s*-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Grades:
    """One answer: how well voice and person fit, 0..1 each."""

    timbre: float
    emotion: float


def grades(reply: str) -> Grades | None:
    """The two grades in the first JSON object of `reply` that has `score`; None where these are not two in 0..1.

    Digits in quotes count, grades between the five do too; booleans, null, NaN and words do not.
    """
    found = next((o["score"] for o in _objects(reply) if "score" in o), None)
    if not isinstance(found, list) or len(found) != 2:
        return None
    values = [_grade(value) for value in found]
    return Grades(*values) if all(map(math.isfinite, values)) else None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text, wherever they begin."""
    decoder = json.JSONDecoder()
    for brace in re.finditer(r"\{", text):
        try:
            found, _ = decoder.raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            continue
        yield found


def _grade(value: object) -> float:
    """NaN for what is no grade."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return math.nan
    return float(value) + 0.0  # -0.0 is 0
