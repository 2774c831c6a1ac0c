"""Renders a prompt: one plan of what happens, from which picture, sound and truth all follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.records import Prompt
from avbench.world import face
from avbench.world.canvas import Canvas
from avbench.world.ground import PAD
from avbench.world.place import ECHO, paint
from avbench.world.plan import Plan, swell
from avbench.world.scene import FPS, Prop, Scene, scene_of
from avbench.world.sound import RATE, level, noise, room
from avbench.world.sources import KINDS
from avbench.world.speakers import Speaker
from avbench.world.speech import Utterance, say
from avbench.world.truth import Event, Take, Truth
from avbench.world.viseme import lips

FLOOR = 0.0006  # root mean square of a place's own hum: no clip is digitally silent
UNDER = 0.42  # an event's loudness under speech, as a share of its own


def render(
    prompt: Prompt,
    seed: int,
    size: int = 64,
    seconds: float | None = None,
    face_of: Speaker | None = None,
    stills: Sequence[int] | None = None,
    talker: Speaker | None = None,
) -> Take:
    """The prompt as a clip of `size` pixels square at 25 fps with 16 kHz mono sound, both exactly frames / 25 long.

    The same (prompt, seed, size) gives the same bytes. `seconds` overrides the prompt's own length; `talker` speaks in
    place of the prompt's own; `face_of` gives whoever speaks the face of another, the voice and the movements stay.
    With `stills` only these frames are painted and `frames` and the boxes hold no others; the sound is whole.
    """
    scene = scene_of(prompt, seed, seconds)
    if talker and scene.talker:
        scene = replace(scene, talker=talker)
    plans = [plan_of(prop, scene.seconds) for prop in scene.props]
    spoken = None
    if scene.line and scene.talker:
        spoken = say(scene.line.text, scene.line.language, scene.talker, scene.seed, scene.seconds)
    wanted = range(scene.frames) if stills is None else stills
    frames, boxes, aperture = _film(scene, plans, spoken, size, face_of or scene.talker, wanted)
    events = [
        Event(prop.kind, at, strength)
        for prop, plan in zip(scene.props, plans, strict=True)
        for at, strength in zip(plan.times, plan.strengths, strict=True)
    ]
    truth = Truth(
        events=tuple(sorted(events, key=lambda event: event.time)),
        words=spoken.words if spoken else (),
        phones=spoken.phones if spoken else (),
        object_box=boxes[0],
        face_box=boxes[1],
        mouth_box=boxes[2],
        aperture=aperture,
        speaker=scene.talker.name if scene.talker else None,
        off_screen=scene.off_screen,
    )
    return Take(frames, Fraction(FPS), _sound(scene, plans, spoken), RATE, truth)


def plan_of(prop: Prop, seconds: float) -> Plan:
    """When a prop sounds in a clip of `seconds`, and how hard."""
    rng = np.random.default_rng((prop.seed, 0x91A4))
    kind = KINDS[prop.kind]
    times, strengths = kind.plan(rng, seconds, prop.count if kind.counted else None)
    return Plan(
        times=tuple(times),
        strengths=tuple(strengths),
        seconds=seconds,
        curve=swell(rng, seconds, 0.25, 1.1 * prop.speed),
        pitch=prop.pitch,
        speed=prop.speed,
        colour=prop.colour,
        variant=int(rng.integers(6)),
        seed=prop.seed,
    )


def _sound(scene: Scene, plans: list[Plan], spoken: Utterance | None) -> NDArray[np.float32]:
    count = scene.frames * RATE // FPS
    track = np.zeros(count)
    for prop, plan in zip(scene.props, plans, strict=True):
        kind = KINDS[prop.kind]
        track += level(kind.sound(plan, count), kind.loudness * (UNDER if spoken else 1.0))
    if spoken:
        track += spoken.audio[:count]
    seconds, wet = ECHO.get(scene.place, (0.0, 0.0))
    track = room(track, scene.seed, seconds, wet)
    track += FLOOR * noise(np.random.default_rng((scene.seed, 0xF100)), count, 60, 3000)
    peak = float(np.abs(track).max())
    return (track * min(1.0, 0.95 / peak)).astype(np.float32)


Boxes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _film(
    scene: Scene,
    plans: list[Plan],
    spoken: Utterance | None,
    size: int,
    person: Speaker | None,
    wanted: Sequence[int],
) -> tuple[NDArray[np.uint8], Boxes, NDArray[np.float32]]:
    """Frames, the boxes of object, face and mouth in pixels, and the mouth's aperture."""
    px = size * (2 if size <= 128 else 1)
    back = paint(scene.place, scene.seed, px)
    canvas = Canvas(px)
    shown = [] if scene.off_screen and spoken is None else list(zip(scene.props, plans, strict=True))
    talker = person if spoken and not scene.off_screen else None
    head = face.Head(talker, px) if talker else None
    mouth = lips(spoken, scene.frames, FPS) if spoken and talker else face.still(scene.frames)
    poses = face.poses(scene.seed, scene.frames, FPS, scene.zoom, *scene.shift)
    gains = [np.clip(np.arange(256) * gain, 0, 255) for gain in scene.light]
    table = np.stack(gains, axis=1).astype(np.uint8)[None]
    frames = np.empty((len(wanted), size, size, 3), np.uint8)
    boxes = np.full((3, len(wanted), 4), np.nan, np.float32)
    for n, i in enumerate(wanted):
        along = i / max(1, scene.frames - 1) - 0.5
        dx, dy = scene.drift[0] * along, scene.drift[1] * along
        _pan(back, dx, dy, px, canvas.image)
        for prop, plan in shown:
            canvas.scale = prop.scale
            near = 0.0 if KINDS[prop.kind].wide else 1.0  # what fills the picture does not pan with the camera
            x, y = prop.centre
            canvas.origin = (x - prop.scale / 2 - near * dx, y - prop.scale / 2 - near * dy)
            boxes[0, n] = KINDS[prop.kind].draw(canvas, plan, i / FPS)
        if head:
            boxes[1, n], boxes[2, n] = head.draw(
                canvas.image, poses[i], float(mouth.aperture[i]), float(mouth.width[i])
            )
        small = cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA) if px != size else canvas.image
        frames[n] = cv2.LUT(small, table)
    boxes *= size
    return frames, (boxes[0], boxes[1], boxes[2]), mouth.aperture


def _pan(back: NDArray[np.uint8], dx: float, dy: float, px: int, out: NDArray[np.uint8]) -> None:
    """Cuts the camera's view out of the larger background, to a fraction of a pixel."""
    view = np.array([[1, 0, -(PAD + dx) * px], [0, 1, -(PAD + dy) * px]], np.float32)
    cv2.warpAffine(back, view, (px, px), dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
