"""Things that are struck: impact, drum, door, clock."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import Box, Canvas, mix, shade
from avbench.world.plan import Kind, Plan, beats
from avbench.world.sound import RATE, Signal, add, burst, modes

WOOD, STEEL, DARK = (150, 104, 66), (172, 178, 188), (44, 40, 44)


def swing(plan: Plan, t: float, fall: float = 0.16, rise: float = 0.30) -> float:
    """A hitter's height: 1 raised, 0 in contact exactly at the event times; falls fast, rises slowly."""
    ahead, _ = plan.until(t)
    behind, _, _ = plan.last(t)
    down = 1 - max(0.0, 1 - ahead / fall) ** 1.5 if ahead < fall else 1.0
    up = min(1.0, behind / rise)
    return min(down, up * (2 - up))


def impact_sound(plan: Plan, count: int) -> Signal:
    out, rng = np.zeros(count), plan.rng()
    for at, force in zip(plan.times, plan.strengths, strict=True):
        base = 170 * plan.pitch
        if plan.variant % 2:  # metal
            hit = modes(0.7, [base * k for k in (3.1, 6.4, 11.7, 19.2)], [0.16, 0.12, 0.08, 0.05], [1, 0.8, 0.6, 0.4])
        else:  # wood
            hit = modes(0.35, [base, base * 2.76, base * 5.4], [0.05, 0.03, 0.02], [1, 0.7, 0.4])
        hit[: int(0.05 * RATE)] += 0.7 * burst(rng, 0.05, 400, 6000, 0.008)
        add(out, hit, at, force)
    return out


def impact_draw(c: Canvas, plan: Plan, t: float) -> Box:
    height = swing(plan, t)
    hit = plan.last(t)[0]
    c.rectangle(0.10, 0.78, 0.90, 0.98, shade(WOOD, 0.8))
    c.rectangle(0.10, 0.78, 0.90, 0.82, WOOD)
    squash = 0.012 * np.exp(-hit / 0.05)
    c.rectangle(0.30, 0.64 + squash, 0.56, 0.78, STEEL if plan.variant % 2 else (188, 140, 92))
    c.rectangle(0.30, 0.64 + squash, 0.56, 0.67 + squash, shade(STEEL if plan.variant % 2 else (188, 140, 92), 1.15))
    angle = np.radians(62 * height)
    px, py = 0.88, 0.60  # the hand
    tx, ty = px - 0.46 * np.cos(angle), py - 0.46 * np.sin(angle)
    c.line([(px, py), (tx, ty)], shade(WOOD, 0.65), 0.045)
    nx, ny = np.sin(angle), -np.cos(angle)
    dx, dy = np.cos(angle) * 0.07, np.sin(angle) * 0.07
    low, high = -0.05, 0.12
    head = [
        (tx - dx + nx * high, ty - dy + ny * high), (tx + dx + nx * high, ty + dy + ny * high),
        (tx + dx + nx * low, ty + dy + ny * low), (tx - dx + nx * low, ty - dy + ny * low),
    ]  # fmt: skip
    c.polygon([(x, y) for x, y in head], plan.colour)
    c.ellipse(px, py, 0.055, 0.055, (226, 178, 146))
    if hit < 0.12:
        for a in (-2.5, -1.9, -1.2, -0.6):
            r = 0.10 + 0.9 * hit
            c.line(
                [(0.43 + 0.09 * np.cos(a), 0.64 + 0.09 * np.sin(a)), (0.43 + r * np.cos(a), 0.64 + r * np.sin(a))],
                (255, 240, 170),
                0.018,
            )
    return c.box(0.28, 0.08, 0.94, 0.80)


def drum_sound(plan: Plan, count: int) -> Signal:
    out, rng = np.zeros(count), plan.rng()
    base = 95 * plan.pitch
    for at, force in zip(plan.times, plan.strengths, strict=True):  # zeros of the Bessel functions: a round membrane
        hit = modes(
            0.6,
            [base * k for k in (1, 1.594, 2.136, 2.296, 2.653)],
            [0.16, 0.1, 0.08, 0.07, 0.05],
            [1, 0.6, 0.4, 0.3, 0.2],
        )
        hit[: int(0.08 * RATE)] += 0.5 * burst(rng, 0.08, 200, 4000, 0.015)
        add(out, hit, at, force)
    return out


