"""Linear layers by oneDNN are linear layers; what it is not meant for is left alone, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from avbench.products import Products, inference

SIZES = st.integers(1, 70)
ONEDNN = "mkldnn::_linear_pointwise"

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")


def called(work: Callable[[], object]) -> set[str]:
    """The operators that `work` calls."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], acc_events=True) as profile:
        work()
    return {event.key for event in profile.key_averages()}


@given(rows=st.integers(16, 200), inner=SIZES, outer=SIZES, bias=st.booleans(), seed=st.integers(0, 99))
def test_a_linear_layer_is_what_it_was(rows: int, inner: int, outer: int, bias: bool, seed: int) -> None:
    torch.manual_seed(seed)
    x, weight, b = torch.randn(2, rows, inner), torch.randn(outer, inner), torch.randn(outer) if bias else None
    exact = F.linear(x.double(), weight.double(), None if b is None else b.double())
    with torch.inference_mode(), Products():
        y = F.linear(x, weight, b)
    assert y.shape == exact.shape and y.dtype == torch.float32
    torch.testing.assert_close(y.double(), exact, rtol=1e-5, atol=1e-5 * inner**0.5)


@given(rows=st.integers(16, 90), inner=SIZES, outer=SIZES, beta=st.floats(-2, 2), alpha=st.floats(-2, 2))
def test_so_is_a_product_that_is_added(rows: int, inner: int, outer: int, beta: float, alpha: float) -> None:
    bias, x, weight = torch.randn(outer), torch.randn(rows, inner), torch.randn(outer, inner)
    with torch.inference_mode(), Products():
        y = torch.addmm(bias, x, weight.t(), beta=beta, alpha=alpha)
    exact = beta * bias.double() + alpha * x.double() @ weight.double().t()
    torch.testing.assert_close(y.double(), exact, rtol=1e-5, atol=1e-5 * inner**0.5)


def test_only_single_precision_with_rows_enough_goes_to_onednn() -> None:
    weight = torch.randn(8, 4)
    x = torch.randn(50, 4)
    with torch.inference_mode(), Products():
        assert ONEDNN in called(lambda: F.linear(x, weight))
        for few in (
            lambda: F.linear(x[:3], weight),
            lambda: F.linear(x.double(), weight.double()),
            lambda: F.linear(x, weight[0]),
            lambda: torch.addmm(input=weight[:, 0], mat1=x, mat2=weight.t()),
        ):
            assert ONEDNN not in called(few)
    assert ONEDNN not in called(lambda: F.linear(x, weight))  # it ends where it was to end


def test_what_is_compiled_is_left_to_the_compiler() -> None:
    weight, x = torch.randn(8, 4), torch.randn(50, 4)
    compiled = torch.compile(lambda y: F.linear(y, weight), backend="aot_eager")
    with torch.inference_mode(), Products():
        assert ONEDNN not in called(lambda: compiled(x))


@pytest.mark.parametrize("slow", [False, True])
def test_a_function_may_be_one_that_infers(slow: bool) -> None:
    @inference()
    def work(x: Tensor) -> tuple[Tensor, bool]:
        return F.linear(x, torch.ones(3, 2)), torch.is_inference_mode_enabled()

    with patch("avbench.products.slow", lambda: slow):
        y, infers = work(torch.ones(20, 2))
        assert infers and y.eq(2).all()
        assert (ONEDNN in called(lambda: work(torch.ones(20, 2)))) == slow
