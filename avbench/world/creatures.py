"""What animals and people do: dog, bird, applause."""

from __future__ import annotations

import numpy as np

from avbench.world.canvas import RGB, Box, Canvas, mix, shade
from avbench.world.plan import Kind, Plan, beats
from avbench.world.sound import RATE, Signal, add, burst, noise

BARK, CHIRP = 0.20, 0.24  # seconds
BROWN: tuple[RGB, ...] = ((150, 104, 62), (92, 70, 52), (206, 168, 116), (240, 232, 220), (70, 66, 70), (176, 120, 74))


def dog_sound(plan: Plan, count: int) -> Signal:
    """A bark: a harmonic glide through two formants with breath, over in a fifth of a second."""
    out, rng = np.zeros(count), plan.rng()
    n = int(BARK * RATE)
    t = np.arange(n) / RATE
    for at, force in zip(plan.times, plan.strengths, strict=True):
        f0 = 300 * plan.pitch * (1 + 0.5 * np.sin(np.pi * np.minimum(1, t / 0.14)))
        phase = 2 * np.pi * np.cumsum(f0) / RATE
        voice = np.zeros(n)
        for k in range(1, 14):
            f = k * f0
            gain = np.exp(-(((f - 700 * plan.pitch) / 500) ** 2)) + 0.5 * np.exp(-(((f - 1700) / 700) ** 2)) + 0.05
            voice += gain * np.sin(k * phase)
        shape = np.minimum(1, t / 0.008) * np.exp(-t / 0.07)
        add(out, shape * (voice + 0.5 * noise(rng, n, 500, 3500)), at, force)
    return out


def dog_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A dog's head and chest: the jaw drops and the head jerks up at each bark; the tail wags."""
    since, force, index = plan.last(t)
    ahead, _ = plan.until(t)
    gape = force * float(np.clip(1 - abs(since - 0.06) / 0.15, 0, 1)) if index >= 0 else 0.0
    if ahead < 0.05:
        gape = max(gape, 0.35 * (1 - ahead / 0.05))
    fur = (
        BROWN[plan.variant]
        if max(plan.colour) - min(plan.colour) > 60 and plan.colour[2] > plan.colour[0]
        else mix(BROWN[plan.variant], plan.colour, 0.25)
    )
    dark = shade(fur, 0.7)
    up = -0.05 * gape
    wag = 0.06 * np.sin(2 * np.pi * 2.2 * t)
    c.line([(0.22, 0.84), (0.12, 0.70), (0.08 + wag, 0.56)], fur, 0.055)
    c.ellipse(0.44, 0.90, 0.26, 0.24, fur)
    c.ellipse(0.56, 0.94, 0.13, 0.16, mix(fur, (255, 250, 240), 0.5))
    c.rectangle(0.34, 0.58 + up, 0.58, 0.86, fur)
    x, y = 0.50, 0.40 + up
    c.polygon(((x - 0.22, y - 0.10), (x - 0.30, y + 0.22), (x - 0.16, y + 0.16)), dark)
    c.ellipse(x, y, 0.215, 0.20, fur)
    c.polygon(((x + 0.02, y - 0.17), (x - 0.04, y + 0.12), (x - 0.12, y - 0.10)), dark)
    # muzzle: upper fixed to the head, lower jaw turning open
    drop = 0.17 * gape
    if gape > 0.05:
        c.polygon(
            ((x + 0.10, y + 0.09), (x + 0.40, y + 0.07), (x + 0.34, y + 0.12 + drop), (x + 0.08, y + 0.16)),
            (110, 24, 34),
        )
        c.ellipse(x + 0.25, y + 0.11 + 0.75 * drop, 0.085, 0.028, (226, 110, 120), angle=12)
    c.polygon(
        ((x + 0.05, y + 0.13), (x + 0.36, y + 0.105 + drop), (x + 0.34, y + 0.155 + drop), (x + 0.08, y + 0.21)),
        shade(fur, 0.86),
    )
    c.ellipse(x + 0.25, y + 0.06, 0.17, 0.075, mix(fur, (255, 250, 240), 0.35))
    c.ellipse(x + 0.40, y + 0.025, 0.045, 0.038, (28, 24, 26))
    c.ellipse(x + 0.12, y - 0.06, 0.034, 0.038, (255, 255, 255))
    c.ellipse(x + 0.128, y - 0.058, 0.022, 0.026, (24, 18, 16))
    if gape > 0.3:
        for k in (-1, 0, 1):
            a = np.radians(14 * k + 6)
            c.line(
                [
                    (x + 0.45, y + 0.11 + 0.05 * k),
                    (x + 0.45 + 0.10 * np.cos(a), y + 0.11 + 0.05 * k + 0.10 * np.sin(a)),
                ],
                (250, 250, 240),
                0.016,
            )
    return c.box(0.08, 0.14, 0.96, 1.0)


