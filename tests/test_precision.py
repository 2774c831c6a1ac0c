"""Muon where bf16 is emulated is PyTorch's Muon, but for its rounding."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from avbench import training
from avbench.precision import WholeMuon, halves, orthogonal

JORDAN = (3.4445, -4.7750, 2.0315)


@dataclass(frozen=True)
class _Recipe:
    rate: float = 1e-2
    decay: float = 0.01


@given(st.integers(2, 24), st.integers(2, 24), st.integers(0, 99))
def test_singular_values_come_near_one(rows: int, columns: int, seed: int) -> None:
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    found = u.T @ orthogonal(matrix, JORDAN, 5, 1e-7) @ v.T
    off = found - torch.diag(found.diagonal())
    assert off.abs().max() < 1e-3  # the singular vectors stay
    large = s > 0.1 * s.norm()
    assert ((found.diagonal()[large] > 0.5) & (found.diagonal()[large] < 1.3)).all()


def test_a_step_is_pytorchs_but_for_rounding() -> None:
    torch.manual_seed(0)
    begin = [torch.randn(48, 16), torch.randn(16, 64), torch.randn(24, 24)]
    steps = [[torch.randn_like(p) for p in begin] for _ in range(5)]
    ends = []
    for kind in (torch.optim.Muon, WholeMuon):
        matrices = [nn.Parameter(p.clone()) for p in begin]
        optimiser = kind(matrices, 1e-2, 0.01, adjust_lr_fn="match_rms_adamw")
        for gradients in steps:
            for p, gradient in zip(matrices, gradients, strict=True):
                p.grad = gradient.clone()
            optimiser.step()
        ends.append(([p.detach() for p in matrices], optimiser.state_dict()))
    for one, other, first in zip(ends[0][0], ends[1][0], begin, strict=True):
        assert (one - other).norm() < 0.02 * (one - first).norm()
    for index, state in ends[0][1]["state"].items():
        assert torch.equal(state["momentum_buffer"], ends[1][1]["state"][index]["momentum_buffer"])


@pytest.mark.parametrize("able", [True, False])
def test_the_device_decides(able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "halves", lambda device: able)
    optimiser = training.muon(_Recipe(), 4.0, [nn.Parameter(torch.randn(4, 4))])  # type: ignore[arg-type]
    assert isinstance(optimiser, WholeMuon) is not able
    with training.mixed("cpu"):
        assert torch.is_autocast_enabled("cpu") is able


def test_a_gpu_computes_in_bf16() -> None:
    assert halves("cuda") and halves("cuda:1")
