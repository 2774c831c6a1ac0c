"""What lights up the sky: fireworks and thunder, both near enough to be heard at once."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import RGB, Box, Canvas, mix
from avbench.world.plan import Kind, Plan, beats
from avbench.world.sound import RATE, Signal, add, burst, noise

RISE = 0.55  # seconds a rocket climbs
SPARKS: tuple[RGB, ...] = (
    (255, 96, 80),
    (255, 206, 90),
    (130, 220, 130),
    (120, 170, 255),
    (236, 140, 240),
    (255, 250, 220),
)


def fireworks_sound(plan: Plan, count: int) -> Signal:
    """A boom at the burst and its crackle; the rocket's hiss before is faint."""
    out, rng = np.zeros(count), plan.rng()
    for at, force in zip(plan.times, plan.strengths, strict=True):
        boom = 1.4 * burst(rng, 0.9, 40, 260 * plan.pitch, 0.16)
        boom[: int(0.3 * RATE)] += 0.8 * burst(rng, 0.3, 200, 5000, 0.03)
        add(out, boom, at, force)
        n = int(0.9 * RATE)
        sparks = (rng.random(n) < 0.004) * rng.standard_normal(n) * np.exp(-np.arange(n) / RATE / 0.35)
        add(out, np.convolve(sparks, burst(rng, 0.02, 2000, 7500, 0.003))[:n], at + 0.08, 1.1 * force)
    return out


def fireworks_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A rocket climbs for half a second and opens at the event time; its sparks fall and fade."""
    c.image[:] = (c.image * 0.55).astype(np.uint8)
    low, high = [0.5, 0.5], [0.5, 0.5]
    for i, (at, force) in enumerate(zip(plan.times, plan.strengths, strict=True)):
        rng = np.random.default_rng((plan.seed, i))
        x, y = rng.uniform(0.28, 0.72), rng.uniform(0.24, 0.42)
        colour = plan.colour if i == 0 and max(plan.colour) - min(plan.colour) > 70 else SPARKS[(plan.variant + i) % 6]
        age = t - at
        if -RISE < age < 0:
            u = 1 + age / RISE
            top = 0.98 - (0.98 - y) * (1 - (1 - u) ** 2)
            c.line([(x, top), (x, min(1.0, top + 0.10))], (255, 214, 140), 0.014)
            c.glow(x, top, 0.08, (255, 230, 170), 0.9)
        elif 0 <= age < 1.5:
            fade = float(np.exp(-age / 0.55))
            c.glow(x, y, 0.75, colour, 0.85 * float(np.exp(-age / 0.10)) + 0.25 * fade)
            reach = 0.34 * force * (1 - np.exp(-(age + 0.03) / 0.16))
            for k in range(22):
                a = 2 * np.pi * k / 22 + i
                r = reach * (1.0 if k % 2 else 0.62)
                px, py = x + r * np.cos(a), y + r * np.sin(a) + 0.10 * age**2
                r0 = 0.72 * r
                tail = (x + r0 * np.cos(a), y + r0 * np.sin(a) + 0.10 * age**2)
                c.line([tail, (px, py)], mix((20, 20, 40), colour, min(1.0, 1.3 * fade)), 0.013)
                c.ellipse(px, py, 0.014, 0.014, mix((20, 20, 40), (255, 255, 240), fade))
            low, high = [x - reach, y - reach], [x + reach, y + reach]
    return c.box(low[0] - 0.02, low[1] - 0.02, high[0] + 0.02, high[1] + 0.02)


def thunder_sound(plan: Plan, count: int) -> Signal:
    """A crack, then a rumble that rolls on."""
    out, rng = np.zeros(count), plan.rng()
    for at, force in zip(plan.times, plan.strengths, strict=True):
        n = int(2.6 * RATE)
        t = np.arange(n) / RATE
        roll = np.interp(t, np.arange(0, 2.8, 0.2), rng.uniform(0.4, 1.0, 14))
        clap = 1.3 * roll * np.exp(-t / 0.8) * noise(rng, n, 35, 220 * plan.pitch)
        clap[: int(0.4 * RATE)] += 1.3 * burst(rng, 0.4, 150, 4500, 0.05)
        add(out, clap, at, force)
    return out


def thunder_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A dark sky; at the event a bolt stands for a moment and the whole picture flashes."""
    since, force, index = plan.last(t)
    c.image[:] = (c.image * 0.42).astype(np.uint8)
    flicker = float(np.exp(-since / 0.16)) * (1.0 if int(since * 25) % 3 != 1 else 0.6) if index >= 0 else 0.0
    for k in range(-2, 9):
        c.ellipse(0.08 + 0.18 * k, 0.03 + 0.04 * (k % 2), 0.17, 0.11, mix((50, 52, 66), (170, 174, 200), flicker))
    box = c.box(0, 0, 1, 1)
    if index >= 0 and since < 0.28:
        rng = np.random.default_rng((plan.seed, index))
        x, points = rng.uniform(0.3, 0.7), []
        for k in range(9):
            points.append((x, 0.08 + 0.085 * k))
            x += rng.uniform(-0.085, 0.085)
        c.line(points, (190, 200, 255), 0.035)
        c.line(points, (255, 255, 250), 0.016)
        fork = points[4]
        c.line([fork, (fork[0] + 0.12, fork[1] + 0.10), (fork[0] + 0.10, fork[1] + 0.22)], (236, 240, 255), 0.014)
        xs = [p[0] for p in points]
        box = c.box(min(xs) - 0.05, 0.05, max(xs) + 0.12, 0.80)
    c.image[:] = np.minimum(255, c.image + np.float32(190 * force * flicker)).astype(np.uint8)
    return box


KINDS = (
    Kind(
        "fireworks",
        lambda r, s, n: beats(r, s, n, 0.60, (1, 4)),
        fireworks_sound,
        fireworks_draw,
        ("night",),
        wide=True,
        loudness=0.19,
    ),
    Kind(
        "thunder",
        lambda r, s, n: beats(r, s, n, 1.1, (1, 2)),
        thunder_sound,
        thunder_draw,
        ("mountain", "park", "night"),
        wide=True,
        loudness=0.19,
    ),
)
