"""Renders a prompt: one plan of what happens, from which picture, sound and truth all follow."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from avbench.records import Prompt
from avbench.world import face
from avbench.world.canvas import Canvas
from avbench.world.place import ECHO, PAD, paint
from avbench.world.plan import Plan, swell
from avbench.world.scene import FPS, Scene, scene_of
from avbench.world.sound import RATE, level, noise, room
from avbench.world.sources import KINDS
from avbench.world.speech import Utterance, say
from avbench.world.truth import Event, Take, Truth
from avbench.world.viseme import lips

FLOOR = 0.0006  # root mean square of a place's own hum: no clip is digitally silent
UNDER = 0.42  # an event's loudness under speech, as a share of its own


def render(prompt: Prompt, seed: int, size: int = 64, seconds: float | None = None) -> Take:
    """The prompt as a clip of `size` pixels square at 25 fps with 16 kHz mono sound, both exactly frames / 25 long.

    The same (prompt, seed, size) gives the same bytes. `seconds` overrides the prompt's own length.
    """
    scene = scene_of(prompt, seed, seconds)
    plan = plan_of(scene)
    spoken = None
    if scene.line and scene.talker:
        spoken = say(scene.line.text, scene.line.language, scene.talker, scene.seed, scene.seconds)
    frames, boxes, aperture = _film(scene, plan, spoken, size)
    kind = KINDS[scene.event] if scene.event else None
    events = tuple(Event(kind.name, *e) for e in zip(plan.times, plan.strengths, strict=True)) if kind and plan else ()
    truth = Truth(
        events=events,
        words=spoken.words if spoken else (),
        phones=spoken.phones if spoken else (),
        object_box=boxes[0],
        face_box=boxes[1],
        mouth_box=boxes[2],
        aperture=aperture,
        speaker=scene.talker.name if scene.talker else None,
        off_screen=scene.off_screen,
    )
    return Take(frames, Fraction(FPS), _sound(scene, plan, spoken), RATE, truth)


def plan_of(scene: Scene) -> Plan | None:
    """When the scene's event happens and how hard; None without an event."""
    if scene.event is None:
        return None
    rng = np.random.default_rng((scene.seed, 0x91A4))
    kind = KINDS[scene.event]
    times, strengths = kind.plan(rng, scene.seconds, scene.count if kind.counted else None)
    return Plan(
        times=tuple(times),
        strengths=tuple(strengths),
        seconds=scene.seconds,
        curve=swell(rng, scene.seconds, 0.25, 1.1 * scene.speed),
        pitch=scene.pitch,
        speed=scene.speed,
        colour=scene.colour,
        variant=int(rng.integers(6)),
        seed=int(rng.integers(2**31)),
    )


def _sound(scene: Scene, plan: Plan | None, spoken: Utterance | None) -> NDArray[np.float32]:
    count = scene.frames * RATE // FPS
    track = np.zeros(count)
    if plan and scene.event:
        kind = KINDS[scene.event]
        share = UNDER if spoken else 1.0
        track += level(kind.sound(plan, count), kind.loudness * share)
    if spoken:
        track += spoken.audio[:count]
    seconds, wet = ECHO.get(scene.place, (0.0, 0.0))
    track = room(track, scene.seed, seconds, wet)
    track += FLOOR * noise(np.random.default_rng((scene.seed, 0xF100)), count, 60, 3000)
    peak = float(np.abs(track).max())
    return (track * min(1.0, 0.95 / peak)).astype(np.float32)


def _film(
    scene: Scene, plan: Plan | None, spoken: Utterance | None, size: int
) -> tuple[
    NDArray[np.uint8], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]
]:
    px = size * (2 if size <= 128 else 1)
    back = paint(scene.place, scene.seed, px)
    canvas = Canvas(px)
    kind = KINDS[scene.event] if scene.event else None
    visible = kind is not None and not (scene.off_screen and spoken is None)
    talker = scene.talker if spoken and not scene.off_screen else None
    head = face.Head(talker, px) if talker else None
    mouth = lips(spoken, scene.frames, FPS) if spoken and talker else face.still(scene.frames)
    poses = face.poses(scene.seed, scene.frames, FPS, scene.zoom, *scene.shift)
    tables = [np.clip(np.arange(256) * gain, 0, 255).astype(np.uint8) for gain in scene.light]
    table = np.stack(tables, axis=1)[None]
    frames = np.empty((scene.frames, size, size, 3), np.uint8)
    boxes = tuple(np.full((scene.frames, 4), np.nan, np.float32) for _ in range(3))
    for i in range(scene.frames):
        t = i / FPS
        along = i / max(1, scene.frames - 1) - 0.5
        dx, dy = scene.drift[0] * along, scene.drift[1] * along
        _shift(back, dx, dy, px, canvas.image)
        if kind and plan and visible:
            near = 0.5 if kind.wide else 1.0
            canvas.scale = scene.scale
            canvas.origin = (
                scene.centre[0] - scene.scale / 2 - near * dx if not kind.wide else 0.0,
                scene.centre[1] - scene.scale / 2 - near * dy if not kind.wide else 0.0,
            )
            boxes[0][i] = kind.draw(canvas, plan, t)
        if head:
            boxes[1][i], boxes[2][i] = head.draw(
                canvas.image, poses[i], float(mouth.aperture[i]), float(mouth.width[i])
            )
        small = cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA) if px != size else canvas.image
        frames[i] = cv2.LUT(small, table)
    for box in boxes:
        box *= size
    return frames, (boxes[0], boxes[1], boxes[2]), mouth.aperture


def _shift(back: NDArray[np.uint8], dx: float, dy: float, px: int, out: NDArray[np.uint8]) -> None:
    """Cuts the camera's view out of the larger background, to a fraction of a pixel."""
    view = np.array([[1, 0, -(PAD + dx) * px], [0, 1, -(PAD + dy) * px]], np.float32)
    cv2.warpAffine(back, view, (px, px), dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
