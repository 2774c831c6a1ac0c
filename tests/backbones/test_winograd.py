"""Convolutions with fewer products against PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from avbench.metrics._backbones import winograd


@torch.inference_mode()
@pytest.mark.parametrize("sides", [(3, 3), (1, 5), (5, 1), (5, 5), (3, 1), (1, 1)])
@pytest.mark.parametrize("size", [(8, 12), (7, 9), (1, 2), (16, 17)])
def test_they_are_the_plain_ones_but_for_rounding(sides: tuple[int, int], size: tuple[int, int]) -> None:
    """Also of odd sizes, smaller than the kernel, and with outputs that fill no whole width."""
    torch.manual_seed(0)
    x, weight, bias = torch.randn(1, 20, *size), torch.randn(18, 20, *sides) / 20, torch.randn(18)
    ours = winograd.Convolution(weight, bias)
    expected = conv2d(x.double(), weight.double(), bias.double(), padding=(sides[0] // 2, sides[1] // 2)).float()
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.testing.assert_close(ours(x.contiguous(memory_format=layout)), expected, atol=2e-5, rtol=0)


@torch.inference_mode()
def test_those_of_a_network_are_replaced_where_it_pays() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(16, 2, 3, padding=1))
    )
    x = torch.randn(1, 3, 9, 10)
    expected = net(x)
    winograd.replace(net)
    assert [type(layer) for layer in net.modules() if not list(layer.children())] == [
        winograd.Convolution,
        nn.ReLU,
        nn.Conv2d,
    ]
    torch.testing.assert_close(net(x), expected, atol=1e-5, rtol=0)