def drum_draw(c: Canvas, plan: Plan, t: float) -> Box:
    height = swing(plan, t, 0.14, 0.24)
    hit, force, index = plan.last(t)
    wave = 0.02 * force * np.exp(-hit / 0.12) * np.cos(2 * np.pi * 9 * hit) if index >= 0 else 0.0
    c.rectangle(0.16, 0.60, 0.84, 0.86, plan.colour)
    c.ellipse(0.5, 0.86, 0.34, 0.10, shade(plan.colour, 0.85))
    for k in range(6):
        x = 0.20 + 0.12 * k
        c.line([(x, 0.64), (x + 0.06, 0.90), (x + 0.12, 0.64)], (236, 226, 200), 0.014)
    c.ellipse(0.5, 0.60, 0.36, 0.12, (120, 90, 60))
    c.ellipse(
        0.5, 0.59 + wave, 0.335, 0.105 - abs(wave), mix((236, 228, 210), (255, 250, 230), float(np.exp(-hit / 0.08)))
    )
    left = (index + (1 if height < 1 and hit > 0.24 else 0)) % 2 == 0
    for side, active in ((-1, left), (1, not left)):
        h = height if active else 1.0
        angle = np.radians(12 + 48 * h)
        bx, by = 0.5 + side * 0.12, 0.57 - 0.36 * np.sin(angle) * (0.3 + 0.7 * h)
        hx = 0.5 + side * (0.12 + 0.36 * np.cos(angle))
        c.line([(hx, by - 0.16), (bx, 0.575 - 0.30 * h)], (214, 176, 122), 0.032)
        c.ellipse(bx, 0.57 - 0.30 * h, 0.034, 0.034, (240, 214, 170))
        c.ellipse(hx, by - 0.16, 0.05, 0.05, (226, 178, 146))
    return c.box(0.10, 0.20, 0.90, 0.96)


def door_sound(plan: Plan, count: int) -> Signal:
    out, rng = np.zeros(count), plan.rng()
    for at, force in zip(plan.times, plan.strengths, strict=True):
        slam = modes(0.5, [x * plan.pitch for x in (78, 131, 212, 340)], [0.11, 0.08, 0.05, 0.03], [1, 0.8, 0.5, 0.3])
        slam[: int(0.12 * RATE)] += 0.5 * burst(rng, 0.12, 150, 3500, 0.025)
        add(out, slam, at, force)
        add(out, burst(rng, 0.03, 2000, 7000, 0.006), at + 0.035, 0.25 * force)  # the latch
    return out


def door_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """Opens slowly before a slam, falls shut with growing speed, is shut at the event time."""
    ahead, _ = plan.until(t)
    hit = plan.last(t)[0]
    opening = 1.0 if ahead < 9 else 0.0
    if ahead < 0.35:
        opening = min(opening, 1 - (1 - ahead / 0.35) ** 2)
    if hit < 0.5 and plan.times[0] <= t:
        opening = min(opening, max(0.0, (hit - 0.12) / 0.38))
    shake = 0.006 * np.exp(-hit / 0.06) * np.sin(2 * np.pi * 18 * hit) if hit < 1 else 0.0
    c.rectangle(0.18, 0.04, 0.82, 0.98, shade(WOOD, 1.25))
    c.rectangle(0.24, 0.10, 0.76, 0.98, (30, 26, 34))
    c.rectangle(0.24, 0.10, 0.76, 0.98, mix((30, 26, 34), (250, 226, 160), 0.75 * opening))
    w = 0.52 * np.cos(np.radians(72 * opening))
    drop = 0.07 * np.sin(np.radians(72 * opening))
    x0, x1 = 0.24 + shake, 0.24 + w + shake
    c.polygon(((x0, 0.10), (x1, 0.10 - drop), (x1, 0.98 + drop), (x0, 0.98)), plan.colour)
    for y0, y1 in ((0.20, 0.48), (0.58, 0.88)):
        c.polygon(
            ((x0 + 0.15 * w, y0), (x0 + 0.82 * w, y0 - drop / 2), (x0 + 0.82 * w, y1), (x0 + 0.15 * w, y1)),
            shade(plan.colour, 0.8),
        )
    c.ellipse(x0 + 0.9 * w, 0.54, 0.024, 0.024, (236, 206, 110))
    return c.box(0.18, 0.04, 0.82, 0.98)


