"""RAFT's update steps without what they repeat; the numbers are torchvision's but for the order of sums.

In each of the 20 steps the recurrent layers see the context of the frame again, which never changes: its share of their
convolutions is taken once. The 81 places that a step looks up around a point are apart by whole pixels, so one bilinear
weight serves all of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, linear
from torch.nn.utils.fusion import fuse_conv_bn_eval

RADIUS, LEVELS = 4, 4
_HIDDEN = 128


class Correlations:
    """How well each place of `first` (1, D, h, w) goes with each of `second`, at four sizes."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        _, depth, self._h, self._w = first.shape
        products = first.flatten(2)[0].T @ second.flatten(2)[0] / torch.tensor(depth, device=first.device).sqrt()
        volume = products.view(-1, 1, self._h, self._w)
        self._volumes = [volume]
        for _ in range(LEVELS - 1):
            volume = avg_pool2d(volume, kernel_size=2, stride=2)
            self._volumes.append(volume)

    def around(self, places: Tensor) -> Tensor:
        """(h * w, 4 * 81): what lies around `places` (1, 2, h, w), x and y; 0 outside of the picture."""
        centres = places[0].flatten(1)
        return torch.cat([_patches(v, centres / 2**level) for level, v in enumerate(self._volumes)], dim=1)


def _patches(volume: Tensor, centres: Tensor) -> Tensor:
    """(N, 81) bilinear samples of `volume` (N, 1, H, W) at whole steps around `centres` (2, N), x before y."""
    height, width = volume.shape[-2:]
    steps = torch.arange(-RADIUS, RADIUS + 2, device=volume.device)
    corner = centres.floor()
    x, y = (corner[axis].clamp(-2 * RADIUS, size + 2 * RADIUS).long() for axis, size in ((0, width), (1, height)))
    columns, rows = x[:, None] + steps, y[:, None] + steps
    inside = ((columns >= 0) & (columns < width))[:, :, None] & ((rows >= 0) & (rows < height))[:, None]
    index = columns.clamp(0, width - 1)[:, :, None] + width * rows.clamp(0, height - 1)[:, None]
    found = volume.flatten(1).gather(1, index.flatten(1)).view(index.shape) * inside
    right, down = (centres - corner)[:, :, None, None]
    across = found[:, :-1] + right * (found[:, 1:] - found[:, :-1])
    return (across[:, :, :-1] + down * (across[:, :, 1:] - across[:, :, :-1])).flatten(1)


class Recurrence:
    """One of the two recurrent layers, for one frame's `context` (1, 128, h, w)."""

    def __init__(self, layer: Any, context: Tensor) -> None:
        gates = (layer.convz, layer.convr, layer.convq)
        parts = [gate.weight.split([_HIDDEN, _HIDDEN, _HIDDEN], dim=1) for gate in gates]
        own, fixed, new = ([part[kind] for part in parts] for kind in range(3))
        self._padding = layer.convz.padding
        bias = torch.cat([gate.bias for gate in gates])
        self._fixed = conv2d(context, torch.cat(fixed), bias, padding=self._padding)
        self._gates = _beside(own[:2], new[:2])
        self._candidate = _beside(own[2:], new[2:])

    def __call__(self, state: Tensor) -> None:
        """Renew the first half of `state` (1, 256, h, w), the hidden state; the second half is the motion."""
        hidden = state[:, :_HIDDEN].clone()
        gates = conv2d(state, self._gates, padding=self._padding).add_(self._fixed[:, : 2 * _HIDDEN]).sigmoid_()
        update, reset = gates.split(_HIDDEN, dim=1)
        torch.mul(reset, hidden, out=state[:, :_HIDDEN])
        candidate = tanh_(conv2d(state, self._candidate, padding=self._padding).add_(self._fixed[:, 2 * _HIDDEN :]))
        state[:, :_HIDDEN] = (1 - update) * hidden + update * candidate


def tanh_(x: Tensor) -> Tensor:
    """In place, and on a CPU several times as fast as torch's own."""
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)


def without_norms(encoder: nn.Module) -> None:
    """Batch norms of evaluation as part of the convolutions before them, in place."""
    for layer in list(encoder.modules()):
        if isinstance(layer, nn.Sequential) and len(layer) > 1:
            convolution, norm = layer[0], layer[1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                layer[0], layer[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()


def _beside(own: list[Tensor], new: list[Tensor]) -> Tensor:
    return torch.cat([torch.cat(own), torch.cat(new)], dim=1)


def motion(encoder: Any, flow: Tensor, around: Tensor) -> Tensor:
    """torchvision's motion encoder, its first layer, which looks at one place at a time, as a product of matrices."""
    first = encoder.convcorr1[0]
    seen = linear(around, first.weight.flatten(1), first.bias).relu_().T.reshape(1, -1, *flow.shape[-2:])
    both = torch.cat([encoder.convcorr2(seen), encoder.convflow2(encoder.convflow1(flow))], dim=1)
    return torch.cat([encoder.conv(both), flow], dim=1)


def updated(
    net: Any, hidden: Tensor, context: Tensor, correlations: Correlations, start: Tensor, n: int
) -> tuple[Tensor, Tensor]:
    """The hidden state and where `start` has moved to after `n` steps."""
    block = net.update_block
    layers = [Recurrence(layer, context) for layer in (block.recurrent_block.convgru1, block.recurrent_block.convgru2)]
    state = torch.cat([hidden, torch.empty_like(hidden)], dim=1)
    moved = start
    for _ in range(n):
        state[:, _HIDDEN:] = motion(block.motion_encoder, moved - start, correlations.around(moved))
        for layer in layers:
            layer(state)
        moved = moved + block.flow_head(state[:, :_HIDDEN])
    return state[:, :_HIDDEN], moved