def bird_sound(plan: Plan, count: int) -> Signal:
    """A chirp: a whistle that sweeps down and up around 3.5 kHz."""
    out = np.zeros(count)
    n = int(CHIRP * RATE)
    t = np.arange(n) / RATE
    for i, (at, force) in enumerate(zip(plan.times, plan.strengths, strict=True)):
        u = t / CHIRP
        sweep = (3700 + 900 * np.cos(2 * np.pi * u * (1 + (plan.variant + i) % 2))) * min(plan.pitch, 1.25)
        shape = np.minimum(1, t / 0.006) * np.minimum(1, (CHIRP - t) / 0.05) * (0.7 + 0.3 * np.cos(2 * np.pi * 24 * t))
        phase = 2 * np.pi * np.cumsum(sweep) / RATE
        add(out, shape * (np.sin(phase) + 0.12 * np.sin(1.5 * phase)), at, force)
    return out


def bird_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """A bird on a branch: beak open and throat out while it sings, a hop of the tail, else shut."""
    since, force, index = plan.last(t)
    sing = (
        force * float(np.clip(min(since / 0.03 + 0.4, (CHIRP + 0.04 - since) / 0.05), 0, 1))
        if index >= 0 and since < CHIRP + 0.04
        else 0.0
    )
    body = plan.colour if max(plan.colour) > 90 else (90, 100, 130)
    y = 0.48 - 0.03 * sing
    c.line([(-0.02, 0.86), (0.4, 0.80), (1.02, 0.84)], (104, 76, 52), 0.055)
    for k in range(4):
        c.ellipse(0.10 + 0.26 * k, 0.80 + 0.07 * (k % 2), 0.06, 0.028, (96, 150, 80), angle=30 - 50 * (k % 2))
    c.polygon(
        ((0.30, y + 0.12), (0.02, y + 0.20 - 0.10 * sing), (0.04, y + 0.30 - 0.10 * sing), (0.34, y + 0.26)),
        shade(body, 0.7),
    )
    for x in (0.44, 0.52):
        c.line([(x, y + 0.26), (x + 0.01, 0.80)], (190, 130, 60), 0.018)
    c.ellipse(0.46, y + 0.12, 0.24, 0.185, body, angle=-14)
    c.ellipse(0.53, y + 0.17, 0.15 + 0.02 * sing, 0.125 + 0.02 * sing, mix(body, (255, 248, 230), 0.6))
    flap = 6 * np.sin(2 * np.pi * 8 * t) * sing
    c.ellipse(0.37, y + 0.11, 0.165, 0.085, shade(body, 0.78), angle=14 + flap)
    hx, hy = 0.66, y - 0.08 - 0.02 * sing
    c.ellipse(hx, hy, 0.135, 0.13, body)
    c.ellipse(hx + 0.035, hy - 0.025, 0.032, 0.034, (250, 250, 250))
    c.ellipse(hx + 0.04, hy - 0.025, 0.022, 0.024, (18, 16, 16))
    open_ = 0.095 * sing
    c.polygon(((hx + 0.115, hy - 0.035), (hx + 0.26, hy + 0.00 - open_), (hx + 0.12, hy + 0.02)), (240, 166, 50))
    c.polygon(
        ((hx + 0.118, hy + 0.012), (hx + 0.235, hy + 0.015 + 0.7 * open_), (hx + 0.10, hy + 0.06)), (214, 138, 40)
    )
    if sing > 0.3:
        for k in range(3):
            r = 0.07 + 0.05 * k + 0.3 * since
            arc = [(hx + 0.22 + r * np.cos(a), hy - 0.01 + r * np.sin(a)) for a in np.radians((-34, -12, 12, 34))]
            c.line(arc, (252, 252, 244), 0.013)
    return c.box(0.02, 0.20, 0.94, 0.84)


