"""OpenCV's frontal detectors find the talkers: what stands or falls with it is every lip metric on world clips."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from avbench.records import Prompt, SpeechLine
from avbench.world.render import render
from avbench.world.speakers import SPEAKERS

LIGHTS = ("", "dim evening light", "bright sunny day", "golden sunset")


def found(name: str, size: int, seed: int, cascade: str, tags: tuple[str, ...] = (), step: int = 10) -> list[bool]:
    """Whether the detector finds the face of each `step`-th frame, where the truth has it."""
    folder = Path(cv2.__file__).parent / "data"
    detector = cv2.CascadeClassifier(str(folder / f"haarcascade_frontalface_{cascade}.xml"))
    caption = LIGHTS[seed % len(LIGHTS)]
    said = SpeechLine("We met by the river at noon.")
    prompt = Prompt("haar", video_caption=caption, speech=(said,), tags=(f"speaker:{name}", *tags))
    take = render(prompt, seed, size)
    hits = []
    for frame, (x0, y0, x1, y1) in list(zip(take.frames, take.truth.face_box, strict=True))[::step]:
        boxes = detector.detectMultiScale(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), 1.1, 3)
        centres = [(x + w / 2, y + h / 2) for x, y, w, h in boxes]
        hits.append(any(x0 < x < x1 and y0 < y < y1 for x, y in centres))
    return hits


@pytest.mark.parametrize("name", ["goro", "karim", "jade"])
def test_detector_finds_the_hardest_faces(name: str) -> None:
    assert np.mean(found(name, 128, 1, "alt2")) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("cascade", ["default", "alt2"])
@pytest.mark.parametrize("size", [96, 128, 256])
@pytest.mark.parametrize("tags", [(), ("event:dog",), ("event:fireworks",)])
def test_detector_finds_everyone(cascade: str, size: int, tags: tuple[str, ...]) -> None:
    hits = [hit for i, name in enumerate(SPEAKERS) for hit in found(name, size, i, cascade, tags, step=12)]
    assert np.mean(hits) >= 0.95
