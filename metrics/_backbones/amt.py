"""AMT-S: the frame between two others (Li et al. 2023, MCG-NKU/AMT; code and weights CC BY-NC 4.0).

Official file `amt-s.pth`, entry `state_dict`; its keys load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

from ._amt_parts import Correlations, Decoder, Encoder, Pyramid, Update, resize, warp
from ._state import build

SMALLEST = 128  # pixels a side after padding, as with RAFT
_CHANNELS = (20, 32, 44, 56)
_FLOWS = 3
_HALF = 0.5  # where between the two: in the middle


@dataclass(frozen=True, slots=True)
class Between:
    """The frame in the middle (N, 3, H, W), unclamped, and the flow to the first frame at 1/2, 1/4 and 1/8."""

    image: Tensor
    flows: tuple[Tensor, Tensor, Tensor]


class Amt(nn.Module):
    """Small flows of both directions, made larger and righter from 1/16 of the size up, warp both frames."""

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four = _CHANNELS
        self.feat_encoder = Encoder()
        self.encoder = Pyramid(_CHANNELS)
        self.decoder4 = Decoder(2 * four + 1, 2 * four, three + 4)
        self.decoder3 = Decoder(3 * three + 4, 3 * three, two + 4)
        self.decoder2 = Decoder(3 * two + 4, 3 * two, one + 4)
        self.decoder1 = Decoder(3 * one + 4, 3 * one, 8 * _FLOWS)
        self.update4 = Update(three, 1)
        self.update3 = Update(two, 2)
        self.update2 = Update(one, 4)
        inner = 6 * _FLOWS
        self.comb_block = nn.Sequential(
            nn.Conv2d(3 * _FLOWS, inner, 3, 1, 1), nn.PReLU(inner), nn.Conv2d(inner, 3, 3, 1, 1)
        )

    def forward(self, first: Tensor, second: Tensor) -> Between:
        """Frames (N, 3, H, W) in 0..1 with sides that 16 divides."""
        mean = torch.cat([first, second], dim=2).mean(1, keepdim=True).mean(2, keepdim=True).mean(3, keepdim=True)
        a, b = first - mean, second - mean
        correlations = Correlations(*self.feat_encoder(torch.cat([a, b])).chunk(2))
        near, far = self.encoder(a), self.encoder(b)

        middle = torch.full_like(near[3][:, :1], _HALF)
        out = self.decoder4(near[3], far[3], middle)
        flow, features = self._righted(self.update4, out[:, :4], out[:, 4:], correlations)
        flows = [flow]
        for decoder, update, i in ((self.decoder3, self.update3, 2), (self.decoder2, self.update2, 1)):
            out = decoder(features, warp(near[i], flow[:, :2]), warp(far[i], flow[:, 2:]), flow)
            grown = out[:, :4] + 2 * resize(flow, 2)
            flow, features = self._righted(update, grown, out[:, 4:], correlations)
            flows.append(flow)

        out = self.decoder1(features, warp(near[0], flow[:, :2]), warp(far[0], flow[:, 2:]), flow)
        grown = 2 * resize(flow, 2)
        image = self._combined(a, b, mean, out, grown)
        eighth, quarter, half = (x[:, :2] for x in flows)
        return Between(image, (half, quarter, eighth))

    def _righted(self, update: Update, flow: Tensor, features: Tensor, seen: Correlations) -> tuple[Tensor, Tensor]:
        """Flow and features after a look at what lies where the flow leads, if motion goes on evenly."""
        small = flow if update.scale == 1 else resize(flow, 1 / update.scale) / update.scale
        around = seen.around(seen.places + small[:, 2:] / _HALF, seen.places + small[:, :2] / (1 - _HALF))
        more, step = update(features, small, around)
        return flow + step, features + more

    def _combined(self, first: Tensor, second: Tensor, mean: Tensor, out: Tensor, grown: Tensor) -> Tensor:
        n, _, height, width = first.shape
        to_first, to_second, masks, rest = out.split([2 * _FLOWS, 2 * _FLOWS, _FLOWS, 3 * _FLOWS], dim=1)
        made = []
        for k in range(_FLOWS):
            two, three = slice(2 * k, 2 * k + 2), slice(3 * k, 3 * k + 3)
            mask = masks[:, k : k + 1].sigmoid()
            a = warp(first, to_first[:, two] + grown[:, :2])
            b = warp(second, to_second[:, two] + grown[:, 2:])
            made.append(mask * a + (1 - mask) * b + mean + rest[:, three])
        candidates = torch.stack(made, dim=1)
        return candidates.mean(dim=1) + self.comb_block(candidates.view(n, -1, height, width))


def load(state: Mapping[str, Tensor], source: str) -> Amt:
    """The network with the official weights `state`, read from `source`."""
    return build(Amt, state, source)


def middle(net: Amt, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Tensor:
    """The frame (3, H, W) in 0..1 between two of (H, W, 3), whose edges are repeated to multiples of 16 meanwhile."""
    height, width = first.shape[:2]
    rows, columns = -height % 16, -width % 16
    top, left = rows // 2, columns // 2
    device = next(net.parameters()).device
    images = torch.from_numpy(np.stack([first, second])).permute(0, 3, 1, 2).to(device) / 255
    a, b = pad(images, (left, columns - left, top, rows - top), mode="replicate").split(1)
    return net(a, b).image[0, :, top : top + height, left : left + width].clamp(0, 1)


def difference(predicted: Tensor, frame: NDArray[np.uint8]) -> float:
    """VBench's: the mean |difference|, 0..255, of the prediction (3, H, W) in 0..1, cut to levels, and `frame`."""
    levels = (predicted.cpu().numpy().transpose(1, 2, 0) * 255.0).clip(0, 255).astype(np.uint8)
    return float(np.abs(levels.astype(np.int16) - frame).mean())