def clock_plan(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """Ticks of a pendulum: evenly spaced."""
    period = (seconds - 0.6) / (count - 1) if count and count > 1 else float(rng.uniform(0.42, 0.62))
    period = min(max(period, 0.3), 1.0)
    start = float(rng.uniform(0.15, 0.35))
    n = 1 if count == 1 else count or int((seconds - start - 0.1) / period) + 1
    times = [start + i * period for i in range(n) if start + i * period < seconds - 0.08]
    return times, [1.0 if i % 2 == 0 else 0.8 for i in range(len(times))]


def clock_sound(plan: Plan, count: int) -> Signal:
    out, rng = np.zeros(count), plan.rng()
    for i, (at, force) in enumerate(zip(plan.times, plan.strengths, strict=True)):
        f = (1900 if i % 2 == 0 else 1500) * plan.pitch
        tick = modes(0.12, [f, f * 1.9, f * 0.42], [0.012, 0.008, 0.02], [1, 0.7, 0.6])
        tick[: int(0.02 * RATE)] += 0.8 * burst(rng, 0.02, 1500, 7000, 0.003)
        add(out, tick, at, force)
    return out


def clock_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """The pendulum turns round at each tick; the hand jumps."""
    times = plan.times
    period = times[1] - times[0] if len(times) > 1 else 0.6
    phase = (t - times[0]) / period
    on = times[0] - period <= t <= times[-1] + period
    a = np.radians(26 * np.cos(np.pi * phase) * (1 if on else 0.55))
    c.polygon(((0.26, 0.10), (0.5, 0.0), (0.74, 0.10)), shade(WOOD, 0.7))
    c.rectangle(0.26, 0.08, 0.74, 0.99, shade(WOOD, 0.85))
    c.rectangle(0.31, 0.50, 0.69, 0.94, (58, 42, 34))
    c.ellipse(0.5, 0.28, 0.19, 0.19, (92, 64, 40))
    c.ellipse(0.5, 0.28, 0.165, 0.165, (246, 240, 222))
    for k in range(12):
        d = np.radians(30 * k)
        c.ellipse(0.5 + 0.138 * np.cos(d), 0.28 + 0.138 * np.sin(d), 0.010, 0.010, DARK)
    hand = np.radians(-90 + 30 * (plan.last(t)[2] + 1 + plan.variant))
    c.line([(0.5, 0.28), (0.5 + 0.13 * np.cos(hand), 0.28 + 0.13 * np.sin(hand))], (196, 40, 40), 0.020)
    c.line([(0.5, 0.28), (0.42, 0.22)], DARK, 0.024)
    x, y = 0.5 + 0.36 * np.sin(a), 0.50 + 0.36 * np.cos(a)
    c.line([(0.5, 0.50), (x, y)], (210, 180, 90), 0.022)
    c.ellipse(x, y, 0.062, 0.062, mix((206, 164, 66), (255, 232, 150), float(np.exp(-plan.last(t)[0] / 0.06))))
    return c.box(0.26, 0.0, 0.74, 0.99)


KINDS = (
    Kind("impact", lambda r, s, n: beats(r, s, n, 0.45), impact_sound, impact_draw, ("workshop", "room")),
    Kind("drum", lambda r, s, n: beats(r, s, n, 0.30, (4, 8)), drum_sound, drum_draw, ("stage", "room")),
    Kind("door", lambda r, s, n: beats(r, s, n, 0.95, (1, 3)), door_sound, door_draw, ("room", "office")),
    Kind("clock", clock_plan, clock_sound, clock_draw, ("room", "office"), loudness=0.10),
)
