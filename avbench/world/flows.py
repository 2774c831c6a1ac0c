"""Things that flow: pouring water, rain, wind, waves."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from avbench.world.canvas import Box, Canvas, mix, shade
from avbench.world.plan import CONTROL, Kind, Plan, steady
from avbench.world.sound import RATE, Signal, add, modes, noise, stretch

WATER = (110, 176, 226)


def pour_plan(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """Pours of equal length with pauses; each event is the moment at which the stream reaches the glass."""
    n = min(count or int(rng.integers(1, 3)), 4)
    step = (seconds - 0.6) / n
    return [0.4 + i * step for i in range(n)], [1.0] * n


def pour_flow(plan: Plan, t: float) -> tuple[float, float]:
    """(flow 0 or 1, level 0 to 1 of the glass)."""
    n = len(plan.times)
    step = plan.times[1] - plan.times[0] if n > 1 else plan.seconds - 0.6
    long = 0.72 * step
    since, _, index = plan.last(t)
    if index < 0:
        return 0.0, 0.0
    return float(since < long), (index + min(1.0, since / long)) / n


def pour_sound(plan: Plan, count: int) -> Signal:
    """Bubbles and hiss; the air column above the water shortens, so its resonance climbs as the glass fills."""
    rng = plan.rng()
    grid = [pour_flow(plan, k / CONTROL) for k in range(int(plan.seconds * CONTROL) + 1)]
    fine = np.arange(count) / RATE
    flow = np.array([g[0] for g in grid])[np.minimum((fine * CONTROL).astype(int), len(grid) - 1)]
    for at in plan.times:  # the very sample at which a pour begins
        flow[int((at - 1.5 / CONTROL) * RATE) : round(at * RATE)] = 0
    height = stretch(np.array([g[1] for g in grid]), count)
    hz = 380 * plan.pitch * (1 + 2.2 * height)
    hiss = 0.5 * noise(rng, count, 900, 6000)
    grains = rng.standard_normal(count) * (rng.random(count) < 0.012)
    glug = np.zeros(count)
    for k in range(0, count, 800):  # the resonance moves slowly: one filter each 50 ms
        part = slice(k, min(count, k + 800))
        r = 0.992
        glug[part] = lfilter([1], [1, -2 * r * np.cos(2 * np.pi * hz[k] / RATE), r * r], grains[part])
    wide = 0.4 * noise(rng, count, 300, 1200)
    return np.asarray(flow * (hiss + wide + 1.2 * glug / (np.std(glug) + 1e-9)), np.float64)


def pour_draw(c: Canvas, plan: Plan, t: float) -> Box:
    flow, level = pour_flow(plan, t)
    ahead, _ = plan.until(t)
    tilt = max(flow, max(0.0, 1 - ahead / 0.3) if ahead < 0.3 else 0.0)
    a = np.radians(18 + 50 * tilt)
    drink = WATER if plan.variant % 2 else mix(plan.colour, (255, 220, 160), 0.35)
    lip = (0.44, 0.24)

    def turn(x: float, y: float) -> tuple[float, float]:
        return lip[0] + x * np.cos(a) + y * np.sin(a), lip[1] - x * np.sin(a) + y * np.cos(a)

    jug = (214, 220, 226)
    c.polygon([turn(0, 0), turn(0.26, 0), turn(0.28, 0.34), turn(0.0, 0.34)], jug)
    c.polygon([turn(0.02, 0.10), turn(0.255, 0.02 + 0.1 * tilt), turn(0.265, 0.32), turn(0.02, 0.32)], drink)
    c.line([turn(0.27, 0.06), turn(0.37, 0.10), turn(0.37, 0.24), turn(0.28, 0.27)], shade(jug, 0.85), 0.035)
    x0, x1, top, base = 0.26, 0.56, 0.52, 0.93
    surface = base - 0.02 - (base - top - 0.06) * level
    c.polygon(((x0, top), (x1, top), (x1 - 0.03, base), (x0 + 0.03, base)), (206, 222, 232))
    if level > 0.01:
        k = 0.03 * (surface - top) / (base - top)
        ripple = 0.006 * flow * np.sin(40 * t)
        c.polygon(
            (
                (x0 + 0.012 + k, surface + ripple),
                (x1 - 0.012 - k, surface - ripple),
                (x1 - 0.04, base - 0.015),
                (x0 + 0.04, base - 0.015),
            ),
            drink,
        )
    if flow:
        wob = 0.006 * np.sin(23 * t)
        c.polygon(
            ((0.415, 0.245), (0.455, 0.245), (0.432 + wob, surface), (0.396 + wob, surface)),
            mix(drink, (255, 255, 255), 0.25),
        )
        for k in range(4):
            c.ellipse(
                0.36 + 0.04 * k, surface - 0.012 - 0.03 * abs(np.sin(17 * t + 2 * k)), 0.012, 0.012, (240, 248, 255)
            )
    c.line([(x0, top), (x0 + 0.03, base), (x1 - 0.03, base), (x1, top)], (246, 250, 252), 0.014)
    return c.box(0.24, 0.05, 0.86, 0.94)


def rain_sound(plan: Plan, count: int) -> Signal:
    """A Poisson shower: hiss and single drops, both as dense as the rain is heavy."""
    rng = plan.rng()
    heavy = stretch(plan.curve, count)
    drops = rng.standard_normal(count) * (rng.random(count) < 0.004 * heavy)
    ping = np.convolve(drops, modes(0.012, [2200 * plan.pitch, 4100 * plan.pitch], [0.003, 0.002], [1, 0.8]))[:count]
    hiss = 0.6 * noise(rng, count, 1200, 7500)
    shower: Signal = heavy * hiss + 0.8 * ping / (np.std(ping) + 1e-9) * np.sqrt(heavy)
    return shower


def rain_draw(c: Canvas, plan: Plan, t: float) -> Box:
    heavy = plan.level(t)
    rng = np.random.default_rng((plan.seed, 7))
    xs, ys, vs = rng.uniform(-0.1, 1.1, 90), rng.uniform(0, 1, 90), rng.uniform(1.6, 2.3, 90)
    c.ellipse(0.22, 0.02, 0.34, 0.13, (112, 116, 128))
    c.ellipse(0.72, 0.0, 0.42, 0.15, (100, 104, 118))
    for x, y, v in zip(xs[: int(30 + 60 * heavy)], ys, vs, strict=False):
        fall = (y + v * t * plan.speed) % 1.15 - 0.08
        c.line([(x - 0.02 * fall, fall), (x - 0.02 * fall - 0.012, fall + 0.075)], (206, 222, 240), 0.008)
    for k in range(int(4 + 10 * heavy)):
        phase = (t * 3.1 + k * 0.37) % 1
        c.ring(
            (k * 0.171 + int(t * 3.1 + k * 0.37) * 0.293) % 1,
            0.88 + 0.1 * ((k * 0.61) % 1),
            0.012 + 0.04 * phase,
            0.005 + 0.014 * phase,
            (190, 206, 222),
            0.007,
        )
    return c.box(0, 0, 1, 1)


def wind_sound(plan: Plan, count: int) -> Signal:
    """Noise through a resonance whose pitch and loudness follow the gusts."""
    rng = plan.rng()
    gust = stretch(plan.curve, count)
    low, mid, high = (
        noise(rng, count, a * plan.pitch, b * plan.pitch) for a, b in ((90, 260), (260, 620), (600, 1500))
    )
    out: Signal = gust**1.6 * ((1.1 - gust) * low + gust * mid + 0.7 * gust**3 * high)
    return out


def wind_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A tree bends with the gusts and leaves fly past."""
    gust = plan.level(t)
    bend = 0.24 * gust + 0.02 * gust * np.sin(9 * t)
    trunk = [(0.42 + bend * u**2, 0.96 - 0.56 * u) for u in np.linspace(0, 1, 9)]
    c.line(trunk, (104, 74, 50), 0.05)
    x, y = trunk[-1]
    for k, (dx, dy, r) in enumerate(
        ((-0.14, 0.04, 0.13), (0.12, 0.05, 0.13), (0.0, -0.08, 0.16), (-0.06, 0.10, 0.11), (0.15, -0.06, 0.1))
    ):
        sway = 0.35 * bend * (1 - dy) + 0.012 * gust * np.sin(13 * t + 2 * k)
        c.ellipse(x + dx + sway, y + dy + 0.3 * bend * dx, r, 0.85 * r, shade((82, 138, 68), 0.85 + 0.08 * k))
    travel = float(np.sum(plan.curve[: int(t * CONTROL) + 1])) / CONTROL
    for k in range(9):
        u = (k * 0.137 + 1.1 * travel * (0.8 + 0.05 * k)) % 1.2 - 0.1
        v = 0.12 + (k * 0.29) % 0.75 + 0.05 * np.sin(6 * t + k)
        c.ellipse(u, v, 0.026, 0.012, (198, 150, 60) if k % 2 else (120, 160, 70), angle=float(40 * np.sin(8 * t + k)))
    for k in range(4):
        u = (k * 0.31 + 1.5 * travel) % 1.4 - 0.3
        c.line([(u, 0.16 + 0.2 * k), (u + 0.22 * gust, 0.155 + 0.2 * k)], (232, 238, 242), 0.008)
    return c.box(0, 0, 1, 1)