PEOPLE = 5
PACE = 0.27  # seconds between one person's claps


def applause_plan(rng: np.random.Generator, seconds: float, count: int | None) -> tuple[list[float], list[float]]:
    """The crowd sets in within a few tenths of a second; the event is its first clap."""
    return [float(rng.uniform(0.25, 0.45))], [1.0]


def _claps(plan: Plan) -> list[tuple[float, float]]:
    """(first clap, seconds between claps) of the people in front."""
    rng = np.random.default_rng((plan.seed, 3))
    first = plan.times[0]
    return [
        (
            first + (0.0 if k == 0 else float(rng.uniform(0.03, 0.25))),
            PACE / plan.speed * float(rng.uniform(0.88, 1.14)),
        )
        for k in range(PEOPLE)
    ]


def applause_sound(plan: Plan, count: int) -> Signal:
    """Every clap one sees, and the rest of the hall behind as a dense patter."""
    out, rng = np.zeros(count), plan.rng()
    for k, (first, pace) in enumerate(_claps(plan)):
        centre = 900 + 260 * k
        for j in range(int((plan.seconds - first) / pace) + 1):
            add(out, burst(rng, 0.05, 0.6 * centre, 2.2 * centre, 0.008), first + j * pace, 0.8)
    crowd = (rng.random(count) < 0.006) * rng.uniform(0.2, 1, count)
    far = np.convolve(crowd, burst(rng, 0.04, 700, 3200, 0.007))[:count]
    far[: round(plan.times[0] * RATE)] = 0
    ramp = np.clip((np.arange(count) / RATE - plan.times[0]) / 0.5, 0, 1)
    return out + 0.5 * ramp * far


def applause_draw(c: Canvas, plan: Plan, t: float) -> Box:
    """Five pairs of hands; each pair meets at its own claps."""
    skins = ((236, 192, 160), (150, 102, 74), (246, 212, 186), (204, 150, 112), (120, 82, 60))
    sleeves = (plan.colour, (66, 112, 196), (86, 164, 92), (208, 120, 54), (142, 92, 176))
    spots = ((0.20, 0.36), (0.50, 0.28), (0.80, 0.36), (0.32, 0.74), (0.68, 0.74))
    for (first, pace), (x, y), skin, sleeve in zip(_claps(plan), spots, skins, sleeves, strict=True):
        u = ((t - first) / pace) % 1 if t >= first - pace / 2 else 0.5
        apart = 0.115 * np.sin(np.pi * u) ** 0.8 if t >= first - pace / 2 else 0.115
        for side in (-1, 1):
            hx = x + side * (0.032 + apart)
            c.line([(hx + side * 0.055, y + 0.25), (hx + side * 0.02, y + 0.10)], sleeve, 0.085)
            c.ellipse(
                hx, y + 0.02, 0.040, 0.095, shade(skin, 1.0 if side < 0 else 0.9), angle=float(side * (8 + 90 * apart))
            )
            c.ellipse(hx - side * 0.012, y + 0.045, 0.05, 0.024, shade(skin, 0.94), angle=float(side * 30))
        if t >= first and u * pace < 0.06:
            for a in (-130, -90, -50):
                d = np.radians(a)
                c.line(
                    [
                        (x + 0.05 * np.cos(d), y - 0.09 + 0.02 * np.sin(d)),
                        (x + 0.10 * np.cos(d), y - 0.09 + 0.08 * np.sin(d)),
                    ],
                    (255, 246, 190),
                    0.014,
                )
    return c.box(0.02, 0.16, 0.98, 1.0)


KINDS = (
    Kind(
        "dog",
        lambda r, s, n: beats(r, s, n, 0.38, (2, 4)),
        dog_sound,
        dog_draw,
        ("park", "yard", "garden"),
        loudness=0.15,
    ),
    Kind(
        "bird",
        lambda r, s, n: beats(r, s, n, 0.36, (2, 5)),
        bird_sound,
        bird_draw,
        ("forest", "park", "garden"),
        loudness=0.10,
    ),
    Kind("applause", applause_plan, applause_sound, applause_draw, ("hall", "stage"), counted=False, loudness=0.13),
)
