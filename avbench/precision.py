"""Whether a device computes in bf16, and Muon for those that do not."""

from __future__ import annotations

import torch
from torch import Tensor


def halves(device: str | torch.device) -> bool:
    """A processor without AVX-512 has bf16 emulated, forty times slower than single precision."""
    return torch.device(device).type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class WholeMuon(torch.optim.Muon):
    """PyTorch's Muon, with the orthogonalisation in single precision; theirs is in bf16 wherever it runs.

    One that adjusts its rate by `match_rms_adamw`. A state of either goes on in the other.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(parameter.grad)
                momentum = state["momentum_buffer"].lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(momentum, group["momentum"]) if group["nesterov"] else momentum
                turned = orthogonal(ahead, group["ns_coefficients"], group["ns_steps"], group["eps"])
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(turned, alpha=-0.2 * group["lr"] * max(parameter.shape) ** 0.5)


def orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """A matrix (N, M) with all singular values brought near 1, by the quintic iteration of Newton and Schulz."""
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
