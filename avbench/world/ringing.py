"""Things that ring on: bell, string."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import Box, Canvas, mix, shade
from avbench.world.plan import Kind, Plan, beats
from avbench.world.sound import Signal, add, modes, pluck

WOOD, DARK = (150, 104, 66), (44, 40, 44)


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
    ring = plan.last(t)[0]
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
    Kind("bell", lambda r, s, n: beats(r, s, n, 0.60), bell_sound, bell_draw, ("sky", "night", "street")),
    Kind(
        "string",
        lambda r, s, n: beats(r, s, n, 0.35, (3, 6)),
        string_sound,
        string_draw,
        ("stage", "room"),
        loudness=0.13,
    ),
)