def waves_plan(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """Waves break one after another, one to two seconds apart."""
    n = count or max(1, int(rng.integers(2, 4)))
    step = min(1.9, (seconds - 0.6) / n)
    start = 0.35 + float(rng.uniform(0, max(0.01, seconds - 0.9 - step * n)))
    return [start + i * step for i in range(n)], [float(x) for x in rng.uniform(0.7, 1.0, n)]


def waves_sound(plan: Plan, count: int) -> Signal:
    """Each wave crashes at its event and its foam hisses away up the beach; the open sea rumbles under all."""
    rng = plan.rng()
    out = 0.10 * noise(rng, count, 60, 400)
    for at, force in zip(plan.times, plan.strengths, strict=True):
        n = int(1.5 * RATE)
        t = np.arange(n) / RATE
        attack = np.minimum(1, t / 0.02)
        out_wave = attack * (
            0.8 * np.exp(-t / 0.30) * noise(rng, n, 120, 1400 * plan.pitch)
            + 0.55 * np.exp(-t / 0.55) * noise(rng, n, 1500, 7000)
        )
        add(out, out_wave, at, force)
    return out


def waves_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A crest rolls in, breaks at the event time into white foam that runs up the sand and back."""
    c.rectangle(-0.1, 0.34, 1.1, 0.80, (52, 112, 156))
    for k in range(5):
        y = 0.38 + 0.06 * k
        points = [(u, y + 0.008 * np.sin(18 * u + 3 * t + 2 * k)) for u in np.linspace(-0.1, 1.1, 25)]
        c.line(points, (92, 150, 186), 0.010)
    since, force, index = plan.last(t)
    ahead, _ = plan.until(t)
    c.rectangle(-0.1, 0.72, 1.1, 1.1, (222, 198, 148))
    run = 0.0
    if index >= 0:
        run = force * np.sin(np.pi * min(1.0, since / 1.5)) ** 0.7 if since < 1.5 else 0.0
        edge = [(u, 0.72 + 0.20 * run + 0.012 * np.sin(11 * u + index)) for u in np.linspace(-0.1, 1.1, 25)]
        c.polygon([(-0.1, 0.68), *edge, (1.1, 0.68)], (120, 172, 200))
        if run > 0.02:
            c.line(edge, (248, 250, 252), 0.02 + 0.03 * float(np.exp(-since / 0.4)))
        foam = float(np.exp(-since / 0.35))
        if foam > 0.05:
            rng = np.random.default_rng((plan.seed, index))
            for x in rng.uniform(0, 1, int(26 * foam) + 4):
                c.ellipse(
                    x,
                    0.69 + 0.10 * run - 0.14 * foam * rng.uniform() * np.exp(-since / 0.2),
                    0.045,
                    0.03 * (0.5 + foam),
                    (246, 250, 252),
                )
    if ahead < 1.2:
        u = 1 - ahead / 1.2
        y = 0.44 + 0.25 * u
        rise = 0.02 + 0.12 * u * u
        crest = [(x, y - rise * (1 + 0.15 * np.sin(7 * x + plan.variant))) for x in np.linspace(-0.1, 1.1, 25)]
        c.polygon([*crest, (1.1, y + 0.03), (-0.1, y + 0.03)], mix((60, 126, 168), (120, 190, 208), u))
        c.line(crest, (236, 246, 250), 0.008 + 0.022 * u)
    return c.box(0, 0.34, 1, 1)


KINDS = (
    Kind("pour", pour_plan, pour_sound, pour_draw, ("kitchen", "room"), loudness=0.11),
    Kind("rain", steady, rain_sound, rain_draw, ("street", "park", "forest"), wide=True, counted=False, loudness=0.11),
    Kind("wind", steady, wind_sound, wind_draw, ("park", "beach", "forest"), wide=True, counted=False, loudness=0.13),
    Kind("waves", waves_plan, waves_sound, waves_draw, ("beach",), wide=True, counted=False, loudness=0.15),
)
