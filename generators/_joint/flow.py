"""Flow matching on noise level s in [0, 1]: 0 is clean, 1 is pure noise (Wan's convention)."""

from __future__ import annotations

import torch
from torch import Tensor


def shift(t: Tensor, a: float) -> Tensor:
    """S(t) = a t / (1 + (a - 1) t): spends more of the schedule at high noise (Wan2.2, fm_solvers.py)."""
    return a * t / (1 + (a - 1) * t)


def grid(steps: int, a: float) -> Tensor:
    """Wan's sampling grid: (steps + 1,) noise levels S(1 - i / steps), from 1 down to 0."""
    return shift(1 - torch.arange(steps + 1) / steps, a)


def late_grid(steps: int, a: float) -> Tensor:
    """UniAVGen's sampling grid: S(linspace(1, 1/1000, steps)), then 0 (Sora2-mini, wan/infer.py)."""
    return torch.cat([shift(torch.linspace(1, 1e-3, steps), a), torch.zeros(1)])


def noised(clean: Tensor, noise: Tensor, s: Tensor) -> Tensor:
    """z_s = (1 - s) z_0 + s e, with one level a sample: `s` (B,)."""
    s = s.view(-1, *[1] * (clean.ndim - 1))
    return (1 - s) * clean + s * noise


def velocity(z: Tensor, clean: Tensor, s: Tensor) -> Tensor:
    """u = (z_s - z_0) / s, the velocity e - z_0 that a clean estimate implies; `s` broadcasts."""
    return (z - clean) / s


def implied_noise(z: Tensor, clean: Tensor, s: Tensor) -> Tensor:
    """e = (z_s - (1 - s) z_0) / s."""
    return (z - (1 - s) * clean) / s


def renoised(z: Tensor, clean: Tensor, s: Tensor, to: Tensor, fresh: Tensor, churn: float) -> Tensor:
    """From level `s` to level `to` along the predicted clean latent, `churn` of the noise replaced by `fresh`.

    z_to = (1 - to) z_0 + to (sqrt(1 - churn^2) e + churn fresh), with e = (z_s - (1 - s) z_0) / s, the noise that the
    estimate implies. Without churn this is Euler's step. (Song et al. 2021, DDIM, eq. 16, on a straight path.)
    """
    noise = implied_noise(z, clean, s)
    kept: float = (1 - churn**2) ** 0.5
    return (1 - to) * clean + to * (kept * noise + churn * fresh)


def weight(s: Tensor, floor: float) -> Tensor:
    """The weight of a clean-latent error that equals s times that of its velocity error."""
    return s / s.clamp_min(floor) ** 2


def velocity_weight(s: Tensor, floor: float) -> Tensor:
    """The weight of a clean-latent error that equals that of its velocity error."""
    return 1 / s.clamp_min(floor) ** 2


def projected(conditional: Tensor, negative: Tensor, scale: float, most: float = 27.0) -> Tensor:
    """Adaptive projected guidance on clean estimates (Sadat et al. 2024): c + (scale - 1) of the part of c - n that is
    at right angles to c, its norm at most `most` (Waver's threshold); the rest only makes colours harsher.
    """
    axes = tuple(range(1, conditional.ndim))
    away = conditional - negative
    away = away * (most / away.square().sum(axes, keepdim=True).sqrt().clamp_min(1e-8)).clamp_max(1)
    along = conditional / conditional.square().sum(axes, keepdim=True).sqrt().clamp_min(1e-8)
    return conditional + (scale - 1) * (away - (away * along).sum(axes, keepdim=True) * along)


def guided(conditional: Tensor, negative: Tensor, scale: float) -> Tensor:
    """n + scale (c - n). Its weights sum to 1, so guiding velocities, noises or clean latents is the same."""
    return torch.lerp(negative, conditional, scale)
