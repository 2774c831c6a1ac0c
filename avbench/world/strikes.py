"""Things that are struck: impact, drum, bell, door, clock, string."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import Box, Canvas, mix, shade
from avbench.world.plan import Kind, Plan, beats
from avbench.world.sound import RATE, Signal, add, burst, modes, pluck

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


def bell_sound(plan: Plan, count: int) -> Signal:
    out = np.zeros(count)
    base = 420 * plan.pitch
    ratios = (0.5, 1.0, 1.2, 1.5, 2.0, 2.67, 3.0, 4.2)  # hum, prime, minor third, quint, nominal ...
    for at, force in zip(plan.times, plan.strengths, strict=True):
        hit = modes(
            2.2,
            [base * r for r in ratios],
            [1.1, 0.8, 0.6, 0.45, 0.5, 0.25, 0.2, 0.12],
            [0.3, 0.6, 0.5, 0.3, 1, 0.5, 0.4, 0.3],
        )
        add(out, hit, at, force)
    return out


def bell_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """The bell swings as a pendulum between strokes: each stroke is at an extreme of the swing."""
    times = np.array(plan.times)
    ring, force, _ = plan.last(t)
    marks = np.concatenate(
        [[times[0] - 0.9], times, [times[-1] + 0.9, times[-1] + 1.8, times[-1] + 2.7, times[-1] + 3.6]]
    )
    i = int(np.clip(np.searchsorted(marks, t, "right") - 1, 0, len(marks) - 2))
    phase = np.clip((t - marks[i]) / (marks[i + 1] - marks[i]), 0, 1)
    fade = 1.0 if times[0] - 0.9 <= t <= times[-1] else max(0.0, 1 - (t - times[-1]) / 3) if t > times[-1] else 0.35
    tilt = fade * (1 if i % 2 else -1) * -np.cos(np.pi * phase)
    a = np.radians(24 * tilt)
    gold = mix((204, 158, 62), (255, 224, 140), float(0.8 * np.exp(-ring / 0.15)))

    def turn(x: float, y: float) -> tuple[float, float]:
        return 0.5 + x * np.cos(a) - y * np.sin(a), 0.16 + x * np.sin(a) + y * np.cos(a)

    c.rectangle(0.08, 0.08, 0.92, 0.16, shade(WOOD, 0.6))
    lag = np.radians(38 * tilt)
    cx, cy = 0.5 - 0.60 * np.sin(lag), 0.16 + 0.60 * np.cos(lag)
    c.line([(0.5, 0.16), (cx, cy)], DARK, 0.03)
    c.ellipse(cx, cy, 0.055, 0.055, (80, 70, 64))
    profile = [(0.06, 0.02), (0.13, 0.08), (0.17, 0.24), (0.21, 0.40), (0.30, 0.52), (0.30, 0.56)]
    c.polygon([*(turn(-x, y) for x, y in profile[::-1]), *(turn(x, y) for x, y in profile)], gold)
    c.line([turn(-0.295, 0.545), turn(0.295, 0.545)], shade(gold, 0.7), 0.03)
    c.line([turn(-0.09, 0.14), turn(-0.15, 0.42)], shade(gold, 1.25), 0.028)
    if ring < 0.5:
        for k in (1, 2):
            r = 0.30 + 0.5 * ring + 0.07 * k
            for start in (-25, 155):
                points = [
                    (0.5 + r * np.cos(np.radians(start + d)), 0.46 + 0.9 * r * np.sin(np.radians(start + d)))
                    for d in range(0, 51, 10)
                ]
                c.line(points, mix((255, 240, 180), (120, 120, 120), min(1.0, 2 * ring)), 0.014)
    return c.box(0.12, 0.10, 0.88, 0.82)


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


NOTES = (196.0, 220.0, 246.9, 293.7, 329.6, 392.0)  # G major pentatonic and its octave


def string_sound(plan: Plan, count: int) -> Signal:
    out, rng = np.zeros(count), plan.rng()
    for i, (at, force) in enumerate(zip(plan.times, plan.strengths, strict=True)):
        add(out, pluck(rng, 1.6, NOTES[(i * 2 + plan.variant) % 6] * plan.pitch), at, force)
    return out


def string_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A guitar: the plucked string swings wide and dies down; the hand leaves it at the event time."""
    body = plan.colour if plan.variant % 2 else (196, 128, 66)
    c.rectangle(0.44, 0.02, 0.56, 0.40, (86, 58, 40))
    c.ellipse(0.5, 0.46, 0.235, 0.17, body)
    c.ellipse(0.5, 0.74, 0.32, 0.23, body)
    c.ellipse(0.5, 0.74, 0.28, 0.195, shade(body, 1.12))
    c.ellipse(0.5, 0.60, 0.105, 0.105, (48, 34, 28))
    c.rectangle(0.38, 0.83, 0.62, 0.87, (70, 48, 36))
    since, force, index = plan.last(t)
    ahead, _ = plan.until(t)
    for k in range(6):
        x = 0.45 + 0.02 * k
        swing_ = 0.0
        if index >= 0 and k == (index * 2 + plan.variant) % 6:
            swing_ = 0.055 * force * np.exp(-since / 0.35)
        points = [
            (x + swing_ * np.cos(2 * np.pi * 11 * since) * np.sin(np.pi * u), 0.06 + 0.78 * u)
            for u in np.linspace(0, 1, 13)
        ]
        if swing_ > 0.004:
            blur = [(x + swing_ * np.sin(np.pi * u), 0.06 + 0.78 * u) for u in np.linspace(0, 1, 13)]
            back = [(2 * x - px, py) for px, py in blur]
            c.polygon([*blur, *back[::-1]], mix(shade(body, 1.12), (255, 250, 220), 0.55))
        c.line(points, (250, 244, 220), 0.008 if swing_ < 0.004 else 0.014)
    reach = max(0.0, 1 - ahead / 0.22) if ahead < 0.22 else 0.0
    away = min(1.0, since / 0.12) if index >= 0 else 1.0
    hx = 0.52 + 0.24 * max(away * (1 - reach), 0.0)
    hy = 0.70 + 0.05 * away
    c.polygon(((hx + 0.03, hy - 0.03), (1.0, hy + 0.06), (1.0, hy + 0.22), (hx + 0.05, hy + 0.07)), (96, 130, 170))
    c.ellipse(hx + 0.05, hy + 0.02, 0.075, 0.055, (230, 184, 152))
    c.line([(hx + 0.03, hy + 0.01), (hx - 0.035, hy - 0.01)], (230, 184, 152), 0.035)
    return c.box(0.18, 0.02, 0.98, 0.98)


KINDS = (
    Kind("impact", lambda r, s, n: beats(r, s, n, 0.45), impact_sound, impact_draw, ("workshop", "room")),
    Kind("drum", lambda r, s, n: beats(r, s, n, 0.30, (4, 8)), drum_sound, drum_draw, ("stage", "room")),
    Kind("bell", lambda r, s, n: beats(r, s, n, 0.60), bell_sound, bell_draw, ("sky", "night", "street")),
    Kind("door", lambda r, s, n: beats(r, s, n, 0.95, (1, 3)), door_sound, door_draw, ("room", "office")),
    Kind("clock", clock_plan, clock_sound, clock_draw, ("room", "office"), loudness=0.10),
    Kind(
        "string",
        lambda r, s, n: beats(r, s, n, 0.35, (3, 6)),
        string_sound,
        string_draw,
        ("stage", "room"),
        loudness=0.13,
    ),
)
