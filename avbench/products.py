"""How networks compute without gradients, and matrix products on processors where PyTorch's own are slow.

On x86 PyTorch leaves products in single precision to MKL, which on an AMD processor goes no further than AVX2. oneDNN,
which PyTorch holds too (its convolutions and TorchInductor call it), has kernels for AVX-512 whoever made the
processor: the same products, in single precision as well, in half the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_FEW = 16  # rows below which a call costs more than it saves


@contextmanager
def inference() -> Iterator[None]:
    """What a network runs in that is not being trained: no gradients, quick products. Also a decorator."""
    with torch.inference_mode(), Products() if slow() else nullcontext():
        yield


@cache
def slow() -> bool:
    """Whether this processor has AVX-512 that MKL does not take, and PyTorch the product of oneDNN that does."""
    if "AVX512" not in torch.backends.cpu.get_cpu_capability() or not torch.backends.mkldnn.is_available():
        return False
    facts = Path("/proc/cpuinfo")
    return facts.is_file() and "AuthenticAMD" in facts.read_text() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Products(TorchFunctionMode):
    """Gives `linear` and `addmm` in single precision on the CPU to oneDNN; all else goes on as it is."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if torch.compiler.is_compiling():  # TorchInductor has products of its own, and cannot lower this one
            return function(*args, **kwargs)
        if function is F.linear and not kwargs and _fit(*args):
            return _product(*args)
        if (
            function is torch.addmm
            and len(args) == 3
            and kwargs.keys() <= {"beta", "alpha"}
            and _fit(args[1], args[2], args[0])
        ):
            return _sum(*args, **kwargs)
        return function(*args, **kwargs)


def _product(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    y: Tensor = torch.ops.mkldnn._linear_pointwise(input, weight, bias, "none", [], "")
    return y


def _sum(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    y = _product(mat1, mat2.t())
    return torch.add(input * beta, y, alpha=alpha, out=y)


def _fit(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> bool:
    """Whether all are plain, in single precision and on the CPU, and the input has rows enough."""
    plain = all(
        x is None or (type(x) in (Tensor, nn.Parameter) and x.dtype == torch.float32 and x.device.type == "cpu")
        for x in (input, weight, bias)
    )
    return (
        plain and weight.ndim == 2 and input.numel() >= _FEW * input.shape[-1] and not torch.is_autocast_enabled("cpu")
    )
