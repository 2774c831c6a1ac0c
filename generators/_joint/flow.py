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


def noised(clean: Tensor, noise: Tensor, s: Tensor) -> Tensor:
    """z_s = (1 - s) z_0 + s e, with one level a sample: `s` (B,)."""
    s = s.view(-1, *[1] * (clean.ndim - 1))
    return (1 - s) * clean + s * noise


def renoised(z: Tensor, clean: Tensor, s: Tensor, to: Tensor, fresh: Tensor, churn: float) -> Tensor:
    """From level `s` to level `to` along the predicted clean latent, `churn` of the noise replaced by `fresh`.

    z_to = (1 - to) z_0 + to (sqrt(1 - churn^2) e + churn fresh), with e = (z_s - (1 - s) z_0) / s, the noise that the
    estimate implies. Without churn this is Euler's step. (Song et al. 2021, DDIM, eq. 16, on a straight path.)
    """
    noise = (z - (1 - s) * clean) / s
    kept: float = (1 - churn**2) ** 0.5
    return (1 - to) * clean + to * (kept * noise + churn * fresh)


def weight(s: Tensor, floor: float) -> Tensor:
    """The weight of a clean-latent error that equals s times that of its velocity error."""
    return s / s.clamp_min(floor) ** 2


def guided(conditional: Tensor, negative: Tensor, scale: float) -> Tensor:
    """n + scale (c - n). Its weights sum to 1, so guiding velocities, noises or clean latents is the same."""
    return torch.lerp(negative, conditional, scale)
