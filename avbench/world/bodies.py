"""Things that move under their own weight: a bouncing ball, a rolling ball, footsteps."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import Box, Canvas, shade
from avbench.world.plan import CONTROL, Kind, Plan
from avbench.world.sound import RATE, Signal, add, burst, modes, noise, stretch

FLOOR = 0.86


def bounce_plan(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """A ball dropped from rest: each flight lasts restitution times the one before; strength is speed."""
    restitution = float(rng.uniform(0.68, 0.86))
    n = count or int(rng.integers(3, 7))
    span = seconds - 0.75
    # first contact after half a flight t0 / 2 (the drop), then n - 1 flights, each shorter
    flights = restitution ** np.arange(1, n)
    first = min(1.1, span / (0.5 + max(flights.sum(), 1e-6)), 1.1)
    first = max(first, 0.32)
    times = 0.15 + first / 2 + np.concatenate([[0.0], np.cumsum(first * flights)])
    return [float(t) for t in times if t < seconds - 0.1], [float(restitution**i) for i in range(n)][
        : int((times < seconds - 0.1).sum())
    ]


def bounce_sound(plan: Plan, count: int) -> Signal:
    out, rng = np.zeros(count), plan.rng()
    for at, force in zip(plan.times, plan.strengths, strict=True):
        base = 120 * plan.pitch * (1 + 0.15 * force)
        hit = modes(0.3, [base, base * 2.3, base * 4.1], [0.06, 0.03, 0.015], [1, 0.5, 0.3])
        hit[: int(0.03 * RATE)] += 0.6 * burst(rng, 0.03, 300, 5000, 0.005)
        add(out, hit, at, force)
    return out


def ball(c: Canvas, x: float, y: float, r: float, squash: float, plan: Plan, turn: float) -> None:
    c.ellipse(x, y + r * squash, r * (1 + squash), r * (1 - squash), shade(plan.colour, 0.82))
    c.ellipse(x - 0.1 * r, y + r * squash - 0.12 * r, 0.84 * r, 0.84 * r * (1 - squash), plan.colour)
    for k in range(3):
        a = turn + 2 * np.pi * k / 3
        c.ellipse(x + 0.55 * r * np.cos(a), y + r * squash + 0.55 * r * np.sin(a), 0.17 * r, 0.17 * r, (250, 246, 236))
    c.ellipse(x - 0.35 * r, y - 0.4 * r + r * squash, 0.16 * r, 0.12 * r, (255, 255, 255))


def bounce_draw(c: Canvas, plan: Plan, t: float) -> Box:
    r, times = 0.11, plan.times
    since, force, index = plan.last(t)
    ahead, _ = plan.until(t)
    first = 2 * (times[0] - 0.15)
    top = 0.62
    if index < 0:
        u = max(0.0, 1 - ahead / (first / 2))
        height = top * (1 - u * u)
    elif index + 1 < len(times):
        flight = since + ahead
        u = since / flight
        height = min(top, top * (flight / first) ** 2) * 4 * u * (1 - u)
    else:
        height = 0.0
    x = 0.5 + 0.16 * plan.speed * (1 if plan.variant % 2 else -1) * (min(t, times[-1]) / plan.seconds - 0.5)
    squash = 0.32 * force * np.exp(-since / 0.03) if index >= 0 else 0.0
    c.ellipse(x, FLOOR + 0.02, r * (1.15 - 0.6 * height), 0.028, (70, 62, 58))
    ball(c, x, FLOOR - r - height, r, squash, plan, 3 * t)
    return c.box(x - r, FLOOR - 2 * r - height, x + r, FLOOR)


def roll_plan(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """A ball rolls to and fro in a trough: it starts at once and turns round at each end."""
    n = count or int(rng.integers(2, 5))
    step = min(1.6 if n > 1 else 2.6, (seconds - 0.5) / n)
    return [0.25 + i * step for i in range(n)], [1.0] * n


def roll_path(plan: Plan, t: float) -> tuple[float, float]:
    """Place -1 to 1 and speed 0 to 1 of the ball: it starts from rest at each event and stops at the next."""
    since, _, index = plan.last(t)
    if index < 0:
        return -1.0, 0.0
    step = plan.times[1] - plan.times[0] if len(plan.times) > 1 else min(2.6, plan.seconds - 0.5)
    u = min(1.0, since / step)
    sign = -1 if index % 2 == 0 else 1
    return sign * np.cos(np.pi * u), np.sin(np.pi * u)


def roll_sound(plan: Plan, count: int) -> Signal:
    """Rumble and rattle as loud as the ball is fast, with a knock where it sets off from an end."""
    rng = plan.rng()
    speed = stretch(np.array([roll_path(plan, k / CONTROL)[1] for k in range(int(plan.seconds * CONTROL) + 1)]), count)
    grain = np.maximum(0, rng.standard_normal(count)) ** 3 * (rng.random(count) < 0.02)
    rattle = np.convolve(grain, modes(0.03, [520 * plan.pitch, 1300 * plan.pitch], [0.006, 0.004], [1, 0.6]))[:count]
    out = speed * (0.6 * noise(rng, count, 90, 700 * plan.pitch) + 0.8 * rattle / (np.std(rattle) + 1e-9))
    for at in plan.times:
        add(out, modes(0.15, [260 * plan.pitch, 640 * plan.pitch], [0.03, 0.02], [1, 0.6]), at, 3.0)
    return out


def roll_draw(c: Canvas, plan: Plan, t: float) -> Box:
    place, _ = roll_path(plan, t)
    r = 0.12
    x, y = 0.5 + 0.32 * place, 0.70 + 0.06 * (1 - place**2)
    trough = [
        (0.5 + 0.47 * u, 0.80 + 0.075 * (1 - (u / 0.68) ** 2) if abs(u) < 0.68 else 0.80 - 0.5 * (abs(u) - 0.68))
        for u in np.linspace(-1, 1, 31)
    ]
    c.polygon([*trough, (0.97, 0.98), (0.03, 0.98)], (150, 104, 66))
    c.line(trough, (196, 150, 100), 0.02)
    ball(c, x, y, r, 0.0, plan, place * 0.32 / r)
    return c.box(x - r, y - r, x + r, y + r)


def footsteps_plan(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """An even walk of 0.42 to 0.6 s a step, or slower when fewer steps are asked for."""
    step = float(rng.uniform(0.42, 0.60))
    n = count or int((seconds - 0.6) / step)
    step = min(step, (seconds - 0.5) / max(1, n))
    return [0.3 + i * step for i in range(n)], [float(x) for x in rng.uniform(0.8, 1.0, n)]


def footsteps_sound(plan: Plan, count: int) -> Signal:
    out, rng = np.zeros(count), plan.rng()
    for at, force in zip(plan.times, plan.strengths, strict=True):
        heel = modes(0.12, [95 * plan.pitch, 210 * plan.pitch], [0.025, 0.015], [1, 0.7])
        heel[: int(0.05 * RATE)] += 0.9 * burst(rng, 0.05, 500, 4500, 0.007)
        add(out, heel, at, force)
        add(out, burst(rng, 0.09, 1200, 6000, 0.02), at + 0.07, 0.16 * force)  # the sole
    return out


def footsteps_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """Two legs from the side, walking on the spot: one foot lands exactly at each event."""
    times = plan.times
    step = times[1] - times[0] if len(times) > 1 else 0.5
    walk = (t - times[0]) / step  # integer at each landing
    ended = t > times[-1] + 0.6 * step or t < times[0] - step
    hip = (0.5, 0.20 + 0.012 * np.cos(2 * np.pi * walk))
    trousers = plan.colour
    for leg in (1, 0):
        phase = (walk + 1 - leg) % 2  # 0: this foot lands, 1: it leaves the ground
        if ended:
            x, lift = 0.46 + 0.08 * leg, 0.0
        elif phase < 1:
            x, lift = 0.68 - 0.36 * phase, 0.0
        else:
            u = phase - 1
            x, lift = 0.32 + 0.36 * u, 0.17 * np.sin(np.pi * u) ** 0.8
        ankle = (x, FLOOR - 0.07 - lift)
        knee = ((hip[0] + x) / 2 + 0.05 + 0.3 * lift, (hip[1] + ankle[1]) / 2)
        colour = trousers if leg == 0 else shade(trousers, 0.72)
        c.line([hip, knee, ankle], colour, 0.105)
        shoe = (58, 44, 40) if leg == 0 else (42, 32, 30)
        y = FLOOR - lift
        c.polygon(
            ((x - 0.06, y), (x - 0.06, y - 0.09), (x + 0.04, y - 0.09), (x + 0.14, y - 0.03), (x + 0.14, y)), shoe
        )
    c.rectangle(0.38, 0.0, 0.62, hip[1] + 0.03, shade(trousers, 0.9))
    c.line([(0.1, FLOOR + 0.012), (0.9, FLOOR + 0.012)], (90, 84, 80), 0.014)
    return c.box(0.20, 0.0, 0.86, FLOOR)


KINDS = (
    Kind("bounce", bounce_plan, bounce_sound, bounce_draw, ("room", "park", "street")),
    Kind("roll", roll_plan, roll_sound, roll_draw, ("room", "workshop"), loudness=0.11),
    Kind("footsteps", footsteps_plan, footsteps_sound, footsteps_draw, ("street", "forest", "park")),
)
