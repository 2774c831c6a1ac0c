"""Machines and instruments of breath: engine, siren, typing, whistle."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import RGB, Box, Canvas, mix, shade
from avbench.world.plan import CONTROL, Kind, Plan, beats, steady
from avbench.world.sound import RATE, Signal, add, burst, modes, noise, stretch

DARK = (40, 40, 46)
SKIN = (230, 184, 152)


def _speed(plan: Plan) -> Signal:
    """Firing frequency in Hz at CONTROL Hz: idle to revved as the curve goes."""
    hz: Signal = (16 + 50 * plan.curve**1.5) * plan.pitch
    return hz


def engine_sound(plan: Plan, count: int) -> Signal:
    """A pulse each firing through the exhaust's resonances; faster and brighter with the revolutions."""
    rng = plan.rng()
    hz = stretch(_speed(plan), count)
    phase = np.cumsum(hz) / RATE
    fire = np.exp(-8 * (phase % 1)) * (1 + 0.25 * np.repeat(rng.standard_normal(count // 400 + 1), 400)[:count])
    fire -= np.mean(fire)
    pipe = modes(0.06, [85, 170, 310, 620], [0.02, 0.016, 0.01, 0.006], [1, 0.8, 0.6, 0.35])
    load = (hz - hz.min()) / (np.ptp(hz) + 1e-9)
    out = np.convolve(fire, pipe)[:count]
    rumble: Signal = out / (np.std(out) + 1e-9) * (0.45 + 0.55 * load) + 0.25 * load * noise(rng, count, 300, 3000)
    return rumble


def engine_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A car that trembles with its engine and puffs as fast as it runs."""
    level = plan.level(t)
    turned = float(np.sum(_speed(plan)[: int(t * CONTROL) + 1])) / CONTROL
    shake = (0.003 + 0.010 * level) * np.sin(2 * np.pi * turned / 3)
    body, y = plan.colour, 0.60 + shake
    for k in range(5):
        age = (turned / 8 + k / 5) % 1
        grey = int(140 + 70 * age)
        c.ellipse(
            0.10 - 0.16 * age,
            0.77 - 0.16 * age,
            0.02 + (0.05 + 0.06 * level) * age,
            0.02 + (0.04 + 0.05 * level) * age,
            (grey, grey, grey),
        )
    c.ellipse(0.5, 0.875, 0.40, 0.03, (60, 58, 56))
    c.polygon(((0.26, y), (0.36, y - 0.20), (0.64, y - 0.20), (0.76, y)), shade(body, 0.85))
    c.polygon(((0.31, y - 0.01), (0.385, y - 0.165), (0.485, y - 0.165), (0.485, y - 0.01)), (178, 212, 230))
    c.polygon(((0.515, y - 0.01), (0.515, y - 0.165), (0.62, y - 0.165), (0.70, y - 0.01)), (178, 212, 230))
    c.polygon(
        ((0.10, y + 0.02), (0.26, y - 0.01), (0.76, y - 0.01), (0.92, y + 0.05), (0.93, y + 0.20), (0.09, y + 0.20)),
        body,
    )
    c.rectangle(0.09, y + 0.13, 0.93, y + 0.20, shade(body, 0.75))
    c.ellipse(0.905, y + 0.08, 0.028, 0.032, mix((240, 236, 190), (255, 255, 230), level))
    c.rectangle(0.05, 0.76 + shake, 0.12, 0.79 + shake, DARK)
    for x in (0.27, 0.73):
        c.ellipse(x, 0.80, 0.095, 0.095, DARK)
        c.ellipse(x, 0.80, 0.05, 0.05, (170, 172, 178))
    return c.box(0.05, 0.38, 0.93, 0.90)


def _turn(plan: Plan, t: float) -> float:
    """Turns of the lamp, one a wail."""
    return 0.62 * plan.speed * t


def siren_sound(plan: Plan, count: int) -> Signal:
    """The pitch rises and falls once a turn of the lamp, highest when it looks at us."""
    t = np.arange(count) / RATE
    wail = 0.5 + 0.5 * np.cos(2 * np.pi * 0.62 * plan.speed * t)
    phase = 2 * np.pi * np.cumsum((560 + 640 * wail) * plan.pitch) / RATE
    return np.asarray(np.tanh(2.2 * np.sin(phase)) * (0.55 + 0.45 * wail), np.float64)


def siren_draw(c: Canvas, plan: Plan, t: float) -> Box:
    facing = np.cos(2 * np.pi * _turn(plan, t))
    beam = 0.5 + 0.5 * facing
    x = 0.5 + 0.16 * np.sin(2 * np.pi * _turn(plan, t))
    colour: RGB = plan.colour if max(plan.colour) - min(plan.colour) > 90 else (232, 60, 48)
    c.rectangle(0.42, 0.66, 0.58, 1.0, (96, 98, 106))
    c.rectangle(0.28, 0.60, 0.72, 0.68, (70, 72, 80))
    c.rectangle(0.30, 0.34, 0.70, 0.60, shade(colour, 0.45 + 0.5 * beam))
    c.ellipse(0.5, 0.345, 0.20, 0.15, shade(colour, 0.45 + 0.5 * beam))
    if facing > -0.2:
        c.ellipse(x, 0.44, 0.045 + 0.055 * beam, 0.06 + 0.06 * beam, mix(colour, (255, 255, 235), 0.4 + 0.6 * beam))
    c.glow(0.5, 0.44, 0.62, mix(colour, (255, 255, 255), 0.25), 0.85 * beam**2)
    return c.box(0.28, 0.19, 0.72, 1.0)


def typing_plan(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """Keystrokes in runs with short rests."""
    times, at = [], float(rng.uniform(0.25, 0.45))
    pace = float(rng.uniform(0.13, 0.24))
    while at < seconds - 0.15:
        times.append(at)
        at += pace * float(rng.uniform(0.7, 1.4)) + (0.35 if rng.random() < 0.12 else 0.0)
    return times, [float(x) for x in rng.uniform(0.6, 1.0, len(times))]


def typing_sound(plan: Plan, count: int) -> Signal:
    out, rng = np.zeros(count), plan.rng()
    for i, (at, force) in enumerate(zip(plan.times, plan.strengths, strict=True)):
        f = (1500 + 350 * ((i * 7) % 5)) * plan.pitch
        click = modes(0.05, [f, f * 1.7, 320], [0.006, 0.004, 0.010], [0.8, 0.6, 0.8])
        click[: int(0.02 * RATE)] += 0.8 * burst(rng, 0.02, 1500, 7500, 0.003)
        add(out, click, at, force)
    return out


def typing_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A keyboard, a screen whose line grows a letter a stroke, two hands that press in turn."""
    since, _, index = plan.last(t)
    ahead, _ = plan.until(t)
    c.rectangle(0.14, 0.06, 0.86, 0.46, (46, 48, 56))
    c.rectangle(0.17, 0.09, 0.83, 0.43, (226, 236, 244))
    for row in range(6):
        letters = max(0, min(14, index + 1 - 14 * row))
        if letters:
            c.rectangle(0.20, 0.12 + 0.05 * row, 0.20 + 0.042 * letters, 0.145 + 0.05 * row, (52, 72, 110))
    c.polygon(((0.12, 0.56), (0.88, 0.56), (0.96, 0.90), (0.04, 0.90)), (66, 68, 78))
    down = since < 0.07
    rng = np.random.default_rng((plan.seed, index + 1))
    hot = (int(rng.integers(4)), int(rng.integers(0, 5)) + (5 if index % 2 else 0))
    for row in range(4):
        for k in range(10):
            y, w = 0.585 + 0.078 * row, 0.066 + 0.006 * row
            x = 0.5 + (k - 4.5) * w
            pressed = down and index >= 0 and (row, k) == hot
            c.rectangle(x - 0.42 * w, y, x + 0.42 * w, y + 0.058, plan.colour if pressed else (206, 208, 214))
    for side, mine in ((-1, 0), (1, 1)):
        active = index >= 0 and index % 2 == mine
        press = 0.055 * np.exp(-since / 0.05) if active else 0.0
        if (index + 1) % 2 == mine and ahead < 0.06:
            press = 0.055 * (1 - ahead / 0.06)
        x, y = 0.5 + side * (0.20 + (0.03 * ((hot[1] % 5) - 2) * side if active else 0)), 0.80 + press
        c.polygon(
            (
                (x - 0.08, y + 0.04),
                (x + 0.08, y + 0.04),
                (x + 0.12 + 0.05 * side, 1.12),
                (x - 0.12 + 0.05 * side, 1.12),
            ),
            shade(plan.colour, 0.7),
        )
        c.ellipse(x, y + 0.02, 0.10, 0.07, SKIN)
        for k in range(4):
            c.line(
                [(x - 0.07 + 0.046 * k, y), (x - 0.075 + 0.05 * k, y - 0.075)],
                shade(SKIN, 0.96 - 0.05 * (k % 2)),
                0.032,
            )
    return c.box(0.04, 0.06, 0.96, 1.0)


BLAST = 0.42  # seconds of a whistle's blast


def whistle_sound(plan: Plan, count: int) -> Signal:
    """A pea whistle: two close tones broken up by the pea about thirty times a second, with breath."""
    out, rng = np.zeros(count), plan.rng()
    n = int(BLAST * RATE)
    t = np.arange(n) / RATE
    shape = np.minimum(1, t / 0.008) * np.minimum(1, (BLAST - t) / 0.05)
    for at, force in zip(plan.times, plan.strengths, strict=True):
        trill = 0.6 + 0.4 * np.sin(2 * np.pi * 31 * t)
        tone = np.sin(2 * np.pi * 2050 * plan.pitch * t) + 0.7 * np.sin(2 * np.pi * 2210 * plan.pitch * t)
        add(out, shape * (trill * tone + 0.25 * noise(rng, n, 1500, 6000)), at, force)
    return out


def whistle_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A referee's whistle that shakes and throws out lines of air while it sounds."""
    since, force, index = plan.last(t)
    on = index >= 0 and since < BLAST
    ahead, _ = plan.until(t)
    shake = 0.010 * np.sin(2 * np.pi * 9.7 * since) if on else 0.0
    lift = -0.04 if on else -0.04 * max(0.0, 1 - ahead / 0.15)
    y = 0.56 + lift + shake
    body = plan.colour if plan.variant % 2 else (190, 196, 204)
    c.ellipse(0.92, y - 0.01, 0.12, 0.15, (226, 178, 146))  # the mouth side: a hand at the mouthpiece
    c.rectangle(0.50, y - 0.14, 0.88, y - 0.01, body)
    c.ellipse(0.47, y, 0.20, 0.20, body)
    c.ellipse(0.47, y, 0.155, 0.155, shade(body, 0.8))
    pea = 2 * np.pi * (7.3 * since if on else 0.15)
    c.ellipse(0.47 + 0.08 * np.cos(pea), y + 0.08 * np.sin(pea), 0.05, 0.05, (236, 196, 110))
    c.rectangle(0.47, y - 0.205, 0.60, y - 0.13, (36, 32, 36))
    c.line([(0.30, y + 0.10), (0.24, y + 0.26), (0.32, 0.99)], (200, 60, 60), 0.02)
    if on:
        for k in range(5):
            r0 = 0.05 + 0.05 * ((since * 9 + 0.2 * k) % 1)
            a = np.radians(-150 + 26 * k)
            x0, y0 = 0.50 + r0 * np.cos(a), y - 0.22 + r0 * np.sin(a)
            r1 = 0.13 + 0.12 * force
            c.line([(x0, y0), (x0 + r1 * np.cos(a), y0 + r1 * np.sin(a))], (248, 252, 255), 0.018)
    return c.box(0.22, 0.10, 0.98, 0.86)


KINDS = (
    Kind("engine", steady, engine_sound, engine_draw, ("street", "garage"), counted=False, loudness=0.14),
    Kind("siren", steady, siren_sound, siren_draw, ("street", "night", "harbour"), counted=False, loudness=0.11),
    Kind("typing", typing_plan, typing_sound, typing_draw, ("office", "room"), counted=False, loudness=0.07),
    Kind(
        "whistle",
        lambda r, s, n: beats(r, s, n, 0.65, (1, 3)),
        whistle_sound,
        whistle_draw,
        ("park", "hall"),
        loudness=0.10,
    ),
)
