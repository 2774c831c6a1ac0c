"""RAFT's update steps without what they repeat; the numbers are torchvision's but for the order of sums.

In each of the 20 steps the recurrent layers see the context of the frame again, which never changes: its share of their
convolutions is taken once. The 81 places that a step looks up around a point are apart by whole pixels, so one bilinear
weight serves all of them. What is left is convolutions, which take fewer products (`winograd`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, linear
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .winograd import Convolution, replace

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
    columns, left, right = _steps(centres[0], width)
    rows, above, below = _steps(centres[1], height)
    index = columns[:, :, None] + (width * rows)[:, None]
    found = volume.flatten(1).gather(1, index.flatten(1)).view(index.shape)
    across = (found[:, :-1] * left[:, :, None]).addcmul_(found[:, 1:], right[:, :, None])
    return (across[:, :, :-1] * above[:, None]).addcmul_(across[:, :, 1:], below[:, None]).flatten(1)


def _steps(centres: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ten places (N, 10) around each centre, and the weights (N, 9) of neighbours; an outer place has weight 0."""
    corner = centres.floor()
    steps = torch.arange(-RADIUS, RADIUS + 2, device=centres.device)
    places = corner.clamp(-2 * RADIUS, size + 2 * RADIUS).long()[:, None] + steps
    inside = ((places >= 0) & (places < size)).float()
    second = (centres - corner)[:, None]
    return places.clamp_(0, size - 1), (1 - second) * inside[:, :-1], second * inside[:, 1:]


class Recurrence(nn.Module):
    """One of the two recurrent layers, made of torchvision's `layer`."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        gates = (layer.convz, layer.convr, layer.convq)
        parts = [gate.weight.split([_HIDDEN, _HIDDEN, _HIDDEN], dim=1) for gate in gates]
        own, fixed, new = ([part[kind] for part in parts] for kind in range(3))
        self._context = Convolution(torch.cat(fixed), torch.cat([gate.bias for gate in gates]))
        self._gates = Convolution(_beside(own[:2], new[:2]))
        self._candidate = Convolution(_beside(own[2:], new[2:]))

    def share(self, context: Tensor) -> Tensor:
        """What one frame's `context` (1, 128, h, w) adds in every step."""
        found: Tensor = self._context(context)
        return found

    def forward(self, state: Tensor, share: Tensor) -> None:
        """Renew the first half of `state` (1, 256, h, w), the hidden state; the second half is the motion."""
        hidden = state[:, :_HIDDEN].clone()
        gates = self._gates(state).add_(share[:, : 2 * _HIDDEN]).sigmoid_()
        update, reset = gates.split(_HIDDEN, dim=1)
        torch.mul(reset, hidden, out=state[:, :_HIDDEN])
        candidate = tanh_(self._candidate(state).add_(share[:, 2 * _HIDDEN :]))
        torch.lerp(hidden, candidate, update, out=state[:, :_HIDDEN])


def tanh_(x: Tensor) -> Tensor:
    """In place, and on a CPU several times as fast as torch's own."""
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)


def lean(net: Any) -> Any:
    """torchvision's `net` for evaluation, in place: for `flow` alone, its own `forward` is lost."""
    without_norms(net.context_encoder)
    recurrent = net.update_block.recurrent_block
    recurrent.convgru1, recurrent.convgru2 = Recurrence(recurrent.convgru1), Recurrence(recurrent.convgru2)
    replace(net.update_block)
    # not the other encoder, whose instance norms are slow with channels last
    for part in (net.context_encoder, net.update_block):
        part.to(memory_format=torch.channels_last)
    return net.requires_grad_(False)


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
    seen = linear(around, first.weight.flatten(1), first.bias).relu_().view(1, *flow.shape[-2:], -1).permute(0, 3, 1, 2)
    both = torch.cat([encoder.convcorr2(seen), encoder.convflow2(encoder.convflow1(flow))], dim=1)
    return torch.cat([encoder.conv(both), flow], dim=1)


def updated(
    net: Any, hidden: Tensor, context: Tensor, correlations: Correlations, start: Tensor, n: int
) -> tuple[Tensor, Tensor]:
    """The hidden state and where `start` has moved to after `n` steps."""
    block = net.update_block
    layers = [block.recurrent_block.convgru1, block.recurrent_block.convgru2]
    shares = [layer.share(context) for layer in layers]
    state = torch.cat([hidden, torch.empty_like(hidden)], dim=1).contiguous(memory_format=torch.channels_last)
    moved = start
    for _ in range(n):
        state[:, _HIDDEN:] = motion(block.motion_encoder, moved - start, correlations.around(moved))
        for layer, share in zip(layers, shares, strict=True):
            layer(state, share)
        moved = moved + block.flow_head(state[:, :_HIDDEN])
    return state[:, :_HIDDEN], moved
