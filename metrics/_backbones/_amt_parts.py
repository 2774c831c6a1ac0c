"""What AMT-S is built of: IFRNet's pyramid and decoders, RAFT's small encoder and two-way correlations."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, leaky_relu

SIDE = 20  # channels that a residual block filters apart
_RADIUS, _LEVELS, _SLOPE = 3, 4, 0.1


def resize(x: Tensor, factor: float) -> Tensor:
    return interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """(N, C, H, W) looked up where the flow (N, 2, H, W) in pixels leads; the edge goes on outside."""
    height, width = flow.shape[-2:]
    place = _places(height, width, flow) + flow / torch.tensor(
        [(width - 1) / 2, (height - 1) / 2], device=flow.device
    ).view(1, 2, 1, 1)
    return grid_sample(x, place.permute(0, 2, 3, 1), padding_mode="border", align_corners=True)


def prelu_conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.PReLU(outputs))


class Encoder(nn.Module):
    """RAFT's small encoder, instance-normed: (N, 3, H, W) to (N, 84, H/8, W/8)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 7, 2, 3)
        self.norm1 = nn.InstanceNorm2d(32)
        sizes = ((32, 32, 1), (32, 64, 2), (64, 96, 2))
        for i, (inputs, outputs, stride) in enumerate(sizes, start=1):
            stage = nn.Sequential(_Bottleneck(inputs, outputs, stride), _Bottleneck(outputs, outputs, 1))
            self.add_module(f"layer{i}", stage)
        self.conv2 = nn.Conv2d(96, 84, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(self.conv1(x)).relu()
        for i in range(1, 4):
            x = self.get_submodule(f"layer{i}")(x)
        return self.conv2(x)


class Pyramid(nn.Module):
    """(N, 3, H, W) to features of a half, a quarter, an eighth and a sixteenth of the size."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        for i, (inputs, outputs) in enumerate(zip((3, *channels), channels, strict=False), start=1):
            self.add_module(f"pyramid{i}", nn.Sequential(prelu_conv(inputs, outputs, 2), prelu_conv(outputs, outputs)))

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for i in range(1, 5):
            x = self.get_submodule(f"pyramid{i}")(x)
            found.append(x)
        return found


class Decoder(nn.Module):
    """Twice the size: a convolution, a residual block and a transposed convolution."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        last = nn.ConvTranspose2d(hidden, outputs, 4, 2, 1)
        self.convblock = nn.Sequential(prelu_conv(inputs, hidden), _Residual(hidden), last)

    def forward(self, *x: Tensor) -> Tensor:
        return self.convblock(torch.cat(x, dim=1))


class Update(nn.Module):
    """What correlations add to features (N, C, H, W) and to both flows (N, 4, H, W), worked out at 1/8 of the size."""

    def __init__(self, channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.convc1 = nn.Conv2d(2 * _LEVELS * (2 * _RADIUS + 1) ** 2, 64, 1)
        self.convf1 = nn.Conv2d(4, 40, 7, padding=3)
        self.convf2 = nn.Conv2d(40, 20, 3, padding=1)
        self.conv = nn.Conv2d(84, 68, 3, padding=1)
        self.gru = _two_convs(68 + 4 + channels, 76)
        self.feat_head = _two_convs(76, channels)
        self.flow_head = _two_convs(76, 4)

    def forward(self, features: Tensor, flow: Tensor, correlations: Tensor) -> tuple[Tensor, Tensor]:
        """`flow` and `correlations` are at 1/8 already."""
        small = features if self.scale == 1 else resize(features, 1 / self.scale)
        seen = leaky_relu(self.convc1(correlations), _SLOPE)
        moved = leaky_relu(self.convf2(leaky_relu(self.convf1(flow), _SLOPE)), _SLOPE)
        both = leaky_relu(self.conv(torch.cat([seen, moved], dim=1)), _SLOPE)
        hidden = self.gru(torch.cat([both, flow, small], dim=1))
        more, step = self.feat_head(hidden), self.flow_head(hidden)
        if self.scale == 1:
            return more, step
        return resize(more, self.scale), self.scale * resize(step, self.scale)


class Correlations:
    """The similarity of every place of one frame with every place of the other, both ways, at four sizes."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        channels, self._h, self._w = first.shape[1:]
        volume = first.flatten(2).transpose(1, 2) @ second.flatten(2) / math.sqrt(channels)
        self._there = self._pooled(volume)
        self._back = self._pooled(volume.transpose(1, 2))
        self.places = torch.stack(
            torch.meshgrid(
                torch.arange(self._w, device=first.device, dtype=first.dtype),
                torch.arange(self._h, device=first.device, dtype=first.dtype),
                indexing="xy",
            )
        )[None]

    def around(self, there: Tensor, back: Tensor) -> Tensor:
        """(N, 392, h, w): the 7 x 7 places around the coordinates (N, 2, h, w), in both directions at four sizes."""
        return torch.cat([self._looked_up(self._there, there), self._looked_up(self._back, back)], dim=1)

    def _pooled(self, volume: Tensor) -> list[Tensor]:
        levels = [volume.reshape(-1, 1, self._h, self._w)]
        for _ in range(_LEVELS - 1):
            levels.append(avg_pool2d(levels[-1], 2))
        return levels

    def _looked_up(self, levels: list[Tensor], places: Tensor) -> Tensor:
        n, side = len(places), 2 * _RADIUS + 1
        reach = torch.linspace(-_RADIUS, _RADIUS, side, device=places.device)
        # the first axis of the neighbourhood goes along x: RAFT's order, which the weights know
        delta = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1)[None]
        centre = places.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
        found = []
        for i, level in enumerate(levels):
            height, width = level.shape[-2:]
            at = (centre / 2**i + delta) * torch.tensor([2 / (width - 1), 2 / (height - 1)], device=places.device) - 1
            found.append(grid_sample(level, at, align_corners=True).view(n, self._h, self._w, side * side))
        return torch.cat(found, dim=-1).permute(0, 3, 1, 2)


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        quarter = outputs // 4
        self.conv1 = nn.Conv2d(inputs, quarter, 1)
        self.conv2 = nn.Conv2d(quarter, quarter, 3, stride, 1)
        self.conv3 = nn.Conv2d(quarter, outputs, 1)
        self.norm1, self.norm2, self.norm3 = (nn.InstanceNorm2d(size) for size in (quarter, quarter, outputs))
        changed = stride > 1
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride), nn.InstanceNorm2d(outputs)) if changed else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(self.conv1(x)).relu()
        y = self.norm2(self.conv2(y)).relu()
        y = self.norm3(self.conv3(y)).relu()
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class _Residual(nn.Module):
    """IFRNet's: the last channels are filtered once more on their own, twice."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = prelu_conv(channels, channels)
        self.conv2 = prelu_conv(SIDE, SIDE)
        self.conv3 = prelu_conv(channels, channels)
        self.conv4 = prelu_conv(SIDE, SIDE)
        self.conv5 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.prelu = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for whole, side in ((self.conv1, self.conv2), (self.conv3, self.conv4)):
            y = whole(y)
            y = torch.cat([y[:, :-SIDE], side(y[:, -SIDE:])], dim=1)
        return self.prelu(x + self.conv5(y))


def _two_convs(inputs: int, outputs: int) -> nn.Sequential:
    hidden = 76
    return nn.Sequential(
        nn.Conv2d(inputs, hidden, 3, padding=1), nn.LeakyReLU(_SLOPE), nn.Conv2d(hidden, outputs, 3, padding=1)
    )


def _places(height: int, width: int, like: Tensor) -> Tensor:
    """(1, 2, H, W): x and y of every pixel in -1..1."""
    x, y = (torch.linspace(-1, 1, size, device=like.device, dtype=like.dtype) for size in (width, height))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]
