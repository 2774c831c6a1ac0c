"""Convolutions with fewer products (Winograd, Toom and Cook; Lavin and Gray 2015), for CPUs.

Outputs of a convolution that stand side by side share products of sums of inputs and sums of weights: by 3 x 3, a
square of four outputs takes 16 of them, where one by one they take 36; along one axis by 5, four take 8, not 20.
The sums are of few numbers with small factors, so rounding stays of the size of a plain convolution's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

_HALF = Fraction(1, 2)
_POINTS = {1: (), 3: (0, 1, -1), 5: (0, 1, -1, 2, -2, _HALF, -_HALF)}  # by the size of a kernel along an axis
_WIDTH = 16  # products of matrices run at full speed on multiples of it


class Convolution(nn.Module):
    """A convolution of sides 1, 3 or 5 that keeps the picture's size. A GPU has ways of its own and takes it plain."""

    plain: Tensor
    bias: Tensor | None
    weight: Tensor
    inward: Tensor
    outward: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        axes = [_matrices(size) for size in weight.shape[2:]]
        rows, columns = (torch.from_numpy(spread) for _, spread, _ in axes)
        spread = torch.einsum("ri,cj,oqij->rcqo", rows, columns, weight.detach().double()).flatten(0, 1)
        self.register_buffer("plain", weight.detach())
        self.register_buffer("bias", None if bias is None else bias.detach())
        self.register_buffer("weight", pad(spread, (0, -len(weight) % _WIDTH)).float())
        self.register_buffer("inward", torch.from_numpy(np.kron(axes[0][0], axes[1][0])).float())
        self.register_buffer("outward", torch.from_numpy(np.kron(axes[0][2], axes[1][2])).float())
        self._taken = [len(axis[0]) for axis in axes]  # inputs along each axis for so many outputs:
        self._given = [len(axis[2]) for axis in axes]

    def forward(self, x: Tensor) -> Tensor:
        """(1, O, H, W) of (1, C, H, W), channels last in memory."""
        margins = [size // 2 for size in self.plain.shape[2:]]
        if x.device.type != "cpu":
            return conv2d(x, self.plain, self.bias, padding=margins)
        sizes, channels = x.shape[2:], self.plain.shape[:2]
        tiles = [-(-size // given) for size, given in zip(sizes, self._given, strict=True)]
        ends = [
            (count - 1) * given + taken - size - margin
            for count, given, taken, size, margin in zip(tiles, self._given, self._taken, sizes, margins, strict=True)
        ]
        picture = pad(x[0].permute(1, 2, 0), (0, 0, margins[1], ends[1], margins[0], ends[0]))
        windows = picture.unfold(0, self._taken[0], self._given[0]).unfold(1, self._taken[1], self._given[1])
        sums = self.inward @ windows.permute(3, 4, 0, 1, 2).reshape(len(self.weight), -1)
        products = torch.bmm(sums.view(len(self.weight), -1, channels[1]), self.weight)
        found = (self.outward @ products.flatten(1)).view(*self._given, *tiles, -1).permute(2, 0, 3, 1, 4)
        whole = found.reshape(tiles[0] * self._given[0], tiles[1] * self._given[1], -1)
        cropped = whole[: sizes[0], : sizes[1], : channels[0]]
        return (cropped if self.bias is None else cropped + self.bias).permute(2, 0, 1)[None]


def replace(net: nn.Module) -> None:
    """In place, the 3 x 3 convolutions of `net`, but for those with few outputs, which gain nothing."""
    for owner in list(net.modules()):
        for name, layer in owner.named_children():
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3) and layer.out_channels >= _WIDTH:
                assert (layer.stride, layer.padding, layer.dilation, layer.groups) == ((1, 1), (1, 1), (1, 1), 1)
                setattr(owner, name, Convolution(layer.weight, layer.bias))


def _matrices(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What makes sums of inputs, of weights, and of products: values of polynomials at points, the last at infinity."""
    points = _POINTS[size]
    if not points:
        return np.eye(1), np.eye(1), np.eye(1)
    count = len(points) + 2 - size
    others = [[q for q in points if q != p] for p in points]
    inward = [[*_product(roots), 0] for roots in others] + [_product(points)]
    scales = [math.prod(Fraction(p) - q for q in roots) for p, roots in zip(points, others, strict=True)]
    weights = [[Fraction(p) ** k / s for k in range(size)] for p, s in zip(points, scales, strict=True)]
    outward = [[Fraction(p) ** k for p in points] + [int(k == count - 1)] for k in range(count)]
    last = [int(k == size - 1) for k in range(size)]
    return _array(inward), _array([*weights, last]), _array(outward)


def _product(roots: Sequence[Fraction | int]) -> list[Fraction | int]:
    """The coefficients of the product of x - root, the constant first."""
    found: list[Fraction | int] = [1]
    for root in roots:
        found = [a - root * b for a, b in zip([0, *found], [*found, 0], strict=True)]
    return found


def _array(rows: Sequence[Sequence[Fraction | int]]) -> NDArray[np.float64]:
    return np.array([[float(value) for value in row] for row in rows])
